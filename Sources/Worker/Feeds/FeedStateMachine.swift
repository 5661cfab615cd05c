import Identity
import Sylkrtc

/// A subscription of one participant to another: from the request to attach until its handle is gone (protocol page,
/// section 10). It ends with its base session and with the publisher it shows (D48).
///
/// It can begin anywhere: a predecessor's begins with what Janus has of it (``observed(_:)``), and on every new link to its
/// front door it goes on from what the client has been told (``resynced(_:pending:)``).
struct FeedStateMachine {
    enum State: Equatable {
        /// The handle is being recorded and attached. → subscribing
        case opening
        /// The subscriber's `join` is on its way. → awaitingOffer
        case subscribing
        /// Janus has taken it: the client has its ack. The offer timer runs. → offered
        case awaitingOffer
        /// The client has the offer. → starting
        case offered
        /// `start` is on its way. → started, offered
        case starting
        /// The answer is accepted; the media may be up.
        case started
        /// A predecessor's: Janus is being asked. → offered, started, unsettled
        case resuming
        /// A predecessor's, and without an offer as far as can be seen. What the client was told decides. → opening,
        /// subscribing, awaitingOffer
        case unsettled
        case over
    }

    enum Action: Equatable {
        case record
        case attach
        case subscribe(JanusHandleID)
        /// Once: the answer to feed-attach.
        case answerAttach(WorkerAnswer)
        /// The attach was answered, but the answer was lost on its way.
        case answerAttachAgain(WorkerAnswer)
        case start(JanusHandleID, SessionDescription)
        case answerAnswer(WorkerAnswer)
        /// To every feed-detach that waits.
        case answerDetaches(WorkerAnswer)
        case offer(SessionDescription)
        case tellEstablished
        /// The feed ended without the client having asked.
        case tellEnded
        case startTimer
        case stopTimer
        case leave(JanusHandleID)
        case detach(JanusHandleID)
        case markEnded
        case finish
    }

    /// What Janus has of a predecessor's subscription.
    struct Observation: Equatable {
        var handle: JanusHandleID?
        /// Set when it is subscribed and its offer is there.
        var offer: SessionDescription?
        var isAnswered = false
        var isMediaUp = false
        /// The publisher it shows still sends, and the media is not over.
        var isActive = true
    }

    private struct Farewell {
        var reason: String?
        var isSilent = false
        var isByRequest = false
    }

    private(set) var state: State
    private(set) var life: HandleLife
    private var farewell: Farewell?
    /// How the attach was answered.
    private(set) var attachAnswer: WorkerAnswer?
    private var offer: SessionDescription?
    private var isEstablished = false
    /// Janus has the client's answer, but the client does not know that: it will ask again.
    private var owesAnswer = false

    init() {
        state = .opening
        life = HandleLife()
    }

    /// A predecessor's, whose row is there.
    static var inherited: FeedStateMachine {
        var machine = FeedStateMachine()
        machine.state = .resuming
        machine.life = .inherited
        return machine
    }

    var isEnding: Bool { farewell != nil }
    /// The client may answer the offer.
    var awaitsAnswer: Bool { (state == .offered || (state == .started && owesAnswer)) && farewell == nil }

    // MARK: Attaching

    mutating func attachRequested() -> [Action] { follow(life.begun()) }

    mutating func recorded() -> [Action] { follow(life.recorded()) }

    mutating func recordingFailed(_ reason: String) -> [Action] {
        farewell = farewell ?? Farewell(reason: reason)
        return follow(life.recordingFailed())
    }

    mutating func attached(_ handle: JanusHandleID) -> [Action] { follow(life.attached(handle)) }

    mutating func attachFailed(_ reason: String) -> [Action] {
        farewell = farewell ?? Farewell(reason: reason)
        return follow(life.attachFailed())
    }

    mutating func subscriptionAccepted() -> [Action] {
        guard state == .subscribing, farewell == nil else { return [] }
        state = .awaitingOffer
        attachAnswer = .ack
        return [.answerAttach(.ack), .startTimer]
    }

    /// Janus refuses, at once or by an event: the publisher can be attached again (D16).
    mutating func subscriptionRefused(_ reason: String) -> [Action] {
        switch state {
        case .subscribing, .awaitingOffer: end(Farewell(reason: reason), leavingFirst: false)
        case .opening, .offered, .starting, .started, .resuming, .unsettled, .over: []
        }
    }

    mutating func offered(_ offer: SessionDescription) -> [Action] {
        // The event may overtake the acceptance.
        let accepted = state == .subscribing ? subscriptionAccepted() : []
        guard state == .awaitingOffer || state == .unsettled, farewell == nil else { return accepted }
        state = .offered
        self.offer = offer
        return accepted + [.stopTimer, .offer(offer)]
    }

    mutating func offerTimedOut() -> [Action] {
        guard state == .awaitingOffer else { return [] }
        return end(Farewell(reason: "the media server sent no offer"), leavingFirst: false)
    }

    // MARK: Answering

    /// - Precondition: ``awaitsAnswer``
    mutating func answered(_ answer: SessionDescription) -> [Action] {
        guard awaitsAnswer, let handle = life.usable else { preconditionFailure("an answer without a pending offer") }
        guard !owesAnswer else {
            owesAnswer = false
            return [.answerAnswer(.ack)] + (isEstablished ? [.tellEstablished] : [])
        }
        state = .starting
        return [.start(handle, answer)]
    }

    mutating func startAccepted() -> [Action] {
        guard state == .starting, farewell == nil else { return [] }
        state = .started
        return [.answerAnswer(.ack)] + (isEstablished ? [.tellEstablished] : [])
    }

    /// Janus did not take the answer; the client may send a better one.
    mutating func startRefused(_ reason: String) -> [Action] {
        guard state == .starting, farewell == nil else { return [] }
        state = .offered
        return [.answerAnswer(.error(reason))]
    }

    mutating func mediaUp() -> [Action] {
        guard !isEstablished, farewell == nil else { return [] }
        isEstablished = true
        return state == .started && !owesAnswer ? [.tellEstablished] : []
    }

    // MARK: Being taken over

    /// Janus has been asked about a predecessor's subscription.
    mutating func observed(_ seen: Observation) -> [Action] {
        guard state == .resuming else { return [] }
        if let handle = seen.handle { life.found(handle) }
        state = .unsettled
        guard farewell == nil else { return follow(life.end(leavingFirst: false)) }
        guard seen.isActive else { return ended("publisher gone") }
        guard let offer = seen.offer else { return [] }
        state = seen.isAnswered ? .started : .offered
        self.offer = offer
        isEstablished = seen.isMediaUp
        return []
    }

    /// The front door says what its client has been told: what is missing follows, and nothing else. Not before
    /// ``observed(_:)``.
    ///
    /// - Parameters:
    ///   - isPending: the client still waits for the answer to its attach.
    ///   - isEnding: it has asked for the end, which may have come about unseen.
    mutating func resynced(_ told: ToldFeed, isPending: Bool, isEnding: Bool = false) -> [Action] {
        let answers = answerAgain(told, isPending: isPending)
        // Released because nobody was there, and now somebody is: the end is told after all.
        if told.isAcked || isPending { farewell?.isSilent = false }
        if isEnding { farewell?.isByRequest = true }
        guard farewell == nil else { return answers }
        switch state {
        case .resuming, .opening, .subscribing, .awaitingOffer, .over: return answers
        case .offered, .starting, .started: return answers + difference(from: told)
        case .unsettled: return settle(told, isPending: isPending, isEnding: isEnding)
        }
    }

    private mutating func answerAgain(_ told: ToldFeed, isPending: Bool) -> [Action] {
        switch state {
        case .offered, .starting, .started: attachAnswer = .ack
        case .opening, .subscribing, .awaitingOffer, .resuming, .unsettled, .over:
            if told.isAcked { attachAnswer = .ack }
        }
        guard isPending, let attachAnswer else { return [] }
        return [.answerAttachAgain(attachAnswer)]
    }

    private mutating func difference(from told: ToldFeed) -> [Action] {
        var actions: [Action] = []
        if !told.isOffered, let offer { actions.append(.offer(offer)) }
        // Acknowledged is accepted by Janus, which may still have it queued.
        if told.isAnswered, state == .offered { state = .started }
        owesAnswer = state == .started && !told.isAnswered
        if state == .started, !owesAnswer, isEstablished, !told.isEstablished { actions.append(.tellEstablished) }
        return actions
    }

    /// As with a publisher: what is unanswered is repeated, what is acknowledged never is.
    private mutating func settle(_ told: ToldFeed, isPending: Bool, isEnding: Bool) -> [Action] {
        if told.isOffered || (told.isAcked && life.usable == nil) {
            return end(
                Farewell(reason: PublisherStateMachine.unseenReason, isByRequest: isEnding), leavingFirst: false)
        }
        if told.isAcked {
            state = .awaitingOffer
            return [.startTimer]
        }
        guard isPending else { return end(Farewell(isSilent: true), leavingFirst: false) }
        guard let handle = life.usable else {
            state = .opening
            return follow(life.begun())
        }
        state = .subscribing
        return [.subscribe(handle)]
    }

    // MARK: Ending

    mutating func detachRequested() -> [Action] {
        guard farewell == nil else { return [] }
        let hasJoined = state != .opening && state != .subscribing && state != .unsettled
        return end(Farewell(isByRequest: true), leavingFirst: hasJoined)
    }

    /// Its publisher or its media is gone.
    mutating func ended(_ reason: String) -> [Action] {
        if farewell != nil { return follow(life.left()) }
        return end(Farewell(reason: reason), leavingFirst: false)
    }

    mutating func handleVanished(_ reason: String) -> [Action] {
        farewell = farewell ?? Farewell(reason: reason)
        return [.stopTimer] + follow(life.vanished())
    }

    /// Nobody is there any more who could be told: the base session or the connection ends.
    mutating func released() -> [Action] {
        guard farewell == nil else {
            farewell?.isSilent = true
            return follow(life.left())
        }
        return end(Farewell(isSilent: true), leavingFirst: false)
    }

    /// The leave was accepted, or refused: what counts is the detach that follows.
    mutating func left() -> [Action] { follow(life.left()) }

    mutating func detached() -> [Action] { follow(life.detached()) }

    mutating func marked() -> [Action] { follow(life.marked()) }

    private mutating func end(_ farewell: Farewell, leavingFirst: Bool) -> [Action] {
        guard self.farewell == nil, state != .over else { return [] }
        self.farewell = farewell
        // A predecessor's waits until it is known what there is to undo.
        guard state != .resuming else { return [] }
        return [.stopTimer] + follow(life.end(leavingFirst: leavingFirst))
    }

    private mutating func follow(_ action: HandleLife.Action) -> [Action] {
        switch action {
        case .none: return []
        case .record: return [.record]
        case .attach: return [.attach]
        case .ready(let handle):
            state = .subscribing
            return [.subscribe(handle)]
        case .leave(let handle): return [.leave(handle)]
        case .detach(let handle): return [.detach(handle)]
        case .markEnded: return [.markEnded]
        case .over: return sayFarewell()
        }
    }

    private mutating func sayFarewell() -> [Action] {
        guard state != .over else { return [] }
        let wasStarting = state == .starting
        state = .over
        guard let farewell, !farewell.isSilent else { return [.finish] }
        let reason = farewell.reason ?? "detached"
        var actions: [Action] = []
        if wasStarting { actions.append(.answerAnswer(.error(reason))) }
        if attachAnswer != nil {
            if !farewell.isByRequest { actions.append(.tellEnded) }
        } else {
            attachAnswer = .error(reason)
            actions.append(.answerAttach(.error(reason)))
        }
        return actions + [.answerDetaches(.ack), .finish]
    }
}
