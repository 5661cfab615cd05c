import Identity
import Sylkrtc

/// What ends without the worker: a slot that nobody holds any more, and time that is up.
extension ConnectionStateMachine {
    /// The slot is given up for good, and with it everything on it.
    mutating func slotAbandoned(_ slot: SlotID) -> [Action] {
        guard !isClosed else { return [] }
        lostLinks.insert(slot)
        var actions: [Action] = []
        for sequence in unanswered.keys.sorted() {
            guard let pending = unanswered[sequence], pending.workers[slot] != nil else { continue }
            if case .releaseAccount = pending.request {
                // Its sessions there are over, which is what was asked.
                actions += released(sequence, by: slot)
            } else {
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
        return actions + proceed()
    }

    /// Nobody has answered in time. What the request would have created must not come about behind the client's back.
    mutating func deadlinePassed(_ sequence: RequestSequence) -> [Action] {
        guard let pending = unanswered[sequence] else { return storingTimedOut(sequence) }
        switch pending.request {
        case .join, .feedAttach:
            let released = pending.workers.filter(\.value.wasSent).keys.map { release(sequence, at: $0) }
            return timeOut(sequence) + released + proceed()
        case .feedDetach(let session), .terminate(let session):
            return timeOut(sequence) + tearDown(session) + proceed()
        case .releaseAccount(let account):
            return releaseTimedOut(sequence, account, at: Set(pending.workers.keys)) + proceed()
        case .feedAnswer, .trickle, .update, .configureRoom, .invite, .register, .unregister, .call, .accept:
            return timeOut(sequence) + proceed()
        }
    }

    private mutating func timeOut(_ sequence: RequestSequence) -> [Action] {
        answer(sequence, .error("request timed out"), isLate: true)
    }

    private mutating func tearDown(_ session: RequestSequence) -> [Action] {
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
        var actions = answer(sequence, .ack)
        for session in sessions.all(of: account, before: sequence) {
            guard let entry = sessions[session], let slot = entry.slot, slots.contains(slot) else { continue }
            if entry.publisher?.isAcked == true {
                actions.append(.send(.videoroom(session: entry.client, .state(.terminated(reason: nil)))))
            }
            actions += forget(session)
            actions.append(release(session, at: slot))
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

    private func release(_ sequence: RequestSequence, at slot: SlotID) -> Action {
        .release(SessionID(connection: id, request: sequence), at: slot)
    }
}
