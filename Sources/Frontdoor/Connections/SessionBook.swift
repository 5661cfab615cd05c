import Identity
import Sylkrtc

/// The conference sessions of one connection: publishers and their feeds, by the request that created them and by the
/// client's own name, which is unique among them (D42).
struct SessionBook {
    enum Kind: Equatable {
        case publisher
        case feed(of: RequestSequence)
    }

    struct Session {
        let kind: Kind
        let client: ClientSessionID
        let account: AddressOfRecord
        /// nil: the room is still being located.
        var slot: SlotID?
        var told = ToldState()
        /// Requests that came before the worker was known, in order.
        var waiting: [(RequestSequence, WorkerRequest)] = []

        /// Itself, or somebody the client has been told of.
        func knows(_ participant: String) -> Bool {
            participant == client.description || told.announced.contains { $0.description == participant }
        }

        func isFeed(of base: RequestSequence) -> Bool { kind == .feed(of: base) }
    }

    private var sessions: [RequestSequence: Session] = [:]
    private var names: [String: RequestSequence] = [:]

    var count: Int { sessions.count }
    var slots: Set<SlotID> { Set(sessions.values.compactMap(\.slot)) }

    subscript(sequence: RequestSequence) -> Session? { sessions[sequence] }

    func contains(_ name: String) -> Bool { names[name] != nil }

    func sequence(called name: String) -> RequestSequence? { names[name] }

    func publisher(called name: String) -> (RequestSequence, Session)? {
        guard let sequence = names[name], let session = sessions[sequence], session.kind == .publisher else {
            return nil
        }
        return (sequence, session)
    }

    func feed(called name: String, of base: String) -> RequestSequence? {
        guard let sequence = names[name], let base = names[base], sessions[sequence]?.isFeed(of: base) == true else {
            return nil
        }
        return sequence
    }

    func all(at slot: SlotID) -> [RequestSequence] {
        sessions.filter { $0.value.slot == slot }.keys.sorted()
    }

    /// Publishers of the account whose worker is not known yet.
    func unplaced(of account: AddressOfRecord) -> [RequestSequence] {
        sessions.filter { $0.value.account == account && $0.value.slot == nil && $0.value.kind == .publisher }
            .keys.sorted()
    }

    func slots(of account: AddressOfRecord) -> Set<SlotID> {
        Set(sessions.values.filter { $0.account == account }.compactMap(\.slot))
    }

    mutating func add(
        _ sequence: RequestSequence, _ kind: Kind, called client: ClientSessionID, account: AddressOfRecord,
        at slot: SlotID?
    ) {
        sessions[sequence] = Session(kind: kind, client: client, account: account, slot: slot)
        names[client.description] = sequence
    }

    /// Removes a session and, of a publisher, its feeds (D48). What waited for the feeds is with the session then.
    @discardableResult
    mutating func remove(_ sequence: RequestSequence) -> Session? {
        guard var session = sessions.removeValue(forKey: sequence) else { return nil }
        names[session.client.description] = nil
        if session.kind == .publisher {
            for feed in sessions.filter({ $0.value.isFeed(of: sequence) }).keys.sorted() {
                session.waiting += remove(feed)?.waiting ?? []
            }
        }
        return session
    }

    mutating func wait(_ session: RequestSequence, _ sequence: RequestSequence, _ request: WorkerRequest) {
        sessions[session]?.waiting.append((sequence, request))
    }

    /// The session's worker is known, or has changed.
    ///
    /// - Returns: what waited for that.
    mutating func place(_ sequence: RequestSequence, at slot: SlotID) -> [(RequestSequence, WorkerRequest)] {
        var released = sessions[sequence]?.waiting ?? []
        sessions[sequence]?.slot = slot
        sessions[sequence]?.waiting = []
        for feed in sessions.filter({ $0.value.isFeed(of: sequence) }).keys {
            released += sessions[feed]?.waiting ?? []
            sessions[feed]?.slot = slot
            sessions[feed]?.waiting = []
        }
        return released.sorted { $0.0 < $1.0 }
    }

    mutating func told(_ sequence: RequestSequence, _ change: ToldState.Change) {
        sessions[sequence]?.told.apply(change)
    }
}
