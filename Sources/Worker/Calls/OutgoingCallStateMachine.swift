import Identity
import SIPLookup
import Sylkrtc

/// An outgoing call: from the request until its handle is gone (protocol page, sections 5 and 16.1).
///
/// Its handle is its own, so that a detach ends whatever Janus does on it: CANCEL, BYE, or ACK and BYE, even where Janus has
/// forgotten that there is something to end. No INVITE leaves before the registry has noted that one may have: whoever comes
/// after us never dials again.
///
/// It can begin anywhere: a predecessor's begins with what Janus has of it (``observed(_:)``), and on every new link to its
/// front door it goes on from what the client has been told (``resynced(_:isPending:)``).
struct OutgoingCallStateMachine {
    struct Farewell {
        var reason: String
        var outcome: CallOutcome
        var isSilent = false
    }

    enum Termination { case none, waiting, sent }

    var state = State.lookingUp
    var life = HandleLife()
    /// How session-create was answered.
    var answer: WorkerAnswer?
    var stage = ToldCall.Stage.nothing
    var farewell: Farewell?
    var termination = Termination.none
    /// Servers that have not been tried, the one in use first.
    private var targets: [ProxyTarget] = []
    /// A provisional answer was told of: from here on another server would be a second call.
    private var hasProvisional = false
    /// A hangup has its effect.
    var isSettled = false
    var description: SessionDescription?
    var isMediaUp = false
    /// The registry says, or is about to say, that the INVITE may be out.
    var isSent = false

    /// A predecessor's, whose row is there.
    static func inherited(isSent: Bool) -> OutgoingCallStateMachine {
        var machine = OutgoingCallStateMachine()
        machine.state = .resuming
        machine.life = .inherited
        machine.isSent = isSent
        return machine
    }

    /// Nothing begins any more.
    var isEnding: Bool { farewell != nil || termination != .none }
    var isSilent: Bool { farewell?.isSilent ?? false }
    var reason: String { farewell?.reason ?? CallEnding.unansweredOutgoing }
    var outcome: CallOutcome { farewell?.outcome ?? .failed }

    // MARK: Dialling

    mutating func callRequested() -> [Action] { [.lookUp] }

    /// - Parameter targets: in the order in which they are tried.
    mutating func lookedUp(_ targets: [ProxyTarget]) -> [Action] {
        guard state == .lookingUp, farewell == nil else { return [] }
        guard !targets.isEmpty else { return lookupFailed("DNS lookup error: no results found") }
        self.targets = targets
        state = .opening
        return follow(life.begun())
    }

    mutating func lookupFailed(_ text: String) -> [Action] {
        guard state == .lookingUp else { return [] }
        return end(text)
    }

    mutating func recorded() -> [Action] { follow(life.recorded()) }

    mutating func recordingFailed(_ reason: String) -> [Action] {
        farewell = farewell ?? Farewell(reason: reason, outcome: outcomeNow())
        return follow(life.recordingFailed())
    }

    mutating func attached(_ handle: JanusHandleID) -> [Action] { follow(life.attached(handle)) }

    mutating func attachFailed(_ reason: String) -> [Action] {
        farewell = farewell ?? Farewell(reason: reason, outcome: outcomeNow())
        return follow(life.attachFailed())
    }

    /// The handle knows who calls.
    mutating func identified() -> [Action] {
        guard state == .identifying, farewell == nil, let handle = life.usable else { return [] }
        state = .noting
        isSent = true
        return [.stop(.identify), .noteSent(handle)]
    }

    /// Janus refuses, at once or by an event (D16).
    mutating func identificationFailed(_ reason: String) -> [Action] { state == .identifying ? end(reason) : [] }

    /// The server cannot be spoken to.
    mutating func serverRefused(_ reason: String) -> [Action] {
        guard state == .identifying, farewell == nil, let target = targets.first else { return [] }
        guard targets.count > 1 else { return [.proxyFailed(target)] + end(reason) }
        targets.removeFirst()
        return [.proxyFailed(target)] + exchange()
    }

    /// Somebody rings on the handle before it is used: it takes no call of ours any more.
    mutating func intruded() -> [Action] {
        switch state {
        case .identifying, .noting: exchange()
        case .lookingUp, .opening, .dialling, .inviting, .answered, .resuming, .unsettled, .over: []
        }
    }

    /// - Parameter handle: as noted; another one may have taken its place meanwhile.
    mutating func sentNoted(_ handle: JanusHandleID) -> [Action] {
        guard state == .noting, farewell == nil, handle == life.usable else { return [] }
        state = .dialling
        return [.dial]
    }

    mutating func sentNotNoted(_ reason: String) -> [Action] { state == .noting ? end(reason) : [] }

    /// Janus has accepted the call, which says nothing about what becomes of it.
    mutating func dialled() -> [Action] {
        guard state == .dialling, farewell == nil else { return [] }
        state = .inviting
        guard answer == nil else { return [.start(.ring)] }
        answer = .ack
        return [.answerCall(.ack), .start(.ring)]
    }

    /// Janus refuses the call, at once or by an event (D16).
    mutating func dialRefused(_ reason: String) -> [Action] {
        switch state {
        case .dialling: end(reason)
        // The client has its ack: what it is told looks like an answer of SIP.
        case .inviting: end("500 \(reason)")
        case .lookingUp, .opening, .identifying, .noting, .answered, .resuming, .unsettled, .over: []
        }
    }

    // MARK: What comes of it

    /// The INVITE is out.
    mutating func calling() -> [Action] {
        let accepted = dialled()
        guard state == .inviting, farewell == nil else { return accepted }
        return accepted + [.start(.settle)] + reach(.progress)
    }

    /// A provisional answer, with a description when there is early media (D28).
    mutating func provisional(_ early: SessionDescription? = nil) -> [Action] {
        let accepted = dialled()
        guard state == .inviting, farewell == nil else { return accepted }
        hasProvisional = true
        description = early ?? description
        return accepted + settle()
    }

    /// - Parameter namesPeer: without, Janus has taken the hangup, and the answer after it: it will not end the call.
    mutating func accepted(_ answer: SessionDescription?, namesPeer: Bool) -> [Action] {
        let accepted = dialled()
        guard state == .inviting, farewell == nil else { return accepted }
        hasProvisional = true
        if termination == .sent { return accepted + (namesPeer ? [] : end(CallEnding.unansweredIncoming)) }
        description = answer ?? description
        guard let description else { return accepted + end("488 Not Acceptable Here") }
        if termination == .waiting { return accepted + settle() }
        state = .answered
        isSettled = true
        return accepted + [.stop(.ring), .stop(.settle)] + reach(.accepted, description)
            + (isMediaUp ? reach(.established) : [])
    }

    /// It may come before the answer, with early media or without (D33).
    mutating func mediaUp() -> [Action] {
        guard !isMediaUp, farewell == nil else { return [] }
        isMediaUp = true
        return state == .answered && termination == .none ? reach(.established) : []
    }

    private mutating func reach(_ next: ToldCall.Stage, _ description: SessionDescription? = nil) -> [Action] {
        guard next > stage, termination == .none else { return [] }
        var actions: [Action] = []
        if stage < .progress { actions.append(.tell(.progress)) }
        switch next {
        case .nothing, .progress, .terminated: break
        case .accepted: actions.append(.tell(.accepted(answer: description)))
        case .established: actions.append(.tell(.established))
        }
        stage = next
        return actions
    }

    mutating func timerFired(_ timer: Timer) -> [Action] {
        guard farewell == nil else { return [] }
        switch timer {
        case .identify: return identificationFailed("the media server did not take the account")
        case .settle: return state == .inviting ? settle() : []
        case .ring: return state == .inviting ? hangUp() : []
        case .hangup: return termination == .sent ? end(CallEnding.unansweredOutgoing) : []
        }
    }

    // MARK: Ending

    mutating func terminateRequested() -> [Action] {
        guard farewell == nil, termination == .none else { return [] }
        switch state {
        case .lookingUp, .opening, .identifying, .noting, .resuming, .unsettled:
            return end(CallEnding.unansweredIncoming, .cancelled)
        case .dialling, .inviting, .answered: return hangUp()
        case .over: return []
        }
    }

    private mutating func hangUp() -> [Action] {
        guard termination == .none else { return [] }
        guard isSettled else {
            termination = .waiting
            return [.start(.settle)]
        }
        termination = .sent
        return [.hangUp, .start(.hangup)]
    }

    private mutating func settle() -> [Action] {
        isSettled = true
        guard termination == .waiting else { return [.stop(.settle)] }
        termination = .sent
        return [.stop(.settle), .hangUp, .start(.hangup)]
    }

    /// Janus has the hangup, or does not want it: what counts is the end that follows.
    mutating func hangupTaken() -> [Action] { farewell == nil ? [.answerTerminates] : [] }

    mutating func hungUp(_ hangup: SIPHangup) -> [Action] {
        guard farewell == nil else { return [] }
        switch state {
        case .lookingUp, .opening, .identifying, .noting, .over: return []
        case .dialling, .inviting:
            let accepted = dialled()
            guard hangup.code == 503 || hangup.code == 408, !hasProvisional, let target = targets.first else {
                return accepted + end(hangup.text, CallOutcome(code: hangup.code))
            }
            // Only a refusal tells that nobody has the INVITE: after silence, somebody may (RFC 3263 §4.3).
            guard hangup.code == 503, targets.count > 1, termination == .none else {
                return accepted + [.proxyFailed(target)] + end(hangup.text)
            }
            targets.removeFirst()
            return accepted + [.proxyFailed(target), .stop(.ring), .stop(.settle)] + exchange()
        case .answered, .resuming, .unsettled: return end(hangup.text, CallOutcome(code: hangup.code))
        }
    }

    /// The handle keeps traces of what was tried on it, and its transport.
    private mutating func exchange() -> [Action] {
        guard let handle = life.usable else { return [] }
        state = .opening
        isSettled = false
        return [.stop(.identify), .discard(handle)] + follow(life.exchanged())
    }

    /// The media is over.
    mutating func mediaHungUp(_ reason: String) -> [Action] {
        switch state {
        case .dialling, .inviting, .answered, .resuming, .unsettled: end(reason)
        case .lookingUp, .opening, .identifying, .noting, .over: []
        }
    }

    mutating func handleVanished(_ reason: String) -> [Action] {
        farewell = farewell ?? Farewell(reason: reason, outcome: outcomeNow())
        return Timer.allCases.map { .stop($0) } + follow(life.vanished())
    }

    /// The account goes, or the slot.
    mutating func ended(_ reason: String) -> [Action] { end(reason, .cancelled) }

    /// Nobody is there any more who could be told.
    mutating func released() -> [Action] {
        guard farewell == nil else {
            farewell?.isSilent = true
            return []
        }
        return end(CallEnding.unansweredOutgoing, .cancelled, isSilent: true)
    }

    mutating func detached() -> [Action] { follow(life.detached()) }

    mutating func marked() -> [Action] { follow(life.marked()) }

    /// An end by detach: Janus sends whatever ends the call.
    mutating func end(
        _ reason: String, _ outcome: CallOutcome = .failed, isSilent: Bool = false
    ) -> [Action] {
        guard farewell == nil, state != .over else { return [] }
        farewell = Farewell(reason: reason, outcome: outcomeNow(outcome), isSilent: isSilent)
        // A predecessor's waits until it is known what there is to undo.
        guard state != .resuming else { return [] }
        return Timer.allCases.map { .stop($0) } + follow(life.end(leavingFirst: false))
    }

    /// - Parameter outcome: of a call that is neither answered nor given up.
    private func outcomeNow(_ outcome: CallOutcome = .failed) -> CallOutcome {
        if state == .answered { return .answered }
        return termination == .none ? outcome : .cancelled
    }

    mutating func follow(_ action: HandleLife.Action) -> [Action] {
        switch action {
        case .none, .leave: return []
        case .record: return [.record]
        case .attach: return [.attach(targets.first?.transport ?? .udp)]
        case .ready:
            guard let target = targets.first else { preconditionFailure("a handle for a call that goes nowhere") }
            state = .identifying
            return [.identify(target), .start(.identify)]
        case .detach(let handle): return [.detach(handle)]
        case .markEnded: return [.markEnded]
        case .over: return sayFarewell()
        }
    }

    private mutating func sayFarewell() -> [Action] {
        guard state != .over else { return [] }
        state = .over
        guard let farewell, !farewell.isSilent else { return [.finish] }
        guard answer == .ack else {
            answer = .error(farewell.reason)
            return [.answerCall(.error(farewell.reason)), .answerTerminates, .finish]
        }
        stage = .terminated
        return [.answerTerminates, .tell(.terminated(reason: farewell.reason)), .finish]
    }
}
