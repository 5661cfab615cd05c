import Identity
import Logging
import Registry
import Sylkrtc
import Telemetry

/// A registration's shell: it performs what ``RegistrationStateMachine`` decides. Confined to the worker's core loop.
final class RegistrationSession {
    let id: SessionID
    let account: AddressOfRecord
    /// Nobody waits to be told of its end.
    private(set) var isReleased = false
    let voice: SessionVoice

    let telephony: Telephony
    let possession: SlotPossession
    private(set) var machine: RegistrationStateMachine
    private let actions = ActionQueue<RegistrationStateMachine.Action>()
    private let desk: RequestDesk
    /// Who registers. It is nowhere else: neither in the registry nor in a log.
    private(set) var identity: WorkerRequest.Identity?
    /// The request that asks to register.
    private var registering: RequestSequence?
    private var displayName: String?
    private var isUnregistered = false
    let lines: RegistrationLines
    /// Which calls its handles have had, and …
    var trail: CallTrail
    /// … how much of that the registry has, or is about to have.
    var recordedTrail: SeenCalls?
    private var retry = RegistrationRetry()
    let logger: Logger
    /// What its front door said before Janus had been asked.
    private var waitingResync: (told: ToldRegistration, requests: [ListedRequest])?

    init(_ id: SessionID, _ identity: WorkerRequest.Identity, telephony: Telephony) {
        self.identity = identity
        self.id = id
        account = identity.account
        displayName = identity.displayName
        machine = RegistrationStateMachine()
        trail = CallTrail()
        recordedTrail = trail.seen
        self.telephony = telephony
        possession = telephony.possession
        logger = possession.logger.with([.account: "\(account)", .connection: "\(id.connection)"])
        voice = telephony.voice(of: id, base: nil, isHeard: true)
        desk = RequestDesk(voice, isBusy: true)
        lines = RegistrationLines(of: id, in: possession, logger)
        registering = id.request
        prepare()
    }

    /// A predecessor's.
    init(inheriting row: SessionRow, telephony: Telephony) {
        id = row.id
        account = row.account
        displayName = row.displayName
        machine = .inherited
        trail = CallTrail(row.seenCalls)
        recordedTrail = row.seenCalls
        self.telephony = telephony
        possession = telephony.possession
        logger = possession.logger.with([.account: "\(row.account)", .connection: "\(row.id.connection)"])
        voice = telephony.voice(of: row.id, base: nil, isHeard: false)
        desk = RequestDesk(voice, isBusy: false)
        lines = RegistrationLines(of: row.id, in: possession, logger)
        prepare()
    }

    private func prepare() {
        desk.isClosed = { [unowned self] in machine.isEnding || isUnregistered }
        desk.serve = { [unowned self] request, sequence in serve(request, sequence) }
        lines.heard = { [weak self] event, message, line in self?.received(event, message, on: line) }
    }

    var isEnding: Bool { machine.isEnding }
    /// Its handle in Janus; nil: none, or none any more.
    var handleID: JanusHandleID? { machine.life.usable }
    /// A handle of its may appear in Janus at any time, or is there and not adopted yet.
    var isAttaching: Bool { lines.isAttaching || machine.step == .resuming }

    /// What the registry holds of it.
    var row: SessionRow {
        SessionRow(
            id: id, slot: possession.owner.slot,
            clientSession: telephony.nameless, account: account, displayName: displayName, role: .registration,
            seenCalls: trail.seen)
    }

    /// What a resync finds when it is over.
    var ending: EndedSession {
        EndedSession(
            base: nil, creation: machine.creation, reason: RegistrationStateMachine.endedReason,
            event: .registrationLost)
    }

    // MARK: What its front door knows

    /// The link to its front door is gone: what is said until the next one would be said twice.
    func suspend() {
        voice.close()
        waitingResync = nil
    }

    /// The front door says what the client knows and what it waits for.
    func resync(_ told: ToldRegistration, _ requests: [ListedRequest]) {
        guard machine.step != .resuming else { return waitingResync = (told, requests) }
        waitingResync = nil
        voice.open()
        isReleased = false
        let pending = requests.first { $0.sequence == id.request }
        if machine.step == .unsettled, case .register(let register)? = pending?.request {
            identity = register.identity
            registering = id.request
            desk.beginAgain()
        }
        perform(machine.resynced(told, isPending: pending != nil, isRenewing: requests.contains(where: isRenewal)))
        tellMissed()
        for listed in requests where listed.sequence != id.request {
            desk.submit(listed.request, sequence: listed.sequence)
        }
        telephony.outbox.resynced(id)
        telephony.tellUntold(over: self)
    }

    func resyncIfWaiting() {
        guard let (told, requests) = waitingResync else { return }
        resync(told, requests)
    }

    private func isRenewal(_ listed: ListedRequest) -> Bool {
        if case .register = listed.request { listed.sequence != id.request } else { false }
    }

    // MARK: What the front door asks

    func begin() { perform(machine.registerRequested()) }

    func submit(_ request: WorkerRequest, sequence: RequestSequence) { desk.submit(request, sequence: sequence) }

    func release() {
        isReleased = true
        perform(machine.released())
    }

    /// The account is removed from its connection.
    func accountRemoved() { perform(machine.unregisterRequested()) }

    /// Nobody has asked for its end, and its client is registered elsewhere.
    func lose(_ reason: String) {
        guard !machine.isEnding else { return }
        logger.warning("the registration is lost", metadata: .keyed([.reason: reason]))
        perform(machine.lost(reason))
    }

    private func serve(_ request: WorkerRequest, _ sequence: RequestSequence) {
        switch request {
        case .register(let register):
            identity = register.identity
            displayName = register.identity.displayName ?? displayName
            registering = sequence
            perform(machine.registerRequested())
        case .unregister:
            logger.info("account unregistered")
            // Not behind what it does to calls that ring: their client is told with the ack that they are over (D23).
            isUnregistered = true
            desk.close(with: sequence)
            desk.answerClosing(.ack)
            perform(machine.unregisterRequested())
        case .trickle, .update, .terminate, .join, .feedAttach, .feedAnswer, .feedDetach, .configureRoom,
            .releaseAccount, .invite, .call, .accept:
            desk.finish(sequence, .unknownSession)
        }
    }

    // MARK: What the machine decides

    func perform(_ new: [RegistrationStateMachine.Action]) {
        guard possession.isHeld else { return }
        actions.perform(new) { action in perform(action) }
    }

    /// The same, for what events change.
    func perform(_ change: (inout RegistrationStateMachine) -> [RegistrationStateMachine.Action]) {
        perform(change(&machine))
    }

    private func perform(_ action: RegistrationStateMachine.Action) {
        switch action {
        case .find: find()
        case .record: record()
        case .attach: attach()
        case .attachReplacement(let server): attachReplacement(for: server)
        case .register(let handle, let server, let isRefresh): register(handle, server, isRefresh: isRefresh)
        case .answer(let answer):
            guard let sequence = registering else { return }
            registering = nil
            desk.finish(sequence, answer)
        case .answerAgain(let answer):
            // What has begun again is over with that, and the next one begins.
            guard registering == id.request else { return voice.answer(answer, to: id.request) }
            registering = nil
            desk.finish(id.request, answer)
        case .tell(let state): tell(state)
        case .tellAgain(let state): voice.tell(.registration(state))
        case .tellLost:
            telephony.metrics.registrationLost()
            voice.tell(.registrationLost)
        case .avoid(let server): telephony.proxyFailed(server)
        case .startRetryTimer(let failures):
            retry.start(failures: failures, on: possession.loop) { [self] in perform(machine.retryDue()) }
        case .stopRetryTimer: retry.stop()
        case .recordMaster(let master):
            possession.recordMaster(master, of: id)
            makeSpare()
        case .retire(let handle):
            guard let line = lines[handle] else { return }
            lines.retire(line)
            look()
        case .leave:
            for line in lines.all { line.call?.endUnlessAnswered(CallEnding.withAccount) }
            look()
        case .detach(let handle): lines.closeAll(handle) { [self] in perform(machine.detached()) }
        case .markEnded:
            telephony.markEnded(id, isMissed: false, at: .registrationMark) { [self] in perform(machine.marked()) }
        case .finish:
            desk.closed()
            retry.stop()
            for line in lines.all {
                // With its master Janus ends a helper, too, and tells of it later.
                line.call?.vanish("handle detached")
                lines.close(line)
            }
            telephony.finished(self)
        }
    }

    private func tell(_ state: RegistrationState) {
        switch state {
        case .registering: logger.debug("registering")
        case .registered:
            telephony.metrics.registered()
            logger.info("registered")
        case .failed(let reason):
            telephony.metrics.registrationFailed()
            logger.info("registration failed", metadata: .keyed([.reason: reason]))
        }
        voice.tell(.registration(state))
    }
}

extension IncomingCallSession {
    /// A call that rings ends with its registration; one that was answered goes on (D23).
    fileprivate func endUnlessAnswered(_ reason: String) { if !isAnswered { end(reason) } }
}
