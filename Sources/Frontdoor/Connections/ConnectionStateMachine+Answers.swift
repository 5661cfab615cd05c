import Identity
import Sylkrtc

/// What placement and workers say to the client's requests.
extension ConnectionStateMachine {
    /// The worker of its room is being looked for.
    func isLocating(_ sequence: RequestSequence) -> Bool {
        guard let pending = unanswered[sequence], case .join = pending.request else { return false }
        return pending.workers.isEmpty
    }

    mutating func located(_ sequence: RequestSequence, at slot: SlotID) -> [Action] {
        guard isLocating(sequence) else { return [] }
        unanswered[sequence]?.attempts += 1
        sessions.place(sequence, at: slot)
        if lostLinks.contains(slot) { sessions.syncLost(at: slot) }
        for number in requests(about: sequence) { unanswered[number]?.workers = [slot: UnansweredRequest.Delivery()] }
        return sendHeld()
    }

    mutating func notLocated(_ sequence: RequestSequence, _ text: String) -> [Action] {
        guard isLocating(sequence) else { return [] }
        return answer(sequence, .error(text)) + proceed()
    }

    mutating func answered(_ sequence: RequestSequence, _ answer: WorkerAnswer, by slot: SlotID) -> [Action] {
        guard let pending = unanswered[sequence] else {
            // Its deadline has passed, and the client has been told so.
            return []
        }
        guard pending.workers[slot]?.isHeld == false else {
            return [.note(.unexpected("an answer from \(slot)"))]
        }
        if case .releaseAccount = pending.request { return released(sequence, by: slot) + proceed() }
        guard case .notOwner = answer else { return self.answer(sequence, answer) + proceed() }
        // Counted are the tries, and the first of them followed nobody.
        guard case .join(let join) = pending.request, pending.attempts <= Self.maximumAttempts else {
            return self.answer(sequence, .error("the room cannot be found")) + proceed()
        }
        guard accounts.account(join.account) != nil else {
            return self.answer(sequence, .error("Unknown account specified: \(join.accountAsSent)")) + proceed()
        }
        // The registry names the winner, and its link may have to come up first. What is behind the join waits again.
        for number in requests(about: sequence) { unanswered[number]?.workers = [:] }
        sessions.place(sequence, at: nil)
        return [.locate(sequence, join.room)]
    }

    /// A request could not be sent: its worker takes no more.
    mutating func undeliverable(_ sequence: RequestSequence, at slot: SlotID) -> [Action] {
        answered(sequence, .error(Self.noWorkerText), by: slot)
    }

    /// The last worker to release an account answers for all, whatever it says (D24).
    mutating func released(_ sequence: RequestSequence, by slot: SlotID) -> [Action] {
        unanswered[sequence]?.workers[slot] = nil
        return removed(sequence)
    }

    /// An account is removed when its workers have answered, and the registry.
    mutating func removed(_ sequence: RequestSequence) -> [Action] {
        guard let pending = unanswered[sequence], pending.workers.isEmpty, !pending.isInRegistry else { return [] }
        return answer(sequence, .ack)
    }

    /// A join and what came behind it: they are all sent where it is.
    private func requests(about join: RequestSequence) -> [RequestSequence] {
        let family = Set(sessions.family(of: join))
        let behind = unanswered.filter { number, pending in pending.subject(as: number).map(family.contains) ?? false }
        return [join] + behind.keys
    }
}
