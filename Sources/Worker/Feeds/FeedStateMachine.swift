import Identity
import Sylkrtc

/// A subscription of one participant to another: from the request to attach until its handle is gone (protocol page,
/// section 10). It ends with its base session and with the publisher it shows (D48).
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
        case over
    }

    enum Action: Equatable {
        case record
        case attach
        case subscribe(JanusHandleID)
        /// Once: the answer to feed-attach.
        case answerAttach(WorkerAnswer)
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

    private struct Farewell {
        var reason: String?
        var isSilent = false
        var isByRequest = false
    }

    private(set) var state: State = .opening
    private(set) var life = HandleLife()
    private var farewell: Farewell?
    private var isAttachAnswered = false
    private var isEstablished = false

    var isEnding: Bool { farewell != nil }
    /// The client may answer the offer.
    var awaitsAnswer: Bool { state == .offered && farewell == nil }

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
        isAttachAnswered = true
        return [.answerAttach(.ack), .startTimer]
    }

    /// Janus refuses, at once or by an event: the publisher can be attached again (D16).
    mutating func subscriptionRefused(_ reason: String) -> [Action] {
        switch state {
        case .subscribing, .awaitingOffer: end(Farewell(reason: reason), leavingFirst: false)
        case .opening, .offered, .starting, .started, .over: []
        }
    }

    mutating func offered(_ offer: SessionDescription) -> [Action] {
        // The event may overtake the acceptance.
        let accepted = state == .subscribing ? subscriptionAccepted() : []
        guard state == .awaitingOffer, farewell == nil else { return accepted }
        state = .offered
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
        return state == .started ? [.tellEstablished] : []
    }

    // MARK: Ending

    mutating func detachRequested() -> [Action] {
        guard farewell == nil else { return [] }
        let hasJoined = state != .opening && state != .subscribing
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
        if isAttachAnswered {
            if !farewell.isByRequest { actions.append(.tellEnded) }
        } else {
            isAttachAnswered = true
            actions.append(.answerAttach(.error(reason)))
        }
        return actions + [.answerDetaches(.ack), .finish]
    }
}
