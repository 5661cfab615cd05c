import Identity
import Registry
import Sylkrtc

/// The life of a room on the worker that owns it, and who uses it.
///
/// A user is whoever has asked to join and has not been cleaned up: a room is destroyed when it has none, whoever left
/// and however (D11, D38). A member is a user that Janus has confirmed; members share the bitrate.
struct RoomStateMachine {
    enum State: Equatable {
        /// The claim is on its way to the registry. → creating, closed
        case claiming
        /// Ours in the registry; Janus is creating it. → open, releasing
        case creating
        /// It exists. → destroying when the last user is gone
        case open
        /// Janus is destroying it. Joins wait. → releasing
        case destroying
        /// The registry is forgetting it. Joins wait. → claiming when somebody waits, else closed
        case releasing
        /// A predecessor's: Janus is being asked about it and its members. Joins wait. → open, destroying
        case resuming
        /// It does not exist, and nobody waits.
        case closed
    }

    /// One thing to do, in the order given.
    enum Action: Equatable {
        case claim
        case createJanusRoom
        case destroyJanusRoom
        case releaseRow
        /// The room is there: these may go on joining.
        case admit([SessionID])
        case refuse([SessionID], Refusal)
        /// Tell Janus the publisher's new bitrate.
        case configure(SessionID, bitrate: Int)
        /// Record who is prominent; nobody is told before that is done.
        case recordActive(ActiveParticipants)
        /// The same, when nobody has to wait: who finds an earlier record draws the same conclusions.
        case noteActive(ActiveParticipants)
        case tell([SessionID], WorkerEvent)
        /// Answer a request that was to change who is prominent.
        case answer(SessionID, WorkerAnswer)
        /// Nothing is left of it: drop the object.
        case close
    }

    enum Refusal: Equatable {
        case sessionInUse
        case full
        case ownedElsewhere(SlotID)
        case failed(String)
    }

    private struct Member {
        /// What Janus was last told; nil when that failed (D21).
        var bitrate: Int?
        /// The client's own cap.
        var cap: Int?
    }

    private(set) var state: State = .closed
    private var users: [SessionID: ClientSessionID] = [:]
    /// Users who are on their way out and in nobody's way.
    private var evicted: Set<SessionID> = []
    /// Users the room is not there for yet, in order.
    private var waiting: [SessionID] = []
    private var members: [SessionID: Member] = [:]
    /// The members in the order in which they came.
    private var arrivals: [SessionID] = []
    /// Caps asked for before Janus has confirmed the publisher.
    private var earlyCaps: [SessionID: Int] = [:]
    /// Who is prominent, as everybody has been told or will be at the next resync.
    private(set) var active = ActiveParticipants()
    /// A change that is being recorded.
    private var recording: (change: ActiveParticipants.Change, outcome: ActiveParticipants)?
    /// Changes that wait for that one, in order.
    private var changes: [ActiveParticipants.Change] = []
    /// As a predecessor recorded it.
    private var predecessor: RoomRow?
    private var maximumBitrate = 0
    private var maximumPublishers = 0

    var isEmpty: Bool { users.isEmpty }

    // MARK: Coming

    /// The configuration in force for this life of the room.
    mutating func configured(maximumBitrate: Int, maximumPublishers: Int) {
        self.maximumBitrate = maximumBitrate
        self.maximumPublishers = maximumPublishers
    }

    mutating func joinRequested(_ session: SessionID, client: ClientSessionID) -> [Action] {
        let staying = users.filter { !evicted.contains($0.key) }
        if staying.values.contains(client) { return [.refuse([session], .sessionInUse)] }
        if staying.count >= maximumPublishers { return [.refuse([session], .full)] }
        users[session] = client
        switch state {
        case .open: return [.admit([session])]
        case .claiming, .creating, .destroying, .releasing, .resuming:
            waiting.append(session)
            return []
        case .closed:
            waiting.append(session)
            state = .claiming
            return [.claim]
        }
    }

    mutating func claimed() -> [Action] {
        guard state == .claiming else { return [] }
        state = .creating
        return [.createJanusRoom]
    }

    /// Somebody else owns the room, or the registry cannot be asked.
    mutating func claimFailed(_ refusal: Refusal) -> [Action] {
        guard state == .claiming else { return [] }
        state = .closed
        return refuseWaiting(refusal) + [.close]
    }

    mutating func janusRoomCreated() -> [Action] {
        guard state == .creating else { return [] }
        state = .open
        // Everybody may have gone meanwhile.
        guard !users.isEmpty else { return destroy() }
        let admitted = waiting
        waiting = []
        return [.admit(admitted)]
    }

    mutating func janusRoomCreationFailed(_ reason: String) -> [Action] {
        guard state == .creating else { return [] }
        state = .releasing
        return refuseWaiting(.failed(reason)) + [.releaseRow]
    }

    // MARK: Being taken over

    /// The room is a predecessor's.
    mutating func inherited(_ row: RoomRow? = nil) {
        state = .resuming
        predecessor = row
    }

    /// A user of the predecessor's room.
    mutating func inherited(_ session: SessionID, client: ClientSessionID) { users[session] = client }

    /// Every user has been looked at.
    ///
    /// - Parameter exists: Janus has the room, and it was not being destroyed.
    mutating func observed(exists: Bool) -> [Action] {
        guard state == .resuming else { return [] }
        guard exists, !users.isEmpty else { return destroy() }
        state = .open
        let admitted = waiting
        waiting = []
        return resumeActive() + shareBitrate() + (admitted.isEmpty ? [] : [.admit(admitted)])
    }

    // MARK: Being there

    /// Janus has confirmed the publisher.
    ///
    /// - Parameter bitrate: what Janus has for it; nil: what every publisher begins with.
    mutating func joined(_ session: SessionID, bitrate: Int? = nil) -> [Action] {
        guard users[session] != nil, members[session] == nil else { return [] }
        let cap = earlyCaps.removeValue(forKey: session)
        members[session] = Member(bitrate: bitrate ?? min(maximumBitrate, cap ?? maximumBitrate), cap: cap)
        arrivals.append(session)
        // What a predecessor's member knows is told at the resync. Others hear at once, so that nothing comes between this
        // and the list of publishers.
        return state == .resuming ? [] : missing(session, told: nil, isNew: true) + shareBitrate()
    }

    /// The cap that a publisher of the predecessor's had.
    mutating func restoreCap(_ session: SessionID, _ bitrate: Int) -> [Action] {
        guard members[session] != nil else {
            if users[session] != nil { earlyCaps[session] = bitrate }
            return []
        }
        members[session]?.cap = bitrate
        return state == .resuming ? [] : shareBitrate()
    }

    /// The client caps its own bitrate (R17). The answer is what Janus is to be told.
    mutating func capped(_ session: SessionID, bitrate: Int) -> Int {
        guard var member = members[session] else {
            if users[session] != nil { earlyCaps[session] = bitrate }
            return min(bitrate, maximumBitrate)
        }
        member.cap = bitrate
        let share = shares[session].map { min($0, bitrate) } ?? bitrate
        member.bitrate = share
        members[session] = member
        return share
    }

    /// Janus did not take a bitrate: the recorded value says nothing any more.
    mutating func bitrateRefused(_ session: SessionID) { members[session]?.bitrate = nil }

    // MARK: Going

    /// Somebody takes this user's place: it no longer counts for names and limits.
    mutating func evicted(_ session: SessionID) { if users[session] != nil { evicted.insert(session) } }

    /// Cleaned up completely, or never came in.
    mutating func left(_ session: SessionID) -> [Action] {
        guard users.removeValue(forKey: session) != nil else { return [] }
        evicted.remove(session)
        waiting.removeAll { $0 == session }
        earlyCaps[session] = nil
        var actions: [Action] = []
        if members.removeValue(forKey: session) != nil {
            arrivals.removeAll { $0 == session }
            actions = settleDepartures()
        }
        guard users.isEmpty, state == .open else { return actions }
        return actions + destroy()
    }

    mutating func janusRoomDestroyed() -> [Action] {
        guard state == .destroying else { return [] }
        state = .releasing
        return [.releaseRow]
    }

    mutating func rowReleased() -> [Action] {
        guard state == .releasing else { return [] }
        active = ActiveParticipants()
        guard waiting.isEmpty else {
            state = .claiming
            return [.claim]
        }
        state = .closed
        return [.close]
    }

    // MARK: Who is prominent

    /// A member says who is to be prominent (R11). One change is recorded and told after the other.
    mutating func configureRequested(_ change: ActiveParticipants.Change) -> [Action] {
        changes.append(change)
        return nextChange()
    }

    mutating func activeRecorded() -> [Action] {
        guard let (change, outcome) = recording else { return [] }
        recording = nil
        active = outcome
        return shareBitrate() + [.tell(arrivals, told(by: active.originator)), .answer(change.request, .ack)]
            + settleDepartures() + nextChange()
    }

    mutating func activeNotRecorded(_ reason: String) -> [Action] {
        guard let (change, _) = recording else { return [] }
        recording = nil
        return [.answer(change.request, .error(reason))] + settleDepartures() + nextChange()
    }

    /// What a member has not been told of who is prominent.
    ///
    /// - Parameters:
    ///   - version: what it was told last; nil: nothing.
    ///   - isNew: it was so when the member came, whoever had asked for it. Nobody at all is told, too, so that it is known
    ///     with what the member began.
    func missing(_ session: SessionID, told version: Int64?, isNew: Bool) -> [Action] {
        guard members[session] != nil, active.version > version ?? 0 else { return [] }
        return [.tell([session], told(by: isNew ? nil : active.originator))]
    }

    private mutating func nextChange() -> [Action] {
        var actions: [Action] = []
        while recording == nil, !changes.isEmpty {
            let change = changes.removeFirst()
            let absent = change.participants.filter { members[$0.session] == nil }
            if active.includes(change.request) {
                actions.append(.answer(change.request, .ack))
            } else if members[change.session] == nil {
                actions.append(.answer(change.request, .unknownSession))
            } else if !absent.isEmpty {
                actions.append(.answer(change.request, ActiveParticipants.unknown(absent.map(\.client.description))))
            } else {
                let outcome = active.changed(by: change)
                recording = (change, outcome)
                actions.append(.recordActive(outcome))
            }
        }
        return actions
    }

    /// The others are told first, and then the bitrate is shared anew (B22). A change that is being recorded goes before.
    private mutating func settleDepartures() -> [Action] {
        let absent = active.participants.filter { members[$0.session] == nil }
        guard !absent.isEmpty else { return shareBitrate() }
        guard recording == nil else { return [] }
        for participant in absent { active.remove(participant.session) }
        return [.noteActive(active), .tell(arrivals, told(by: nil))] + shareBitrate()
    }

    /// Those of a predecessor's who are not there any more have left since.
    private mutating func resumeActive() -> [Action] {
        guard let row = predecessor else { return [] }
        predecessor = nil
        active = ActiveParticipants(row) { members[$0] == nil ? nil : users[$0] }
        // Everybody hears at the resync.
        return active.version == row.version ? [] : [.noteActive(active)]
    }

    private func told(by originator: ClientSessionID?) -> WorkerEvent {
        .roomConfigured(
            version: active.version, originator: originator, activeParticipants: active.participants.map(\.client))
    }

    private mutating func destroy() -> [Action] {
        state = .destroying
        return [.destroyJanusRoom]
    }

    private mutating func refuseWaiting(_ refusal: Refusal) -> [Action] {
        let refused = waiting
        waiting = []
        for session in refused { users[session] = nil }
        return refused.isEmpty ? [] : [.refuse(refused, refusal)]
    }

    private var shares: [SessionID: Int] {
        BitrateShares.of(Set(members.keys), active: Set(active.participants.map(\.session)), maximum: maximumBitrate)
    }

    /// Members whose bitrate changes, and to what; equal values say nothing.
    private mutating func shareBitrate() -> [Action] {
        var changes: [Action] = []
        let shares = shares
        for session in arrivals {
            guard let share = shares[session] else { continue }
            let bitrate = min(share, members[session]?.cap ?? share)
            guard members[session]?.bitrate != bitrate else { continue }
            members[session]?.bitrate = bitrate
            changes.append(.configure(session, bitrate: bitrate))
        }
        return changes
    }
}
