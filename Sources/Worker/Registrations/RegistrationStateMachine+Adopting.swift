import Identity
import Sylkrtc

/// Going on from where a predecessor was, and on a new link from what the client has been told.
extension RegistrationStateMachine {
    /// What a predecessor's has come to since Janus was asked is newer than Janus's word, and told when the front door has
    /// spoken.
    mutating func keep(
        _ standing: Standing, because reason: String? = nil, master: UInt64? = nil
    ) -> [Action] {
        guard step == .unsettled, farewell == nil, life.usable != nil else { return [] }
        self.standing = standing
        unseenFailure = reason
        wasRegistered = wasRegistered || standing == .registered
        guard let master, master != self.master else { return [] }
        self.master = master
        return [.recordMaster(master)]
    }

    /// Janus has been asked about a predecessor's registration.
    mutating func observed(_ seen: Observation) -> [Action] {
        guard step == .resuming else { return [] }
        if let handle = seen.handle { life.found(handle) }
        step = .unsettled
        standing = seen.handle == nil ? .none : seen.standing
        master = seen.master
        wasRegistered = standing == .registered
        guard farewell == nil else { return follow(life.end(leavingFirst: true)) }
        return []
    }

    /// The front door says what its client has been told: what is missing follows, and nothing else. Not before
    /// ``observed(_:)``.
    ///
    /// - Parameters:
    ///   - isPending: the client still waits for the answer to the request that began it.
    ///   - isRenewing: … to another one, which is carried out now: what there was before is no news, and its answer precedes
    ///     what follows from it.
    mutating func resynced(_ told: ToldRegistration, isPending: Bool, isRenewing: Bool = false) -> [Action] {
        if told.isAcked { report.creation = report.creation ?? .ack }
        guard step != .unsettled else { return settle(told, isPending: isPending, isRenewing: isRenewing) }
        var actions: [Action] = []
        if isPending, let creation = report.creation { actions.append(.answerAgain(creation)) }
        guard report.creation == .ack else { return actions }
        if let farewell { return actions + (farewell.isLoss && step != .over ? [.tellLost] : []) }
        if !isRenewing, let shown = report.shown, ToldRegistration.Stage(shown) != told.stage {
            actions.append(.tellAgain(shown))
        }
        return actions
    }

    private mutating func settle(_ told: ToldRegistration, isPending: Bool, isRenewing: Bool) -> [Action] {
        if let farewell { return farewell.isLoss && step != .over ? [.tellLost] : [] }
        step = .none
        switch standing {
        case .registering, .registered:
            report.creation = .ack
            let state: RegistrationState = standing == .registered ? .registered : .registering
            report.shown = state
            cause = standing == .registered ? .retry : .request
            let answer: [Action] = isPending ? [.answerAgain(.ack)] : []
            let isKnown = isRenewing || told.stage == ToldRegistration.Stage(state)
            return answer + (isKnown ? [] : [.tell(state)])
        case .none, .failed: break
        }
        if isPending {
            // Whether Janus has heard of it or not: once more does no harm.
            report.creation = nil
            return registerRequested()
        }
        if let unseenFailure, !wasRegistered, told.stage == .nothing || told.stage == .registering {
            report.creation = .ack
            return isRenewing ? [] : report.show(.failed(reason: unseenFailure))
        }
        guard told.stage == .failed, life.usable != nil else {
            return end(Farewell(reason: PublisherStateMachine.unseenReason, isLoss: true))
        }
        standing = .failed
        report.shown = .failed(reason: "")
        return []
    }
}
