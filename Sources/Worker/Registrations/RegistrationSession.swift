import Identity
import Logging
import NIOCore
import Registry
import SIPLookup
import Sylkrtc
import Telemetry

/// A registration's shell: it performs what ``RegistrationStateMachine`` decides. Confined to the worker's core loop.
final class RegistrationSession {
    /// How long a first `register` waits for its turn: less than the front door waits for the answer.
    static let patience = TimeAmount.seconds(28)

    /// How long Janus may take with a call that its client knows to be over: a BYE that nobody answers is given up after
    /// 32 s (RFC 3261 §17.1.2.2), and the first five have passed.
    static let endTime = TimeAmount.seconds(30)

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
    private var identity: WorkerRequest.Identity?
    /// The request that asks to register.
    private var registering: RequestSequence?
    private var displayName: String?
    private var isUnregistered = false
    var lines: [JanusHandleID: RegistrationLine] = [:]
    /// Which calls its handles have had, and …
    var trail: CallTrail
    /// … how much of that the registry has, or is about to have.
    var recordedTrail: SeenCalls?
    private var isAttachingSpare = false
    private var attaches = 0
    private var retry: Scheduled<Void>?
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
        registering = id.request
        prepareDesk()
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
        prepareDesk()
    }

    private func prepareDesk() {
        desk.isClosed = { [unowned self] in machine.isEnding || isUnregistered }
        desk.serve = { [unowned self] request, sequence in serve(request, sequence) }
    }

    var isEnding: Bool { machine.isEnding }
    /// Its handle in Janus; nil: none, or none any more.
    var handleID: JanusHandleID? { machine.life.usable }
    /// A handle of its may appear in Janus at any time, or is there and not adopted yet.
    var isAttaching: Bool { attaches > 0 || machine.step == .resuming }

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

    // MARK: Being taken over

    /// Janus has been asked about a predecessor's handles.
    ///
    /// - Parameters:
    ///   - info: of the handle; nil: there is none.
    ///   - spare: of its helper. When its master's number was not recorded there is none until the account registers again:
    ///     Janus tells it only then, and that needs the password.
    ///   - retired: of handles that only wait for a call to end.
    ///   - calls: rows of calls that came in over it, over or not.
    func observed(
        _ info: HandleInfo?, spare: HandleInfo?, retired: [HandleInfo], master: UInt64?, calls: [SessionRow]
    ) {
        let standing: RegistrationStateMachine.Standing =
            switch info?.sip?.registration {
            case .registered: .registered
            case .registering: .registering
            case .unregistered, .disabled, nil: .none
            }
        let adopted = info.map { (info: $0, line: prepare($0.handle, .master, isWarm: true)) }
        let helper = spare.map { (info: $0, line: prepare($0.handle, .spare, of: adopted?.line, isWarm: true)) }
        let others = retired.map { (info: $0, line: prepare($0.handle, .retired, isWarm: true)) }
        let all = [adopted, helper].compactMap { $0 } + others
        // Calls first: whether there are any decides when the registration can go.
        for (info, line) in all {
            guard let call = telephony.inheritedCall(on: info.handle, of: id) else { continue }
            line.call = call
            trail.came(from: call.caller.uri, on: line.handle.id)
            // Another call may have taken its handle.
            line.unclaimed = info.sip?.peer.map { (Caller(uri: $0, displayName: ""), info.local) }
            call.observed(info, on: line.handle)
        }
        for (_, line) in others {
            line.supported = all.map(\.line).filter { $0 !== line && $0.role != .master && $0.call != nil }
        }
        perform(
            machine.observed(
                RegistrationStateMachine.Observation(handle: info?.handle, standing: standing, master: master)))
        for (info, line) in all where lines[info.handle] === line {
            let before = trail[line.handle.id]
            line.handle.receiveEvents()
            guard let sip = info.sip, line.role != .retired else { continue }
            compare(sip, on: line, with: calls, before: before)
            if line.call == nil { catchUp(line, sip, offer: info.local) }
        }
        makeSpare()
        look()
        recordTrail()
        guard let (told, requests) = waitingResync else { return }
        resync(told, requests)
    }

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
        case .startRetryTimer(let failures): retryLater(failures)
        case .stopRetryTimer: retry?.cancel()
        case .recordMaster(let master):
            possession.recordMaster(master, of: id)
            makeSpare()
        case .retire(let handle): retire(handle)
        case .leave:
            for line in lines.values { line.call?.endUnlessAnswered(CallEnding.withAccount) }
            look()
        case .detach(let handle): closeAll(handle)
        case .markEnded:
            telephony.markEnded(id, isMissed: false, at: .registrationMark) { [self] in perform(machine.marked()) }
        case .finish:
            desk.closed()
            retry?.cancel()
            for line in lines.values {
                // With its master Janus ends a helper, too, and tells of it later.
                line.call?.vanish("handle detached")
                close(line)
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

    private func find() {
        telephony.findProxies(for: account.description) { [weak self] result in
            guard let self else { return }
            switch result {
            case .success(let servers): perform(machine.found(servers))
            case .failure(let failure): perform(machine.notFound(failure.text))
            }
        }
    }

    private func record() {
        possession.faults.before(.registrationRecord)
        let row = row
        possession.write { store, owner throws(RegistryError) in
            try store.recordSession(row, owner: owner)
        } then: { [self] result in
            possession.faults.after(.registrationRecord)
            switch result {
            case .success: perform(machine.recorded())
            case .failure(let error):
                logger.error("the session could not be recorded", metadata: .keyed([.error: "\(error)"]))
                perform(machine.recordingFailed("the registry is not available"))
            }
        }
    }

    private func retryLater(_ failures: Int) {
        // 30 s, twice as long after each failure up to 300 s, and up to a fifth more: a registrar that comes back does not
        // meet everybody at once.
        let delay = min(30_000 << min(failures - 1, 4), 300_000)
        let bound = NIOLoopBound(self, eventLoop: possession.loop)
        retry = possession.loop.scheduleTask(in: .milliseconds(Int64(delay + Int.random(in: 0...delay / 5)))) {
            bound.value.perform(bound.value.machine.retryDue())
        }
    }

    // MARK: Handles

    private func attach() {
        attach(.session(id)) { [self] result in
            switch result {
            case .success(let handle):
                possession.recordHandle(handle, of: id)
                open(handle, .master)
                perform(machine.attached(handle))
            case .failure(let error): perform(machine.attachFailed(error.reason))
            }
        }
    }

    private func attachReplacement(for server: ProxyTarget) {
        attach(.session(id)) { [self] result in
            switch result {
            case .success(let handle):
                possession.recordHandle(handle, of: id)
                open(handle, .master)
                perform(machine.replacementAttached(handle, for: server))
            case .failure(let error): perform(machine.replacementFailed(error.reason))
            }
        }
    }

    private func attach(
        _ purpose: OpaqueID.Purpose, completion: @escaping (Result<JanusHandleID, JanusError>) -> Void
    ) {
        attaches += 1
        possession.faults.before(.registrationAttach)
        possession.attachSIP(as: purpose) { [self] result in
            attaches -= 1
            possession.faults.after(.registrationAttach)
            if possession.isHeld { completion(result) }
        }
    }

    /// From now on it is heard.
    @discardableResult
    private func open(
        _ handle: JanusHandleID, _ role: RegistrationLine.Role, of master: RegistrationLine? = nil, isWarm: Bool = false
    ) -> RegistrationLine {
        let line = prepare(handle, role, of: master, isWarm: isWarm)
        line.handle.receiveEvents()
        return line
    }

    private func prepare(
        _ handle: JanusHandleID, _ role: RegistrationLine.Role, of master: RegistrationLine? = nil, isWarm: Bool
    ) -> RegistrationLine {
        let janusHandle = JanusHandle<SIPMessage>(
            handle, session: possession.janusSession, gateway: possession.gateway
        ) { [weak self] event, message in self?.received(event, message, on: handle) }
        let line = RegistrationLine(janusHandle, role, of: master, isWarm: isWarm)
        lines[handle] = line
        return line
    }

    private func register(_ handle: JanusHandleID, _ server: ProxyTarget, isRefresh: Bool) {
        guard let line = lines[handle], let identity else {
            return perform(machine.registerRefused("the handle is gone"))
        }
        guard !line.isWarm else { return send(identity, on: line, server, isRefresh: isRefresh) }
        telephony.pace.enter(.registration, patience: Self.patience) { [self] result in
            switch result {
            case .failure(let failure): perform(machine.registerRefused(failure.reason))
            case .success(let turn):
                guard possession.isHeld, !machine.isEnding, lines[handle] === line else { return turn.over() }
                line.turn = turn
                send(identity, on: line, server, isRefresh: isRefresh)
            }
        }
    }

    private func send(
        _ identity: WorkerRequest.Identity, on line: RegistrationLine, _ server: ProxyTarget, isRefresh: Bool
    ) {
        possession.faults.before(.registrationSend)
        line.handle.message(
            .register, body: SIPBody.register(identity, over: server, isSent: true, isRefresh: isRefresh)
        ) { [self] result in
            possession.faults.after(.registrationSend)
            switch result {
            case .success: perform(machine.registerAccepted())
            case .failure(let error):
                line.warmed()
                perform(machine.registerRefused(error.reason))
            }
        }
    }

    /// An account that is registered always has one helper that waits for a call.
    func makeSpare() {
        guard !isAttachingSpare, !machine.isEnding, let number = machine.master, let handle = machine.life.usable,
            let master = lines[handle],
            !lines.values.contains(where: { $0.role == .spare && $0.call == nil && !$0.isStuck })
        else { return }
        isAttachingSpare = true
        attach(.spare(of: id)) { [self] result in
            isAttachingSpare = false
            guard case .success(let helper) = result else { return logger.warning("an account has no spare handle") }
            let line = open(helper, .spare, of: master, isWarm: true)
            guard !machine.isEnding, lines[handle] === master, master.role == .master else { return close(line) }
            line.handle.message(.helper, body: SIPBody.helper(of: number, account: account.description)) { [self] in
                if case .failure = $0 { close(line) }
            }
        }
    }

    private func retire(_ handle: JanusHandleID) {
        guard let line = lines[handle] else { return }
        line.role = .retired
        for helper in lines.values where helper.master === line { helper.role = .retired }
        look()
    }

    /// What waited for a call to end goes on, when it has.
    func look() {
        // Which calls there are is still being found out.
        guard machine.step != .resuming else { return }
        for line in lines.values where line.role == .retired && line.master == nil && !isBusy(line) {
            close(line)
        }
        guard case .leaving = machine.life.state, !lines.values.contains(where: { $0.call != nil }) else { return }
        perform(machine.left())
    }

    /// A call is on it, or on a helper that ends with it.
    private func isBusy(_ line: RegistrationLine) -> Bool {
        line.call != nil || line.supported.contains { $0.call != nil }
            || lines.values.contains { $0.master === line && $0.call != nil }
    }

    /// A call on a line does not end.
    func awaitEnd(on line: RegistrationLine) {
        logger.info("a call does not end yet")
        line.isStuck = true
        let bound = NIOLoopBound((self, line), eventLoop: possession.loop)
        possession.loop.scheduleTask(in: Self.endTime) {
            let (registration, line) = bound.value
            guard registration.possession.isHeld, line.isStuck, registration.lines[line.handle.id] === line else {
                return
            }
            // Janus names the call that a handle is in.
            line.handle.message(.ask, body: SIPBody.ask) {
                if case .failure = $0 { registration.stays(line) }
            }
        }
    }

    /// Only the end of the SIP stack ends such a call; everybody who is on it registers anew.
    func stays(_ line: RegistrationLine) {
        if line.role == .retired { look() } else { lose("a call does not end") }
    }

    /// Its call has ended after all.
    func unstick(_ line: RegistrationLine) {
        line.isStuck = false
        if line.role == .spare { renew(line) } else { line.handle.resetWhenCleared(possession) }
        look()
    }

    /// Gives a line's handle up, and those of its helpers, if it has any.
    func close(_ line: RegistrationLine) {
        close(line.handle, with: lines.values.filter { $0.master === line }) { [self] in detach($0) {} }
    }

    /// The registration's own handle goes, and everything that depends on it: the session is over when it is gone.
    private func closeAll(_ id: JanusHandleID) {
        let handle =
            lines[id]?.handle
            ?? JanusHandle<SIPMessage>(id, session: possession.janusSession, gateway: possession.gateway) { _, _ in }
        close(handle, with: lines.values.filter { $0.handle.id != id }) { [self, faults = possession.faults] in
            faults.before(.registrationDetach)
            detach($0) { [self] in
                faults.after(.registrationDetach)
                perform(machine.detached())
            }
        }
    }

    /// Helpers are detached before their master: Janus, which ends them with it, must not be at a message of theirs then
    /// (``JanusHandle/detach(completion:)``).
    private func close(
        _ handle: JanusHandle<SIPMessage>, with helpers: [RegistrationLine],
        then last: @escaping (JanusHandle<SIPMessage>) -> Void
    ) {
        lines.removeValue(forKey: handle.id)?.warmed()
        handle.forget()
        guard !helpers.isEmpty else { return last(handle) }
        var left = helpers.count
        for helper in helpers {
            lines.removeValue(forKey: helper.handle.id)?.warmed()
            detach(helper.handle) {
                left -= 1
                if left == 0 { last(handle) }
            }
        }
    }

    private func detach(_ handle: JanusHandle<SIPMessage>, completion: @escaping () -> Void) {
        handle.detach { [logger] result in
            if case .failure(let error) = result, !error.saysAlreadyGone {
                logger.warning("detach failed", metadata: .keyed([.handle: "\(handle.id)", .error: error.reason]))
            }
            completion()
        }
    }
}

extension IncomingCallSession {
    /// A call that rings ends with its registration; one that was answered goes on (D23).
    fileprivate func endUnlessAnswered(_ reason: String) { if !isAnswered { end(reason) } }
}
