import Identity
import JSONText
import Logging
import NIOCore
import Registry
import Sylkrtc
import Telemetry

/// A subscription's shell: it performs what ``FeedStateMachine`` decides. Confined to the worker's core loop.
final class FeedSession {
    /// What its messages to Janus are for.
    enum Message {
        case subscribe, start, update, leave
    }

    static let offerTimeout = TimeAmount.seconds(30)

    let id: SessionID
    let clientSession: ClientSessionID
    /// Whose feed it is.
    let base: PublisherSession
    /// Whom it shows.
    let target: PublisherID

    /// Nobody waits to be told of its end.
    private(set) var isReleased = false

    private let conferences: Conferences
    private let possession: SlotPossession
    private var machine: FeedStateMachine
    private let actions = ActionQueue<FeedStateMachine.Action>()
    let voice: SessionVoice
    private let desk: RequestDesk
    private let handle: SessionHandle<Message>
    private var answering: RequestSequence?
    private var timer: Scheduled<Void>?
    private let logger: Logger
    /// What its front door said before Janus had been asked.
    private var waitingResync: (told: ToldFeed, requests: [ListedRequest])?

    /// - Parameter isInherited: a predecessor has recorded it.
    init(
        _ id: SessionID, called clientSession: ClientSessionID, of base: PublisherSession, showing target: PublisherID,
        isInherited: Bool = false, conferences: Conferences
    ) {
        machine = isInherited ? .inherited : FeedStateMachine()
        self.id = id
        self.clientSession = clientSession
        self.base = base
        self.target = target
        self.conferences = conferences
        possession = conferences.possession
        logger = possession.logger.with([
            .session: "\(clientSession)", .connection: "\(id.connection)", .room: "\(base.room.uri)",
        ])
        voice = conferences.voice(of: id, base: base.id, isHeard: !isInherited)
        desk = RequestDesk(voice, isBusy: !isInherited)
        handle = SessionHandle(
            id, possession: possession, points: (.feedRecord, .feedAttach, .feedDetach), logger: logger)
        desk.isClosed = { [unowned self] in machine.isEnding }
        desk.serve = { [unowned self] request, sequence in serve(request, sequence) }
    }

    var isEnding: Bool { machine.isEnding }

    /// Its handle in Janus; nil: none, or none any more.
    var handleID: JanusHandleID? { handle.handleID }
    /// A handle of its may appear in Janus at any time, or is there and not adopted yet.
    var isAttaching: Bool { machine.life.state == .attaching || machine.life.state == .inherited }

    // MARK: Being taken over

    /// Janus has been asked about a predecessor's subscription.
    func observed(_ seen: FeedStateMachine.Observation) {
        perform(machine.observed(seen))
        if let handle = seen.handle, machine.life.usable != nil {
            self.handle.adopt(handle) { [weak self] event, message in self?.received(event, message) }
        }
        guard let (told, requests) = waitingResync else { return }
        resync(told, requests)
    }

    /// The link to its front door is gone: what is said until the next one would be said twice.
    func suspend() {
        voice.close()
        waitingResync = nil
    }

    /// The front door says what the client knows and what it waits for.
    func resync(_ told: ToldFeed, _ requests: [ListedRequest]) {
        guard machine.state != .resuming else { return waitingResync = (told, requests) }
        waitingResync = nil
        voice.open()
        let isPending = requests.contains { $0.sequence == id.request }
        isReleased = false
        if machine.state == .unsettled, isPending { desk.beginAgain() }
        let isEnding = requests.contains { listed in
            if case .feedDetach = listed.request { true } else { false }
        }
        perform(machine.resynced(told, isPending: isPending, isEnding: isEnding))
        for listed in requests where listed.sequence != id.request {
            desk.submit(listed.request, sequence: listed.sequence)
        }
        conferences.outbox.resynced(id)
    }

    /// What a resync finds when it is over.
    var ending: EndedSession { EndedSession(base: base.id, creation: machine.attachAnswer, reason: nil) }

    // MARK: What the front door asks

    func attach() {
        logger.info("feed created", metadata: .keyed([.publisher: "\(target)"]))
        perform(machine.attachRequested())
    }

    func submit(_ request: WorkerRequest, sequence: RequestSequence) { desk.submit(request, sequence: sequence) }

    /// The base session or the publisher is gone (D48).
    func end(_ reason: String) { perform(machine.ended(reason)) }

    func release() {
        isReleased = true
        perform(machine.released())
    }

    private func serve(_ request: WorkerRequest, _ sequence: RequestSequence) {
        switch request {
        case .feedAnswer(_, let answer):
            guard machine.awaitsAnswer else {
                let text = "feed-answer: video room session \(clientSession) has no pending offer"
                return desk.finish(sequence, .error(text))
            }
            answering = sequence
            perform(machine.answered(answer))
        case .feedDetach:
            desk.close(with: sequence)
            perform(machine.detachRequested())
        case .trickle(_, let candidates): handle.trickle(candidates) { [self] in desk.finish(sequence, $0) }
        case .update(_, let audio, let video, let bitrate): update(audio, video, bitrate, sequence)
        case .terminate, .join, .feedAttach, .configureRoom, .releaseAccount, .invite, .register, .unregister, .call,
            .accept:
            desk.finish(sequence, .unknownSession)
        }
    }

    /// Pausing and resuming: what of the publisher is relayed to this subscriber (R17).
    private func update(_ audio: Bool?, _ video: Bool?, _ bitrate: Int?, _ sequence: RequestSequence) {
        guard audio != nil || video != nil || bitrate != nil else { return desk.finish(sequence, .ack) }
        let maximum = base.room.configuration.maximumBitrate
        handle.message(.update) { json in
            json.member("request", "configure")
            if let audio { json.member("audio", audio) }
            if let video { json.member("video", video) }
            if let bitrate { json.member("bitrate", min(bitrate, maximum)) }
        } completion: { [self] in
            desk.finish(sequence, $0)
        }
    }

    // MARK: What Janus says

    private func received(_ event: JanusEvent, _ message: Message?) {
        switch event.kind {
        case .plugin: received(plugin: event, message)
        case .webrtcUp:
            logger.info("media established")
            perform(machine.mediaUp())
        case .hangup(let reason): perform(machine.ended(reason))
        case .detached:
            perform(machine.handleVanished("handle detached"))
            handle.forget()
        case .slowLink, .media, .other: handle.note(event.kind)
        }
    }

    private func received(plugin event: JanusEvent, _ message: Message?) {
        switch handle.videoRoomEvent(event) {
        case nil: break
        case .attached:
            possession.faults.before(.feedOffer)
            defer { possession.faults.after(.feedOffer) }
            guard let offer = event.description(of: "offer") else {
                return perform(machine.subscriptionRefused("the media server sent no offer"))
            }
            perform(machine.offered(SessionDescription(offer)))
        case .updated(let isActive):
            // Since Janus 1.0 a publisher that goes leaves its subscribers an offer without anything active in it.
            if !isActive { perform(machine.ended("publisher gone")) }
        case .failed(let error): failed(error, message)
        case .left: perform(machine.left())
        case .expelled(let reason): perform(machine.ended(reason))
        case .confirmation:
            guard case .start = message else { break }
            possession.faults.before(.feedStarted)
            possession.faults.after(.feedStarted)
        case .joined, .publishers, .gone: logger.warning("a publisher's event on a subscriber's handle")
        case .unknown(let kind):
            logger.warning("unknown event", metadata: .keyed([.event: kind]))
            // Nothing else will come of the subscription (D31).
            if case .subscribe = message { perform(machine.subscriptionRefused(JanusError.malformed(kind).reason)) }
        }
    }

    private func failed(_ error: JanusError, _ message: Message?) {
        logger.warning("refused", metadata: .keyed([.error: error.reason]))
        switch message {
        // A predecessor's was still on its way: its outcome is ours.
        case .subscribe where error.saysAlreadyDone: perform(machine.subscriptionAccepted())
        case .subscribe: perform(machine.subscriptionRefused(error.reason))
        case .start where error.saysAlreadyDone: perform(machine.startAccepted())
        case .start: perform(machine.ended(error.reason))
        case .leave, .update, nil: break
        }
    }

    // MARK: What the machine decides

    private func perform(_ new: [FeedStateMachine.Action]) {
        guard possession.isHeld else { return }
        actions.perform(new) { action in perform(action) }
    }

    private func perform(_ action: FeedStateMachine.Action) {
        switch action {
        case .record: record()
        case .attach: attachHandle()
        case .subscribe: subscribe()
        case .answerAttach(let answer): desk.finish(id.request, answer)
        case .answerAttachAgain(let answer): voice.answer(answer, to: id.request)
        case .start(_, let answer): start(answer)
        case .answerAnswer(let answer):
            guard let sequence = answering else { return }
            answering = nil
            desk.finish(sequence, answer)
        case .answerDetaches(let answer): desk.answerClosing(answer)
        case .offer(let offer): voice.tell(.feedOffered(feed: id.request, offer: offer))
        case .tellEstablished: voice.tell(.feedEstablished(feed: id.request))
        case .tellEnded: voice.tell(.feedEnded(feed: id.request))
        case .startTimer:
            let bound = NIOLoopBound(self, eventLoop: possession.loop)
            timer = possession.loop.scheduleTask(in: Self.offerTimeout) {
                bound.value.perform(bound.value.machine.offerTimedOut())
            }
        case .stopTimer: timer?.cancel()
        case .leave: leave()
        case .detach(let id): handle.detach(id) { [self] in perform(machine.detached()) }
        case .markEnded: conferences.markEnded(id, at: .feedMark) { [self] in perform(machine.marked()) }
        case .finish:
            desk.closed()
            timer?.cancel()
            conferences.finished(self)
        }
    }

    /// What the registry holds of it.
    var row: SessionRow {
        SessionRow(
            id: id, slot: possession.owner.slot, clientSession: clientSession, account: base.account,
            displayName: base.displayName, role: .subscriber, parent: base.id, room: base.room.uri, feedTarget: target)
    }

    private func record() {
        handle.record(row) { [self] result in
            switch result {
            case .success: perform(machine.recorded())
            case .failure: perform(machine.recordingFailed("the registry is not available"))
            }
        }
    }

    private func attachHandle() {
        handle.attach { [weak self] event, message in
            self?.received(event, message)
        } completion: { [self] result in
            switch result {
            case .success(let id): perform(machine.attached(id))
            case .failure(let error): perform(machine.attachFailed(error.reason))
            }
        }
    }

    private func subscribe() {
        let (janusRoom, target) = (base.room.janusRoom, target)
        handle.message(.subscribe, at: .feedSubscribe) { json in
            json.member("request", "join")
            json.member("room", janusRoom.rawValue)
            json.member("ptype", "subscriber")
            json.member("feed", target.rawValue)
        } completion: { [self] result in
            switch result {
            case .success: perform(machine.subscriptionAccepted())
            case .failure(let error): perform(machine.subscriptionRefused(error.reason))
            }
        }
    }

    private func start(_ answer: SessionDescription) {
        let janusRoom = base.room.janusRoom
        handle.message(.start, at: .feedStart, description: ("answer", answer)) { json in
            json.member("request", "start")
            json.member("room", janusRoom.rawValue)
        } completion: { [self] result in
            switch result {
            case .success: perform(machine.startAccepted())
            case .failure(let error) where error.saysAlreadyDone: perform(machine.startAccepted())
            case .failure(let error): perform(machine.startRefused(error.reason))
            }
        }
    }

    private func leave() {
        // Accepted or refused: the detach that follows is what counts.
        handle.message(.leave, at: .feedLeave) {
            $0.member("request", "leave")
        } completion: { [self] _ in
            perform(machine.left())
        }
    }

}
