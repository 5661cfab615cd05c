import Identity
import JSONText
import Logging
import NIOCore
import Registry
import Sylkrtc
import Telemetry

/// A participant's shell: it performs what ``PublisherStateMachine`` decides. Confined to the worker's core loop.
final class PublisherSession {
    /// What its messages to Janus are for.
    enum Message {
        case join, leave, update
        case bitrate(Int)
    }

    private static let idExists = 436
    static let joinTimeout = TimeAmount.seconds(30)
    static let leaveTimeout = TimeAmount.seconds(2)

    let id: SessionID
    let clientSession: ClientSessionID
    let account: AddressOfRecord
    let displayName: String?
    let publisherID: PublisherID
    let room: Room
    let roomAsSent: String

    /// What it watches, as long as that is not cleaned up.
    var feeds: [SessionID: FeedSession] = [:]

    /// nil: a predecessor has sent it.
    private var offer: SessionDescription?
    /// Nobody waits to be told of its end.
    private(set) var isReleased = false

    private let conferences: Conferences
    private let possession: SlotPossession
    private var machine: PublisherStateMachine
    private let actions = ActionQueue<PublisherStateMachine.Action>()
    let voice: SessionVoice
    private let desk: RequestDesk
    private let handle: SessionHandle<Message>
    private var timer: Scheduled<Void>?
    private let logger: Logger
    /// What Janus had for a predecessor's.
    private var observedBitrate: Int?
    /// What its front door said before Janus had been asked.
    private var waitingResync: (told: ToldState, requests: [ListedRequest])?

    convenience init(_ id: SessionID, join: WorkerRequest.Join, room: Room, conferences: Conferences) {
        self.init(
            id, client: join.session, account: join.account, displayName: join.displayName, room: room,
            roomAsSent: join.roomAsSent, machine: PublisherStateMachine(), conferences: conferences)
        offer = join.offer
    }

    /// A predecessor's.
    convenience init(inheriting row: SessionRow, room: Room, conferences: Conferences) {
        self.init(
            row.id, client: row.clientSession, account: row.account, displayName: row.displayName, room: room,
            roomAsSent: room.uri.description, machine: .inherited, conferences: conferences)
    }

    private init(
        _ id: SessionID, client: ClientSessionID, account: AddressOfRecord, displayName: String?, room: Room,
        roomAsSent: String, machine: PublisherStateMachine, conferences: Conferences
    ) {
        self.id = id
        self.room = room
        self.conferences = conferences
        self.machine = machine
        possession = conferences.possession
        clientSession = client
        self.account = account
        self.displayName = displayName
        self.roomAsSent = roomAsSent
        publisherID = .of(id, in: possession.deployment)
        logger = possession.logger.with([
            .session: "\(client)", .connection: "\(id.connection)", .room: "\(room.uri)",
        ])
        let isInherited = machine.state == .resuming
        voice = conferences.voice(of: id, isHeard: !isInherited)
        desk = RequestDesk(voice, isBusy: !isInherited)
        handle = SessionHandle(
            id, possession: possession, points: (.joinRecord, .joinAttach, .publisherDetach), logger: logger)
        desk.isClosed = { [unowned self] in self.machine.isEnding }
        desk.serve = { [unowned self] request, sequence in serve(request, sequence) }
    }

    var isPresent: Bool { machine.isPresent }

    /// Its handle in Janus; nil: none, or none any more.
    var handleID: JanusHandleID? { handle.handleID }
    /// A handle of its may appear in Janus at any time, or is there and not adopted yet.
    var isAttaching: Bool { machine.life.state == .attaching || machine.life.state == .inherited }

    /// Its front door is away, and not only because this process has just begun.
    var isGhost: Bool { !voice.isHeard && conferences.isAway(id.connection.owner) }

    /// How others see it.
    var publisher: Publisher {
        Publisher(id: publisherID, session: clientSession, account: account, displayName: displayName ?? "")
    }

    // MARK: What the front door asks

    func join() {
        logger.info("session created", metadata: .keyed([.account: "\(account)"]))
        room.expect(self)
        room.join(self)
    }

    func submit(_ request: WorkerRequest, sequence: RequestSequence) { desk.submit(request, sequence: sequence) }

    func release() {
        isReleased = true
        perform(machine.released())
    }

    // MARK: Being taken over

    /// Janus has been asked about a predecessor's session.
    ///
    /// - Parameter present: the room's publishers whose media is up.
    func observed(_ seen: PublisherStateMachine.Observation, bitrate: Int?, present: [PublisherID]) {
        observedBitrate = bitrate
        perform(machine.observed(seen, others: room.others(of: self, among: present)))
        if let handle = seen.handle, machine.life.usable != nil {
            self.handle.adopt(handle) { [weak self] event, message in self?.received(event, message) }
        }
    }

    /// Everybody in a predecessor's room has been looked at: what there is to be told of the room is known.
    func roomResumed() {
        guard let (told, requests) = waitingResync else { return }
        resync(told, requests)
    }

    /// The link to its front door is gone: what is said until the next one would be said twice.
    func suspend() {
        voice.close()
        waitingResync = nil
    }

    /// The front door says what the client knows and what it waits for.
    func resync(_ told: ToldState, _ requests: [ListedRequest]) {
        guard machine.state != .resuming else { return waitingResync = (told, requests) }
        waitingResync = nil
        voice.open()
        if let bitrate = told.bitrateCap { room.restoreCap(self, bitrate) }
        var pending = PublisherStateMachine.Pending()
        for listed in requests {
            switch listed.request {
            case .join(let join):
                pending.join = true
                offer = join.offer
            case .terminate: pending.end = true
            case .feedAttach, .feedAnswer, .feedDetach, .trickle, .update, .configureRoom, .releaseAccount, .invite,
                .register, .unregister, .call, .accept:
                break
            }
        }
        isReleased = false
        if machine.state == .unsettled, pending.join { desk.beginAgain() }
        perform(machine.resynced(told, pending: pending))
        for listed in requests where listed.sequence != id.request {
            desk.submit(listed.request, sequence: listed.sequence)
        }
        conferences.outbox.resynced(id)
    }

    /// What a resync finds when it is over.
    var ending: EndedSession { EndedSession(base: nil, creation: machine.joinAnswer, reason: machine.reason) }

    /// The connection has removed the account.
    func accountRemoved() { perform(machine.accountRemoved()) }

    /// The gateway ends the session.
    func expel(_ reason: String) { perform(machine.expelled(reason)) }

    private func serve(_ request: WorkerRequest, _ sequence: RequestSequence) {
        switch request {
        case .trickle(_, let candidates): handle.trickle(candidates) { [self] in desk.finish(sequence, $0) }
        case .update(_, let audio, let video, let bitrate): update(audio, video, bitrate, sequence)
        case .configureRoom(_, let participants): configureRoom(participants, sequence)
        case .invite(_, let participants): invite(participants, sequence)
        case .terminate:
            logger.info("termination requested")
            desk.close(with: sequence)
            perform(machine.terminateRequested())
        case .join, .feedAttach, .feedAnswer, .feedDetach, .releaseAccount, .register, .unregister, .call, .accept:
            desk.finish(sequence, .unknownSession)
        }
    }

    private func invite(_ participants: [AddressOfRecord], _ sequence: RequestSequence) {
        guard isPresent else { return desk.finish(sequence, .unknownSession) }
        let order = Invitations.Order(
            source: Invitation.Source(connection: id.connection, request: sequence), participants: participants,
            originator: Originator(account: account, displayName: displayName), room: room.uri)
        conferences.invitations.invite(order, logger: logger) { [self] in desk.finish(sequence, $0) }
    }

    private func update(_ audio: Bool?, _ video: Bool?, _ bitrate: Int?, _ sequence: RequestSequence) {
        guard audio != nil || video != nil || bitrate != nil else { return desk.finish(sequence, .ack) }
        let share = bitrate.map { room.capped(self, bitrate: $0) }
        let changes = [audio.map { "audio \($0)" }, video.map { "video \($0)" }, share.map { "bitrate \($0)" }]
        logger.info("updated", metadata: .keyed([.value: changes.compactMap { $0 }.joined(separator: ", ")]))
        let janusRoom = room.janusRoom
        handle.message(.update, at: .updateSend) { json in
            json.member("request", "configure")
            json.member("room", janusRoom.rawValue)
            if let audio { json.member("audio", audio) }
            if let video { json.member("video", video) }
            if let share { json.member("bitrate", share) }
        } completion: { [self] result in
            if case .failure = result, share != nil { room.bitrateRefused(self) }
            desk.finish(sequence, result)
        }
    }

    /// Only who is in the room has a say in it (D43).
    private func configureRoom(_ participants: [String], _ sequence: RequestSequence) {
        guard isPresent else { return desk.finish(sequence, .unknownSession) }
        let request = SessionID(connection: id.connection, request: sequence)
        room.configure(participants, by: self, as: request) { [self] in desk.finish(sequence, $0) }
    }

    // MARK: What the room decides

    func tell(_ event: WorkerEvent) { voice.tell(event) }

    func admitted() { perform(machine.admitted()) }

    func refused(_ answer: WorkerAnswer) { perform(machine.refused(answer)) }

    /// The room's share has changed (D21).
    func configure(bitrate: Int) {
        guard !machine.isEnding else { return }
        let janusRoom = room.janusRoom
        handle.message(.bitrate(bitrate)) { json in
            json.member("request", "configure")
            json.member("room", janusRoom.rawValue)
            json.member("bitrate", bitrate)
        } completion: { [self] result in
            guard case .failure(let error) = result else { return }
            if !error.saysAlreadyGone { logger.warning("bitrate refused", metadata: .keyed([.error: error.reason])) }
            room.bitrateRefused(self)
        }
    }

    // MARK: What Janus says

    private func received(_ event: JanusEvent, _ message: Message?) {
        switch event.kind {
        case .plugin: received(plugin: event, message)
        case .webrtcUp:
            logger.info("media established")
            perform(machine.mediaUp())
        case .hangup(let reason): perform(machine.hungUp(reason))
        case .detached:
            perform(machine.handleVanished("handle detached"))
            handle.forget()
        case .slowLink, .media, .other: handle.note(event.kind)
        }
    }

    private func received(plugin event: JanusEvent, _ message: Message?) {
        switch handle.videoRoomEvent(event) {
        case nil: break
        case .joined(_, let publishers):
            possession.faults.before(.joinJoined)
            defer { possession.faults.after(.joinJoined) }
            guard let answer = event.description(of: "answer") else {
                return perform(machine.joinRefused("the media server sent no answer"))
            }
            perform(machine.joined(answer: SessionDescription(answer), others: known(publishers)))
        case .publishers(let publishers): perform(machine.publishersAppeared(known(publishers)))
        case .gone(let publisher): perform(machine.publisherGone(publisher))
        case .left: perform(machine.left())
        case .expelled(let reason): perform(machine.hungUp(reason))
        case .failed(let error): failed(error, message)
        case .confirmation: break
        case .attached, .updated: logger.warning("a subscriber's event on a publisher's handle")
        case .unknown(let kind):
            logger.warning("unknown event", metadata: .keyed([.event: kind]))
            // Nothing else will come of the join (D31).
            if case .join = message { perform(machine.joinRefused(JanusError.malformed(kind).reason)) }
        }
    }

    /// The asynchronous outcome of a message was a refusal (D16).
    private func failed(_ error: JanusError, _ message: Message?) {
        switch message {
        // A predecessor's join was still on its way: its outcome is ours (425). With 436 it was on another handle.
        case .join where error.code == Self.idExists: perform(machine.placeTaken(error.reason))
        case .join where error.saysAlreadyDone: perform(machine.joinAccepted())
        case .join: perform(machine.joinRefused(error.reason))
        case .leave: perform(error.saysAlreadyGone ? machine.left() : machine.leaveRefused(error.reason))
        case .bitrate, .update:
            room.bitrateRefused(self)
            logger.warning("configure refused", metadata: .keyed([.error: error.reason]))
        case nil: logger.warning("refused", metadata: .keyed([.error: error.reason]))
        }
    }

    private func known(_ ids: [PublisherID]) -> [(PublisherID, Publisher)] {
        ids.compactMap { id in
            guard let other = room.publisher(id) else {
                logger.warning("a publisher nobody knows", metadata: .keyed([.publisher: "\(id)"]))
                return nil
            }
            return (id, other.publisher)
        }
    }

    // MARK: What the machine decides

    private func perform(_ new: [PublisherStateMachine.Action]) {
        guard possession.isHeld else { return }
        actions.perform(new) { action in perform(action) }
    }

    private func perform(_ action: PublisherStateMachine.Action) {
        switch action {
        case .record: record()
        case .attach: attachHandle()
        case .join: sendJoin()
        case .clearPlace:
            conferences.detachOthers(of: id, but: handle.handleID) { [self] in perform(machine.placeCleared()) }
        case .answerJoin(let answer): desk.finish(id.request, answer)
        case .answerJoinAgain(let answer): voice.answer(answer, to: id.request)
        case .answerTerminates(let answer): desk.answerClosing(answer)
        case .tell(let event): voice.tell(event)
        case .tellConfiguration(let version, let isNew): room.tellMissing(self, told: version, isNew: isNew)
        case .becomeMember: room.joined(self, bitrate: observedBitrate)
        case .startTimer(let timer): start(timer)
        case .stopTimer: timer?.cancel()
        case .leave: leave()
        case .detach(let id): handle.detach(id) { [self] in perform(machine.detached()) }
        case .markEnded:
            conferences.markEnded(id, at: .publisherMark) { [self] in perform(machine.marked()) }
        case .endFeeds(let publisher): conferences.endFeeds(of: id, showing: publisher)
        case .finish:
            desk.closed()
            timer?.cancel()
            conferences.finished(self)
            room.left(self)
        }
    }

    /// What the registry holds of it.
    var row: SessionRow {
        SessionRow(
            id: id, slot: possession.owner.slot, clientSession: clientSession, account: account,
            displayName: displayName, role: .publisher, room: room.uri)
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

    private func sendJoin() {
        let (janusRoom, publisherID, displayName) = (room.janusRoom, publisherID, displayName)
        guard let offer else { preconditionFailure("a join without an offer") }
        handle.message(.join, at: .joinSend, description: ("offer", offer)) { json in
            json.member("request", "joinandconfigure")
            json.member("room", janusRoom.rawValue)
            json.member("ptype", "publisher")
            json.member("id", publisherID.rawValue)
            json.member("audio", true)
            json.member("video", true)
            if let displayName, !displayName.isEmpty { json.member("display", displayName) }
        } completion: { [self] result in
            switch result {
            case .success: perform(machine.joinAccepted())
            case .failure(let error): perform(machine.joinRefused(error.reason))
            }
        }
    }

    private func leave() {
        handle.message(.leave, at: .publisherLeave) {
            $0.member("request", "leave")
        } completion: { [self] result in
            guard case .failure(let error) = result else { return }
            perform(error.saysAlreadyGone ? machine.left() : machine.leaveRefused(error.reason))
        }
    }

    private func start(_ kind: PublisherStateMachine.Timer) {
        timer?.cancel()
        let bound = NIOLoopBound(self, eventLoop: possession.loop)
        switch kind {
        case .join:
            timer = possession.loop.scheduleTask(in: Self.joinTimeout) {
                bound.value.perform(bound.value.machine.joinTimedOut())
            }
        case .leave:
            timer = possession.loop.scheduleTask(in: Self.leaveTimeout) {
                bound.value.perform(bound.value.machine.left())
            }
        }
    }
}
