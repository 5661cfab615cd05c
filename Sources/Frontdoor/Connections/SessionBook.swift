import Identity
import Sylkrtc

/// The conference sessions of one connection: publishers and their feeds, by the request that created them and by the
/// client's own name, which is unique among them (D42).
struct SessionBook {
    struct Session {
        let client: ClientSessionID
        let account: AddressOfRecord
        /// nil: the room is still being located.
        var slot: SlotID?
        var told: Told
        /// The worker knows what the client was told and the other way round. Not so from the loss of a link until the
        /// worker says, on the next one, that it is.
        var isInSync = true

        var publisher: ToldState? {
            switch told {
            case .publisher(let told): told
            case .feed, .registration, .call: nil
            }
        }

        var feed: ToldFeed? {
            switch told {
            case .publisher, .registration, .call: nil
            case .feed(_, let told): told
            }
        }

        /// `accepted` has been told, `terminated` has not.
        var isJoined: Bool {
            guard let stage = publisher?.stage else { return false }
            return stage >= .accepted && stage < .terminated
        }

        func isFeed(of base: RequestSequence) -> Bool {
            switch told {
            case .publisher, .registration, .call: false
            case .feed(let its, _): its == base
            }
        }
    }

    private var sessions: [RequestSequence: Session] = [:]
    private var names: [ClientSessionID: RequestSequence] = [:]

    var count: Int { sessions.count }
    var slots: Set<SlotID> { Set(sessions.values.compactMap(\.slot)) }

    subscript(sequence: RequestSequence) -> Session? { sessions[sequence] }

    func contains(_ name: String) -> Bool { sequence(called: name) != nil }

    func sequence(called name: String) -> RequestSequence? { ClientSessionID(name).flatMap { names[$0] } }

    func publisher(called name: String) -> (RequestSequence, Session)? {
        guard let sequence = self.sequence(called: name), let session = sessions[sequence], session.publisher != nil
        else {
            return nil
        }
        return (sequence, session)
    }

    func feed(called name: String, of base: String) -> RequestSequence? {
        guard let sequence = self.sequence(called: name), let base = self.sequence(called: base),
            sessions[sequence]?.isFeed(of: base) == true
        else { return nil }
        return sequence
    }

    func all(at slot: SlotID) -> [RequestSequence] {
        sessions.filter { $0.value.slot == slot }.keys.sorted()
    }

    /// Sessions that were created before a request.
    func all(of account: AddressOfRecord, before request: RequestSequence) -> [RequestSequence] {
        sessions.filter { $0.value.account == account && $0.key < request }.keys.sorted()
    }

    func all(of account: AddressOfRecord, after request: RequestSequence) -> [RequestSequence] {
        sessions.filter { $0.value.account == account && $0.key > request }.keys.sorted()
    }

    /// A session, and of a publisher its feeds.
    func family(of sequence: RequestSequence) -> [RequestSequence] {
        [sequence] + sessions.filter { $0.value.isFeed(of: sequence) }.keys.sorted()
    }

    /// The join that the session lives from was acknowledged: its worker is known for good.
    func isSettled(_ sequence: RequestSequence) -> Bool {
        switch sessions[sequence]?.told {
        case .publisher(let told)?: told.isAcked
        case .feed(let base, _)?: sessions[base]?.publisher?.isAcked ?? true
        case .registration?, .call?, nil: true
        }
    }

    /// Publishers whose room is still being located.
    func unplaced(of account: AddressOfRecord) -> [RequestSequence] {
        sessions.filter { _, session in
            session.account == account && session.publisher != nil && session.slot == nil
        }.keys.sorted()
    }

    func slots(of account: AddressOfRecord) -> Set<SlotID> {
        Set(sessions.values.filter { $0.account == account }.compactMap(\.slot))
    }

    mutating func addPublisher(_ sequence: RequestSequence, called client: ClientSessionID, account: AddressOfRecord) {
        sessions[sequence] = Session(client: client, account: account, slot: nil, told: .publisher(ToldState()))
        names[client] = sequence
    }

    /// A feed lives where its base does, and follows it. It is as little in sync as that.
    mutating func addFeed(_ sequence: RequestSequence, called client: ClientSessionID, of base: RequestSequence) {
        guard let entry = sessions[base] else { return }
        sessions[sequence] = Session(
            client: client, account: entry.account, slot: entry.slot, told: .feed(base: base, ToldFeed()),
            isInSync: entry.isInSync)
        names[client] = sequence
    }

    /// Removes a session and, of a publisher, its feeds (D48).
    ///
    /// - Returns: what was removed.
    @discardableResult
    mutating func remove(_ sequence: RequestSequence) -> [RequestSequence] {
        guard sessions[sequence] != nil else { return [] }
        let removed = family(of: sequence)
        for sequence in removed {
            if let session = sessions.removeValue(forKey: sequence) { names[session.client] = nil }
        }
        return removed
    }

    /// The worker of a publisher and its feeds is known, or (nil) not any more. There is nothing to sync yet.
    mutating func place(_ sequence: RequestSequence, at slot: SlotID?) {
        for session in family(of: sequence) {
            sessions[session]?.slot = slot
            sessions[session]?.isInSync = true
        }
    }

    mutating func syncLost(at slot: SlotID) {
        for sequence in sessions.keys where sessions[sequence]?.slot == slot { sessions[sequence]?.isInSync = false }
    }

    mutating func synced(_ sequence: RequestSequence) { sessions[sequence]?.isInSync = true }

    mutating func told(_ sequence: RequestSequence, _ change: ToldState.Change) {
        guard case .publisher(var told)? = sessions[sequence]?.told else { return }
        told.apply(change)
        sessions[sequence]?.told = .publisher(told)
    }

    mutating func toldOfFeed(_ sequence: RequestSequence, _ change: (inout ToldFeed) -> Void) {
        guard case .feed(let base, var told)? = sessions[sequence]?.told else { return }
        change(&told)
        sessions[sequence]?.told = .feed(base: base, told)
    }
}
