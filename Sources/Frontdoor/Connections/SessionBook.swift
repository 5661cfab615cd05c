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
        /// Requests about it from before the join was answered, in order: the worker is not known for good until then.
        var kept: [(RequestSequence, WorkerRequest)] = []

        /// Itself, or somebody the client has been told of.
        func knows(_ participant: String) -> Bool {
            participant == client.description || told.announced.keys.contains { $0.description == participant }
        }

        /// `accepted` has been told, `terminated` has not.
        var isJoined: Bool { told.stage >= .accepted && told.stage < .terminated }

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

    /// Sessions that were created before a request.
    func all(of account: AddressOfRecord, before request: RequestSequence) -> [RequestSequence] {
        sessions.filter { $0.value.account == account && $0.key < request }.keys.sorted()
    }

    /// Publishers whose room is still being located.
    func unplaced(of account: AddressOfRecord) -> [RequestSequence] {
        sessions.filter { _, session in
            session.account == account && session.kind == .publisher && session.slot == nil
        }.keys.sorted()
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

    /// Removes a session and, of a publisher, its feeds (D48).
    ///
    /// - Returns: what was removed.
    @discardableResult
    mutating func remove(_ sequence: RequestSequence) -> [Session] {
        guard let session = sessions.removeValue(forKey: sequence) else { return [] }
        names[session.client.description] = nil
        return [session] + feeds(of: sequence).flatMap { remove($0) }
    }

    /// Until the join is answered; afterwards there is nothing to keep a request for.
    mutating func keep(
        _ session: RequestSequence, _ sequence: RequestSequence, _ request: WorkerRequest,
        among isUnanswered: (RequestSequence) -> Bool
    ) {
        guard let entry = sessions[session] else { return }
        let base =
            switch entry.kind {
            case .publisher: entry
            case .feed(let base): sessions[base] ?? entry
            }
        guard !base.told.isAcked else { return }
        sessions[session]?.kept.removeAll { !isUnanswered($0.0) }
        sessions[session]?.kept.append((sequence, request))
    }

    /// The join is answered: its worker is known for good.
    mutating func settle(_ sequence: RequestSequence) {
        for session in [sequence] + feeds(of: sequence) { sessions[session]?.kept = [] }
    }

    /// The room lives elsewhere: nobody knows where.
    ///
    /// - Returns: what is kept.
    mutating func displace(_ sequence: RequestSequence) -> [RequestSequence] {
        ([sequence] + feeds(of: sequence)).flatMap { session in
            sessions[session]?.slot = nil
            return sessions[session]?.kept.map(\.0) ?? []
        }
    }

    /// The session's worker is known.
    ///
    /// - Returns: what was kept for that, in order.
    mutating func place(_ sequence: RequestSequence, at slot: SlotID) -> [(RequestSequence, WorkerRequest)] {
        var kept: [(RequestSequence, WorkerRequest)] = []
        for session in [sequence] + feeds(of: sequence) {
            sessions[session]?.slot = slot
            kept += sessions[session]?.kept ?? []
        }
        return kept.sorted { $0.0 < $1.0 }
    }

    private func feeds(of base: RequestSequence) -> [RequestSequence] {
        sessions.filter { $0.value.isFeed(of: base) }.keys.sorted()
    }

    mutating func told(_ sequence: RequestSequence, _ change: ToldState.Change) {
        sessions[sequence]?.told.apply(change)
    }
}
