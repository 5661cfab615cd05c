import Sylkrtc

/// Going on from where a predecessor was, and on a new link from what the client has been told.
extension OutgoingCallStateMachine {
    /// Janus has been asked about a predecessor's call.
    mutating func observed(_ seen: Observation) -> [Action] {
        guard state == .resuming else { return [] }
        if let handle = seen.handle { life.found(handle) }
        state = .unsettled
        guard farewell == nil else { return follow(life.end(leavingFirst: false)) }
        guard isSent, seen.handle != nil else { return [] }
        answer = .ack
        switch seen.phase {
        // Whether it was answered decides how it ended: the client knows.
        case .idle, .stuck: return []
        case .inviting:
            state = .inviting
            stage = .progress
            return [.start(.settle), .start(.ring)]
        case .inCall(let description, let isMediaUp):
            // Early media looks the same as an answer, and no event tells of an answer that has come already. A caller who
            // is told too early hears what rings; one who is not told hears nothing ever.
            guard let description else { return [] }
            state = .answered
            (self.description, self.isMediaUp, isSettled) = (description, isMediaUp, true)
            stage = isMediaUp ? .established : .accepted
            return []
        }
    }

    /// The front door says what its client has been told: what is missing follows, and nothing else. Not before
    /// ``observed(_:)``.
    ///
    /// - Parameter isPending: the client still waits for the answer to its session-create.
    mutating func resynced(_ told: ToldCall, isPending: Bool) -> [Action] {
        if told.isAcked { answer = .ack }
        var actions: [Action] = []
        if isPending, let answer { actions.append(.answerCallAgain(answer)) }
        // Released because nobody was there, and now somebody is: the end is told after all.
        if told.isAcked || isPending { farewell?.isSilent = false }
        guard farewell == nil else { return actions }
        switch state {
        case .lookingUp, .opening, .identifying, .noting, .dialling, .resuming, .over: return actions
        case .inviting, .answered: return actions + difference(from: told)
        case .unsettled: return actions + settle(told, isPending: isPending)
        }
    }

    private func difference(from told: ToldCall) -> [Action] {
        guard termination == .none else { return [] }
        var actions: [Action] = []
        if told.stage < .progress, stage >= .progress { actions.append(.tell(.progress)) }
        if told.stage < .accepted, stage >= .accepted { actions.append(.tell(.accepted(answer: description))) }
        if told.stage < .established, stage >= .established { actions.append(.tell(.established)) }
        return actions
    }

    /// What may have been dialled is never dialled again.
    private mutating func settle(_ told: ToldCall, isPending: Bool) -> [Action] {
        if isSent || told.isAcked {
            let acked: [Action] = isPending && answer == nil ? [.answerCallAgain(.ack)] : []
            answer = .ack
            return acked
                + (told.stage < .accepted
                    ? end(CallEnding.unansweredOutgoing) : end(CallEnding.established, .answered))
        }
        guard isPending else { return end(CallEnding.unansweredOutgoing, .cancelled, isSilent: true) }
        state = .lookingUp
        return [.lookUp]
    }
}
