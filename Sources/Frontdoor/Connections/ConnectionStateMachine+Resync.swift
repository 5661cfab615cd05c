import Identity
import Sylkrtc

/// A link is lost, another comes up: what is held meanwhile, and what the new link begins with. The client notices nothing.
extension ConnectionStateMachine {
    /// Nothing more comes of the link, and what was sent may or may not have arrived. The sessions are out of sync, and
    /// what is unanswered waits for the next link's list.
    mutating func linkLost(_ slot: SlotID) {
        lostLinks.insert(slot)
        syncLost(at: slot)
        for sequence in unanswered.keys { unanswered[sequence]?.workers[slot]?.isHeld = true }
    }

    /// There was no link to send a request on: it has not arrived, and waits like the others.
    mutating func notSent(_ sequence: RequestSequence, at slot: SlotID) {
        unanswered[sequence]?.workers[slot]?.wasSent = false
        linkLost(slot)
    }

    /// The worker has said hello on a new link, and is about to get the list.
    mutating func resyncBegan(at slot: SlotID) {
        linkLost(slot)
        lostLinks.remove(slot)
    }

    /// The connection's part of the list.
    func entries(at slot: SlotID) -> [ConnectionList.Entry] {
        let told =
            sessions.all(at: slot).map { ($0, sessions[$0]?.told) } + phones.all(at: slot).map { ($0, phones.told($0)) }
        return told.compactMap { sequence, told in
            told.map { ConnectionList.Entry(session: SessionID(connection: id, request: sequence), told: $0) }
        }
    }

    private func isInSync(_ session: RequestSequence) -> Bool {
        sessions[session]?.isInSync ?? phones.isInSync(session) ?? false
    }

    mutating func synced(_ session: RequestSequence) {
        sessions.synced(session)
        phones.synced(session)
    }

    mutating func syncLost(at slot: SlotID) {
        sessions.syncLost(at: slot)
        phones.syncLost(at: slot)
    }

    /// A request as the list repeats it.
    struct Repeat: Equatable {
        let sequence: RequestSequence
        let request: WorkerRequest
        /// It may have arrived before.
        let isRepeat: Bool
    }

    /// What the worker owes an answer to, in the order in which it was asked.
    func unanswered(at slot: SlotID) -> [Repeat] {
        unanswered.keys.sorted().compactMap { sequence in
            guard let pending = unanswered[sequence], let delivery = pending.workers[slot] else { return nil }
            return Repeat(sequence: sequence, request: pending.request, isRepeat: delivery.wasSent)
        }
    }

    /// It left with the list.
    mutating func sent(_ sequence: RequestSequence, to slot: SlotID) {
        unanswered[sequence]?.workers[slot] = UnansweredRequest.Delivery(isHeld: false, wasSent: true)
    }

    /// The worker has answered what was pending and told what was missing: the session goes on as before.
    mutating func resynced(_ session: RequestSequence, by slot: SlotID) -> [Action] {
        guard !isClosed, !lostLinks.contains(slot), self.slot(of: session) == slot else { return [] }
        synced(session)
        return proceed()
    }

    // MARK: Holding

    /// Sends a request to every worker that waits for it and can take it.
    mutating func depart(_ sequence: RequestSequence) -> [Action] {
        guard let pending = unanswered[sequence] else { return [] }
        var actions: [Action] = []
        for slot in pending.workers.keys.sorted(by: { $0.description < $1.description })
        where pending.workers[slot]?.isHeld == true && mayLeave(sequence, pending, to: slot) {
            sent(sequence, to: slot)
            // A feed that is attached now is new to its worker: there is nothing to sync.
            if pending.createsSession { synced(sequence) }
            actions.append(.forward(sequence, pending.request, to: slot))
        }
        return actions
    }

    /// In the order in which they came: what depends on a request that leaves now leaves behind it.
    mutating func sendHeld() -> [Action] {
        func isWaiting(_ pending: UnansweredRequest) -> Bool { pending.workers.values.contains(where: \.isHeld) }
        guard unanswered.values.contains(where: isWaiting) else { return [] }
        return unanswered.filter { isWaiting($0.value) }.keys.sorted().flatMap { depart($0) }
    }

    private func mayLeave(_ sequence: RequestSequence, _ pending: UnansweredRequest, to slot: SlotID) -> Bool {
        guard !lostLinks.contains(slot) else { return false }
        if case .releaseAccount(let account) = pending.request {
            // Behind everything that was asked before on that account's sessions.
            return sessions.all(of: account, before: sequence).allSatisfy { session in
                sessions[session].map { $0.slot != slot || $0.isInSync } ?? true
            }
                && phones.all(of: account, before: sequence).allSatisfy { number in
                    phones.slot(of: number) != slot || isInSync(number)
                }
        }
        return pending.dependency(as: sequence).map(isInSync) ?? false
    }
}
