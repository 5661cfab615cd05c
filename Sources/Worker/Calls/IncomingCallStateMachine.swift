import Identity
import Sylkrtc

/// An incoming call: from the INVITE until its registration has its handle back (protocol page, sections 5 and 16.1).
///
/// The handle is the registration's and stays when the call ends. A predecessor's call begins with what Janus has of it
/// (``observed(_:)``), and on every new link to its front door it goes on from what the client has been told
/// (``resynced(_:)``).
struct IncomingCallStateMachine {
    enum State: Equatable {
        /// The row is being written; nobody has been told. → ringing, turningAway
        case recording
        /// The client has it (E03). → answering
        case ringing
        /// `accept` is on its way to Janus. → confirming, ringing
        case answering
        /// Janus has it: the client has its ack. → accepted
        case confirming
        case accepted
        /// It cannot be offered to anybody and is being declined. → over
        case turningAway
        /// A predecessor's: Janus is being asked. → ringing, accepted, unsettled
        case resuming
        /// A predecessor's, and not in Janus any more. What the client was told decides. → over
        case unsettled
        case over
    }

    enum Action: Equatable {
        case record
        /// E03.
        case present(SessionDescription)
        case accept(SessionDescription)
        case answerAccept(WorkerAnswer)
        case tell(CallState)
        /// - Parameter isMissed: nobody has taken it (E04).
        case tellTerminated(reason: String, isMissed: Bool)
        /// E04, of a call that the client has not heard of.
        case tellMissed
        /// With this code (RFC 3261 §21).
        case decline(Int)
        case hangUp
        /// Frees a handle that would otherwise stay busy with a call nobody has taken.
        case reset
        /// To every session-terminate that waits.
        case answerTerminates
        /// Janus ignores some declines and hangups without a word (D35).
        case startTimer
        case stopTimer
        /// The registration has its handle back (B17).
        case returnHandle(HandleUse)
        case markEnded
        case finish
    }

    /// What Janus has of a predecessor's call.
    enum Observation: Equatable {
        case gone
        /// It is over, and by our doing.
        case declined
        case ringing(offer: SessionDescription)
        case inCall(isMediaUp: Bool)
        /// Janus has forgotten to end it.
        case stuck
    }

    private struct Farewell {
        var reason: String
        var isMissed = false
        var isSilent = false
        /// Of a call that nobody took, and that was not declined here.
        var outcome = CallOutcome.failed
    }

    private(set) var state = State.recording
    private(set) var stage = ToldCall.Stage.nothing
    /// The row is there, or may be.
    private(set) var isRecorded = false
    private var farewell: Farewell?
    /// Its end has been asked for: by the client, or with this reason by others.
    private var isTerminating = false
    /// A predecessor has declined it, or hung up.
    private var isDeclined = false
    private var wantedEnd: Farewell?
    private var offer: SessionDescription?
    private var isMediaUp = false
    /// Janus has the client's answer, but the client does not know that: it will ask again.
    private var owesAnswer = false
    /// The client has heard of it.
    private var isPresented = false
    private var hasHandle = true
    private var use = HandleUse.free
    /// What the client has been told is known.
    private var isSettled = false

    /// A predecessor's, whose row is there.
    static var inherited: IncomingCallStateMachine {
        var machine = IncomingCallStateMachine()
        machine.state = .resuming
        machine.isRecorded = true
        // Until the front door says that it has not: an end is told by what is said then.
        machine.isPresented = true
        return machine
    }

    var isEnding: Bool { farewell != nil || isTerminating || state == .turningAway || state == .unsettled }
    /// The client has answered, or is at it.
    var isAnswered: Bool {
        switch state {
        case .answering, .confirming, .accepted: true
        case .recording, .ringing, .turningAway, .resuming, .unsettled, .over: false
        }
    }
    /// The client may answer.
    var awaitsAnswer: Bool { (state == .ringing || owesAnswer) && !isEnding }
    var isSilent: Bool { farewell?.isSilent ?? false }
    var isMissed: Bool { farewell?.isMissed ?? false }
    var reason: String { farewell?.reason ?? CallEnding.unansweredIncoming }
    var outcome: CallOutcome { farewell?.outcome ?? .failed }

    // MARK: Ringing

    /// - Parameter offer: nil: none came along, or none that can be passed on (D30).
    mutating func invited(_ offer: SessionDescription?) -> [Action] {
        guard state == .recording, !isRecorded else { return [] }
        guard let offer else { return turnAway(488) }
        self.offer = offer
        isRecorded = true
        return [.record]
    }

    mutating func recorded() -> [Action] {
        guard state == .recording else { return [] }
        guard farewell == nil else { return finishing() }
        guard let offer else { return [] }
        state = .ringing
        // Its end has been asked for before anybody has heard of it.
        guard !isTerminating else { return [] }
        isPresented = true
        return [.present(offer)]
    }

    mutating func recordingFailed() -> [Action] {
        guard state == .recording else { return [] }
        isRecorded = false
        guard farewell == nil else { return finishing() }
        return turnAway(480)
    }

    private mutating func turnAway(_ code: Int) -> [Action] {
        state = .turningAway
        return [.decline(code), .tellMissed, .startTimer]
    }

    // MARK: Answering

    /// - Precondition: ``awaitsAnswer``
    mutating func answered(_ answer: SessionDescription) -> [Action] {
        guard awaitsAnswer else { preconditionFailure("an answer to a call that does not ring") }
        guard !owesAnswer else {
            owesAnswer = false
            return [.answerAccept(.ack)] + (state == .accepted ? catchUp() : [])
        }
        state = .answering
        return [.accept(answer)]
    }

    /// Janus has the answer.
    mutating func acceptTaken() -> [Action] {
        guard state == .answering, farewell == nil else { return [] }
        state = .confirming
        return [.answerAccept(.ack)]
    }

    /// Janus does not take the answer; while it rings the client may send a better one.
    mutating func acceptRefused(_ reason: String) -> [Action] {
        guard state == .answering, farewell == nil else { return [] }
        state = .ringing
        return [.answerAccept(.error(reason))]
    }

    /// The plugin refuses it, after it was taken (D16): there will be no other.
    mutating func acceptFailed(_ reason: String) -> [Action] {
        let acked = acceptTaken()
        guard state == .confirming, farewell == nil else { return acked }
        wantedEnd = Farewell(reason: "500 \(reason)")
        // It rings on.
        return acked + decline(488)
    }

    /// The 200 is out.
    mutating func accepted() -> [Action] {
        let acked = acceptTaken()
        guard state == .confirming || state == .ringing, farewell == nil else { return acked }
        // It rang until now for us: the answer is a predecessor's, or one that Janus was slow to take.
        let wasDeclined = state == .ringing && isTerminating
        state = .accepted
        guard !wasDeclined else { return [.hangUp, .startTimer] }
        return acked + (owesAnswer ? [] : catchUp())
    }

    /// It may overtake the confirmation (D33).
    mutating func mediaUp() -> [Action] {
        guard !isMediaUp, farewell == nil else { return [] }
        isMediaUp = true
        return state == .accepted && !owesAnswer ? catchUp() : []
    }

    private mutating func catchUp() -> [Action] {
        guard !isTerminating else { return [] }
        var actions: [Action] = []
        if stage < .accepted {
            stage = .accepted
            actions.append(.tell(.accepted(answer: nil)))
        }
        if isMediaUp, stage < .established {
            stage = .established
            actions.append(.tell(.established))
        }
        return actions
    }

    // MARK: Ending

    mutating func terminateRequested() -> [Action] { terminate(486) }

    /// The account goes, or the slot (D23).
    mutating func ended(_ reason: String) -> [Action] {
        guard farewell == nil, state != .over else { return [] }
        wantedEnd = wantedEnd ?? Farewell(reason: reason)
        return terminate(480)
    }

    /// Nobody is there any more who could be told.
    mutating func released() -> [Action] {
        guard farewell == nil else {
            farewell?.isSilent = true
            return []
        }
        wantedEnd = Farewell(reason: wantedEnd?.reason ?? CallEnding.unansweredIncoming, isSilent: true)
        return terminate(480)
    }

    /// What Janus has of the call decides how it ends: `hangup` means nothing to it while it rings, `decline` afterwards.
    private mutating func terminate(_ code: Int) -> [Action] {
        guard farewell == nil, !isTerminating else { return [] }
        switch state {
        case .recording, .ringing: return decline(code)
        case .answering, .confirming, .accepted:
            isTerminating = true
            return [.hangUp, .startTimer]
        // A predecessor's waits until it is known what there is to undo.
        case .resuming: return []
        case .unsettled:
            return end(wantedEnd ?? Farewell(reason: CallEnding.unansweredIncoming, outcome: .declined), .free)
        case .turningAway, .over: return []
        }
    }

    private mutating func decline(_ code: Int) -> [Action] {
        isTerminating = true
        return [.decline(code), .startTimer]
    }

    /// Janus has the decline or hangup, or does not want it: what counts is the end that follows.
    mutating func terminationTaken() -> [Action] { isTerminating && farewell == nil ? [.answerTerminates] : [] }

    /// - Precondition: it is about this call: another one's, or nobody's, ends nothing.
    mutating func hungUp(_ hangup: SIPHangup) -> [Action] {
        let isUntaken = stage < .accepted && state != .accepted
        let isMissed = hangup.code == 487 && !hangup.isAnsweredElsewhere && isUntaken
        let farewell =
            wantedEnd ?? Farewell(reason: hangup.text, isMissed: isMissed, outcome: CallOutcome(code: hangup.code))
        return (isUntaken ? resetting() : []) + end(farewell, .free)
    }

    private func resetting() -> [Action] { self.farewell == nil && state != .over ? [.reset] : [] }

    /// The media is over. One that rings has none: what is over then is what the handle did before.
    mutating func mediaHungUp(_ reason: String) -> [Action] {
        switch state {
        case .confirming, .accepted: end(wantedEnd ?? Farewell(reason: reason), .free)
        case .recording, .ringing, .answering, .turningAway, .resuming, .unsettled, .over: []
        }
    }

    /// Another call has come in on its handle: this one is over, whatever became of it (D29).
    mutating func superseded() -> [Action] { end(Farewell(reason: "reason unspecified", outcome: .cancelled), .taken) }

    /// A predecessor's, and what rings on its handle is another call.
    mutating func replaced() -> [Action] {
        switch state {
        case .ringing where !isSettled && !isTerminating:
            state = .unsettled
            hasHandle = false
            return [.returnHandle(.taken)]
        case .ringing, .answering, .confirming, .accepted:
            return end(wantedEnd ?? unseenEnd(wasAnswered: stage >= .accepted), .taken)
        case .recording, .turningAway, .resuming, .unsettled, .over: return []
        }
    }

    mutating func handleVanished(_ reason: String) -> [Action] {
        hasHandle = false
        return end(wantedEnd ?? Farewell(reason: reason), .free)
    }

    mutating func timedOut() -> [Action] {
        guard farewell == nil, isTerminating || state == .turningAway else { return [] }
        return end(wantedEnd ?? Farewell(reason: CallEnding.unansweredOutgoing), .stuck)
    }

    mutating func marked() -> [Action] { farewell != nil ? sayFarewell() : [] }

    private mutating func end(_ farewell: Farewell, _ use: HandleUse) -> [Action] {
        guard self.farewell == nil, state != .over else { return [] }
        self.farewell = farewell
        self.use = use
        if state == .accepted || stage >= .accepted {
            self.farewell?.outcome = .answered
        } else if isTerminating || wantedEnd != nil || state == .turningAway {
            self.farewell?.outcome = .declined
        }
        // The row is on its way: it is marked when it is there.
        guard state != .recording || !isRecorded else { return [.stopTimer] }
        return finishing()
    }

    private mutating func finishing() -> [Action] {
        var actions: [Action] = [.stopTimer]
        if hasHandle { actions.append(.returnHandle(use)) }
        hasHandle = false
        return actions + (isRecorded ? [.markEnded] : sayFarewell())
    }

    private mutating func sayFarewell() -> [Action] {
        guard state != .over, let farewell else { return [] }
        let wasAnswering = state == .answering
        let wasTurnedAway = state == .turningAway
        state = .over
        guard !farewell.isSilent, !wasTurnedAway else { return [.finish] }
        guard isPresented else { return (farewell.isMissed ? [.tellMissed] : []) + [.finish] }
        stage = .terminated
        return (wasAnswering ? [.answerAccept(.error(farewell.reason))] : [])
            + [
                .answerTerminates, .tellTerminated(reason: farewell.reason, isMissed: farewell.isMissed), .finish,
            ]
    }
}

// MARK: Being taken over

extension IncomingCallStateMachine {
    private func unseenEnd(wasAnswered: Bool) -> Farewell {
        if wasAnswered { return Farewell(reason: CallEnding.established, outcome: .answered) }
        return isDeclined
            ? Farewell(reason: CallEnding.declined, outcome: .declined)
            : Farewell(reason: CallEnding.unansweredIncoming, isMissed: true, outcome: .cancelled)
    }

    /// Janus has been asked about a predecessor's call.
    mutating func observed(_ seen: Observation) -> [Action] {
        guard state == .resuming else { return [] }
        state = .unsettled
        guard farewell == nil else { return finishing() }
        switch seen {
        case .gone: break
        case .declined: isDeclined = true
        case .ringing(let offer):
            state = .ringing
            self.offer = offer
        case .inCall(let isMediaUp):
            state = .accepted
            self.isMediaUp = isMediaUp
        case .stuck:
            hasHandle = false
            return [.returnHandle(.stuck)]
        }
        return wantedEnd == nil ? [] : terminate(480)
    }

    /// The front door says what its client has been told: what is missing follows, and nothing else. Not before
    /// ``observed(_:)``.
    ///
    /// - Parameter told: nil: the client has not heard of it.
    mutating func resynced(_ told: ToldCall?) -> [Action] {
        isPresented = told != nil
        isSettled = true
        // Released because nobody was there, and now somebody is: the end is told after all.
        farewell?.isSilent = false
        wantedEnd?.isSilent = false
        guard farewell == nil else { return [] }
        switch state {
        case .recording, .answering, .turningAway, .resuming, .over: return []
        case .ringing:
            stage = told?.stage ?? .nothing
            // What was answered does not ring any more.
            guard stage < .accepted else { return replaced() }
            // Acknowledged is accepted by Janus, which may still have it queued.
            if told?.isAnswered == true { state = .confirming }
            guard told == nil, let offer, !isTerminating else { return [] }
            isPresented = true
            return [.present(offer)]
        // A client that waits for its answer to be acknowledged asks again: the ack precedes what follows from it.
        case .confirming:
            owesAnswer = told?.isAnswered != true
            return []
        case .accepted:
            owesAnswer = told?.isAnswered != true
            stage = told?.stage ?? .nothing
            return owesAnswer ? [] : catchUp()
        case .unsettled:
            return end(wantedEnd ?? unseenEnd(wasAnswered: (told?.stage ?? .nothing) >= .accepted), .free)
        }
    }
}
