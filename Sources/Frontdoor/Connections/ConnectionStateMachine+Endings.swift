import Identity
import Sylkrtc

/// What ends without the worker: a slot that nobody holds any more, and time that is up.
extension ConnectionStateMachine {
    /// The slot is given up for good, and with it everything on it.
    mutating func slotAbandoned(_ slot: SlotID) -> [Action] {
        guard !isClosed else { return [] }
        lostLinks.insert(slot)
        turnedAway(by: slot)
        var actions: [Action] = []
        for sequence in unanswered.keys.sorted() {
            guard let pending = unanswered[sequence], pending.workers[slot] != nil else { continue }
            switch pending.request {
            case .releaseAccount:
                // Its sessions there are over, which is what was asked.
                actions += released(sequence, by: slot)
            case .unregister: actions += answer(sequence, .ack)
            case .register: actions += registerAnew(sequence)
            case .join, .feedAttach, .feedAnswer, .feedDetach, .trickle, .update, .terminate, .configureRoom, .invite,
                .call, .accept:
                actions += answer(sequence, .error(Self.workerLostText))
            }
        }
        for sequence in sessions.all(at: slot) {
            guard let session = sessions[sequence] else { continue }
            if session.publisher?.isAcked == true {
                let state = ConferenceState.terminated(reason: Self.workerLostReason)
                actions.append(.send(.videoroom(session: session.client, .state(state))))
            }
            actions += forget(sequence)
        }
        for call in phones.all(at: slot) where phones.calls[call] != nil {
            actions += end(call, Self.workerLostReason, isMissed: true)
        }
        for sequence in phones.all(at: slot) {
            guard let registration = phones.registrations[sequence] else { continue }
            phones.remove(sequence)
            actions += lost(registration)
        }
        return actions + proceed()
    }

    /// Nobody has answered in time. What the request would have created must not come about behind the client's back.
    mutating func deadlinePassed(_ sequence: RequestSequence) -> [Action] {
        guard let pending = unanswered[sequence] else { return turnTimedOut(sequence) ?? storingTimedOut(sequence) }
        switch pending.request {
        case .join, .feedAttach, .call:
            let released = pending.workers.filter(\.value.wasSent).keys.map { release(sequence, at: $0) }
            return timeOut(sequence) + released + proceed()
        case .feedDetach(let session), .terminate(let session):
            return timeOut(sequence) + tearDown(session) + proceed()
        // Of a call that is half answered nobody knows whether it is up.
        case .accept(let call, _): return timeOut(sequence) + tearDown(call, isMissed: true) + proceed()
        case .releaseAccount(let account):
            return releaseTimedOut(sequence, account, at: Set(pending.workers.keys)) + proceed()
        case .register(let register):
            let late = giveUp(register.registration ?? sequence, sequence)
            return late + tellFailed(register.identity.account, "408 Request Timeout", isAsked: true) + proceed()
        case .unregister(let registration):
            if let account = pending.turn { registrationStates[account] = nil }
            return giveUp(registration, sequence) + proceed()
        case .feedAnswer, .trickle, .update, .configureRoom, .invite: return timeOut(sequence) + proceed()
        }
    }

    private mutating func timeOut(_ sequence: RequestSequence) -> [Action] {
        answer(sequence, .error("request timed out"), isLate: true)
    }

    /// It has not come to its turn.
    private mutating func turnTimedOut(_ sequence: RequestSequence) -> [Action]? {
        guard let waiting = turns.remove(sequence) else { return nil }
        noteAnswered(waiting.asked, .timeout)
        return refuse(waiting.asked.transaction, waiting.asked.name, "request timed out") + proceed()
    }

    /// Nobody knows what has become of the registration: the account has none.
    private mutating func giveUp(_ registration: RequestSequence, _ sequence: RequestSequence) -> [Action] {
        let entry = phones.registrations[registration]
        let account = entry?.name.address ?? unanswered[sequence]?.turn
        let mayBeThere =
            registration != sequence || unanswered[sequence]?.workers.values.contains(where: \.wasSent) == true
        let isWanted = if case .unregister? = unanswered[sequence]?.request { false } else { true }
        // Whoever waits for his turn begins anew.
        phones.remove(registration)
        // One that was lost meanwhile was believed until now.
        let unverified = account.map { entry?.isLeaving == true ? [] : unverify($0) } ?? []
        let released = entry?.slot.map { mayBeThere ? [release(registration, at: $0)] : [] } ?? []
        return timeOut(sequence) + unverified + endUnanswered(over: registration, isMissed: isWanted) + released
    }

    /// What rings over a registration ends before it (D23); what is answered does without it.
    private mutating func endUnanswered(over registration: RequestSequence, isMissed: Bool) -> [Action] {
        phones.ringing(over: registration).flatMap { call in
            let slot = phones.slot(of: call)
            return end(call, "408 Request Timeout", isMissed: isMissed) + (slot.map { [release(call, at: $0)] } ?? [])
        }
    }

    /// A registration ends: what rings over it, and nobody has begun to answer, does so first (D23). Its worker ends it, too,
    /// unless it has lost the registration before.
    mutating func endRinging(before pending: UnansweredRequest) -> [Action] {
        guard case .unregister(let registration) = pending.request else { return [] }
        let ringing = phones.ringing(over: registration).filter { phones.calls[$0]?.isBeingAnswered == false }
        return ringing.flatMap { call in
            let slot = phones.slot(of: call)
            return end(call, Self.removedReason) + (slot.map { [release(call, at: $0)] } ?? [])
        }
    }

    private mutating func tearDown(_ session: RequestSequence, isMissed: Bool = false) -> [Action] {
        if let slot = phones.slot(of: session) {
            return end(session, "408 Request Timeout", isMissed: isMissed) + [release(session, at: slot)]
        }
        guard let entry = sessions[session], let slot = entry.slot else { return [] }
        var actions: [Action] = []
        if entry.publisher != nil {
            let state = ConferenceState.terminated(reason: "408 Request Timeout")
            actions.append(.send(.videoroom(session: entry.client, .state(state))))
        }
        return actions + forget(session) + [release(session, at: slot)]
    }

    /// The account is removed, whatever its workers say (D24): what they have not ended in time ends here.
    private mutating func releaseTimedOut(
        _ sequence: RequestSequence, _ account: AddressOfRecord, at slots: Set<SlotID>
    ) -> [Action] {
        answer(sequence, .ack) + endReleased(sequence, account, at: slots)
    }

    mutating func endReleased(
        _ sequence: RequestSequence, _ account: AddressOfRecord, at slots: Set<SlotID>
    ) -> [Action] {
        var actions = refuseBegun(sequence, account, at: slots)
        for session in sessions.all(of: account, before: sequence) {
            guard let entry = sessions[session], let slot = entry.slot, slots.contains(slot) else { continue }
            if entry.publisher?.isAcked == true {
                actions.append(.send(.videoroom(session: entry.client, .state(.terminated(reason: nil)))))
            }
            actions += forget(session)
            actions.append(release(session, at: slot))
        }
        for number in phones.all(of: account, before: sequence) {
            guard let slot = phones.slot(of: number), slots.contains(slot) else { continue }
            actions += end(number, Self.removedReason)
            phones.remove(number)
            actions.append(release(number, at: slot))
        }
        return actions
    }

    /// What of the removed account has begun and has no answer does not come about.
    private mutating func refuseBegun(
        _ removal: RequestSequence, _ account: AddressOfRecord, at slots: Set<SlotID>
    ) -> [Action] {
        var actions: [Action] = []
        for number in unanswered.keys.sorted() where number < removal {
            guard let pending = unanswered[number], let slot = pending.workers.keys.first(where: slots.contains),
                let owner = pending.request.begunFor, owner.account == account
            else { continue }
            actions += answer(number, .error("Unknown account specified: \(owner.sent)"))
            actions.append(release(number, at: slot))
        }
        return actions
    }

    /// An account has turned out not to be the connection's: what was begun for it meanwhile ends with it. Its joins are answered
    /// like those that come now, and what is asked behind them finds nobody.
    mutating func endSessions(of account: SentAddress, after addition: RequestSequence) -> [Action] {
        var actions: [Action] = []
        for session in sessions.all(of: account.address, after: addition) {
            // A feed goes with its publisher.
            guard let entry = sessions[session], let slot = entry.slot, let told = entry.publisher else { continue }
            if unanswered[session] != nil {
                actions += answer(session, .error("Unknown account specified: \(account.sent)"))
            } else {
                let family = Set(sessions.family(of: session))
                let waiting = unanswered.filter { $1.subject(as: $0).map(family.contains) ?? false }
                actions += waiting.keys.sorted().flatMap { answer($0, .unknownSession) }
                if told.isAcked {
                    actions.append(.send(.videoroom(session: entry.client, .state(.terminated(reason: nil)))))
                }
                actions += forget(session)
            }
            actions.append(release(session, at: slot))
        }
        return actions
    }

    /// The same for its registration and its calls, which end first (D23). What they wait for is of an account that is not there.
    mutating func endPhones(of account: SentAddress, after addition: RequestSequence) -> [Action] {
        var actions: [Action] = []
        for number in phones.all(of: account.address, after: addition).reversed() {
            guard let slot = phones.slot(of: number) else { continue }
            let waiting = unanswered.filter { $0 == number || $1.registration == number }.keys.sorted()
            let behind = unanswered.filter { $1.subject(as: $0) == number }.keys.sorted()
            actions += waiting.flatMap { answer($0, .error("Unknown account specified: \(account.sent)")) }
            actions += behind.flatMap { answer($0, .unknownSession) }
            actions += end(number, Self.removedReason)
            phones.remove(number)
            actions.append(release(number, at: slot))
        }
        return actions
    }

    private func release(_ sequence: RequestSequence, at slot: SlotID) -> Action {
        .release(SessionID(connection: id, request: sequence), at: slot)
    }
}

extension WorkerRequest {
    /// The account whose session, call or registration it begins; nil: it begins none, or one that goes with another.
    fileprivate var begunFor: (account: AddressOfRecord, sent: String)? {
        switch self {
        case .join(let join): (join.account, join.accountAsSent)
        case .call(let call): (call.identity.account, call.identity.accountAsSent)
        case .register(let register):
            register.registration == nil ? (register.identity.account, register.identity.accountAsSent) : nil
        case .feedAttach, .feedAnswer, .feedDetach, .trickle, .update, .terminate, .configureRoom, .releaseAccount,
            .invite, .unregister, .accept:
            nil
        }
    }
}
