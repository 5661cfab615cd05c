import Identity
import Registry
import Sylkrtc

/// Who is prominent in a room, by whose word, and which change of the room that is (protocol page, R11 and E13).
///
/// Every change has the next number, and a departure is one: a successor that finds an earlier record and sees who has left
/// since counts to the same number as its predecessor.
struct ActiveParticipants: Equatable {
    struct Participant: Equatable {
        let session: SessionID
        let client: ClientSessionID
    }

    /// What a member asks for.
    struct Change: Equatable {
        /// The request: its connection and its number there.
        let request: SessionID
        let session: SessionID
        let originator: ClientSessionID
        let participants: [Participant]
    }

    /// Requests of one connection that are remembered: as many as a client may have unanswered.
    static let rememberedRequests = 64
    /// And of all together. Whoever has asked most forgets first.
    static let rememberedTotal = 512

    /// In order; at most two.
    private(set) var participants: [Participant] = []
    /// nil: the gateway, because somebody has left.
    private(set) var originator: ClientSessionID?
    /// 0: as the room began, without any.
    private(set) var version: Int64 = 0
    /// The requests behind the latest changes, the oldest first.
    private(set) var requests: [SessionID] = []

    init() {}

    /// As a predecessor recorded it.
    ///
    /// - Parameter name: of a session that is still there.
    init(_ row: RoomRow, name: (SessionID) -> ClientSessionID?) {
        version = row.version
        originator = row.originator.flatMap(ClientSessionID.init)
        requests = row.configuredBy
        for recorded in row.activeParticipants {
            if let session = SessionID(recorded), let client = name(session) {
                participants.append(Participant(session: session, client: client))
            } else {
                departed()
            }
        }
    }

    /// How the participants stand in the registry.
    var recorded: [String] { participants.map(\.session.description) }

    /// The request has been done: only its answer may be missing.
    func includes(_ request: SessionID) -> Bool { requests.contains(request) }

    func changed(by change: Change) -> ActiveParticipants {
        var changed = self
        changed.participants = change.participants
        changed.originator = change.originator
        changed.version &+= 1
        changed.remember(change.request)
        return changed
    }

    private mutating func remember(_ request: SessionID) {
        requests.append(request)
        if requests.count(where: { $0.connection == request.connection }) > Self.rememberedRequests {
            forgetFirst(of: request.connection)
        }
        guard requests.count > Self.rememberedTotal else { return }
        let counts = Dictionary(requests.map { ($0.connection, 1) }, uniquingKeysWith: +)
        let most = counts.values.max()
        if let first = requests.first(where: { counts[$0.connection] == most }) { forgetFirst(of: first.connection) }
    }

    private mutating func forgetFirst(of connection: ConnectionID) {
        if let index = requests.firstIndex(where: { $0.connection == connection }) { requests.remove(at: index) }
    }

    /// A participant has left.
    mutating func remove(_ session: SessionID) {
        let before = participants.count
        participants.removeAll { $0.session == session }
        if participants.count < before { departed() }
    }

    private mutating func departed() {
        originator = nil
        version &+= 1
    }

    static func unknown(_ names: [String]) -> WorkerAnswer {
        .error("configure-room: unknown participant session id: \(names.joined(separator: ", "))")
    }
}
