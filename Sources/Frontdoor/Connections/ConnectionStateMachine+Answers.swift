import Identity
import Sylkrtc

/// What placement and workers say to the client's requests.
extension ConnectionStateMachine {
    /// Its worker is being looked for.
    func isLocating(_ sequence: RequestSequence) -> Bool {
        guard let pending = unanswered[sequence], pending.workers.isEmpty else { return false }
        switch pending.request {
        case .join, .call: return true
        case .register: return pending.createsSession
        case .feedAttach, .feedAnswer, .feedDetach, .trickle, .update, .terminate, .configureRoom, .invite,
            .releaseAccount, .unregister, .accept:
            return false
        }
    }

    mutating func located(_ sequence: RequestSequence, at slot: SlotID) -> [Action] {
        guard isLocating(sequence) else { return [] }
        unanswered[sequence]?.attempts += 1
        let slot = phones.contains(sequence) ? settle(at: slot) : slot
        place(sequence, at: slot)
        if lostLinks.contains(slot) { syncLost(at: slot) }
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
        switch answer {
        case .notOwner: return elsewhere(sequence, pending, than: slot)
        case .unknownSession where pending.registration != nil, .error where hasLostRegistration(pending):
            // It has ended meanwhile, as the worker will have said.
            if case .unregister = pending.request { return self.answer(sequence, .ack) + proceed() }
            return registerAnew(sequence) + proceed()
        case .ack, .error, .unknownSession: return self.answer(sequence, answer) + proceed()
        }
    }

    /// What a request is about was lost while the request was under way: any error says no more than that.
    private func hasLostRegistration(_ pending: UnansweredRequest) -> Bool {
        pending.registration.map { phones.registrations[$0] == nil } ?? false
    }

    /// The worker has not the room, or takes nothing new: what would have begun there is asked elsewhere, and what is behind it
    /// waits again. Counted are the tries, and the first of them followed nobody.
    private mutating func elsewhere(
        _ sequence: RequestSequence, _ pending: UnansweredRequest, than slot: SlotID
    ) -> [Action] {
        func refuse(_ text: String) -> [Action] { answer(sequence, .error(text)) + proceed() }
        let hasTriedEnough = pending.attempts > Self.maximumAttempts
        switch pending.request {
        case .join(let join):
            guard !hasTriedEnough else { return refuse("the room cannot be found") }
            guard account(join.account, of: sequence) != nil else {
                return refuse("Unknown account specified: \(join.accountAsSent)")
            }
            unplace(sequence)
            // The registry names the winner, and its link may have to come up first.
            return [.locate(sequence, join.room)]
        case .call, .register:
            turnedAway(by: slot)
            guard !hasTriedEnough, pending.createsSession else { return refuse(Self.noWorkerText) }
            guard let name = phones.name(of: sequence), account(name.address, of: sequence) != nil else {
                return refuse(Self.noWorkerText)
            }
            unplace(sequence)
            return findHome(sequence)
        case .unregister, .accept, .feedAttach, .feedAnswer, .feedDetach, .trickle, .update, .terminate,
            .configureRoom, .invite, .releaseAccount:
            return refuse("the room cannot be found")
        }
    }

    private mutating func unplace(_ sequence: RequestSequence) {
        for number in requests(about: sequence) { unanswered[number]?.workers = [:] }
        place(sequence, at: nil)
    }

    private mutating func place(_ sequence: RequestSequence, at slot: SlotID?) {
        sessions.place(sequence, at: slot)
        phones.place(sequence, at: slot)
    }

    /// A request could not be sent: its worker takes no more.
    mutating func undeliverable(_ sequence: RequestSequence, at slot: SlotID) -> [Action] {
        if let pending = unanswered[sequence], case .releaseAccount(let account) = pending.request,
            pending.workers[slot]?.isHeld == false
        {
            // Nobody has told it: it gives up what is named to it when it takes something again.
            let ended = endReleased(sequence, account, at: [slot])
            return released(sequence, by: slot) + ended + proceed()
        }
        return answered(sequence, .error(Self.noWorkerText), by: slot)
    }

    /// The last worker to release an account answers for all, whatever it says (D24).
    mutating func released(_ sequence: RequestSequence, by slot: SlotID) -> [Action] {
        unanswered[sequence]?.workers[slot] = nil
        var refused: [Action] = []
        if case .releaseAccount(let account)? = unanswered[sequence]?.request {
            refused = endRegistering(account, before: sequence, at: slot)
            // Calls end with an event; registrations without one.
            for number in phones.all(of: account, before: sequence)
            where phones.registrations[number]?.slot == slot { phones.remove(number) }
        }
        return refused + removed(sequence)
    }

    /// What asks for a registration of a removed account has no answer yet. Once more on another link it would begin one.
    private mutating func endRegistering(
        _ account: AddressOfRecord, before removal: RequestSequence, at slot: SlotID
    ) -> [Action] {
        var actions: [Action] = []
        for number in unanswered.keys.sorted() where number < removal {
            guard let pending = unanswered[number], case .register(let register) = pending.request,
                register.identity.account == account, pending.workers[slot] != nil
            else { continue }
            let unknown = "Unknown account specified: \(register.identity.accountAsSent)"
            actions += answer(number, .error(unknown))
            if pending.createsSession {
                actions.append(.release(SessionID(connection: id, request: number), at: slot))
            }
        }
        return actions
    }

    /// An account is removed when its workers have answered, and the registry.
    mutating func removed(_ sequence: RequestSequence) -> [Action] {
        guard let pending = unanswered[sequence], pending.workers.isEmpty, !pending.isInRegistry else { return [] }
        return answer(sequence, .ack)
    }

    /// What creates a session and what came behind it: they are all sent where it is.
    private func requests(about creation: RequestSequence) -> [RequestSequence] {
        let family = Set(sessions.family(of: creation))
        let behind = unanswered.filter { number, pending in pending.subject(as: number).map(family.contains) ?? false }
        return [creation] + behind.keys
    }
}
