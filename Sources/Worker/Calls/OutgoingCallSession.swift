import Identity
import JSONText
import Logging
import NIOCore
import Registry
import SIPLookup
import Sylkrtc
import Telemetry

/// An outgoing call's shell: it performs what ``OutgoingCallStateMachine`` decides. Confined to the worker's core loop.
final class OutgoingCallSession: CallSession {
    /// Of a callee who does not answer: longer than any proxy lets a phone ring.
    static let ringTime = TimeAmount.seconds(180)
    /// Within D35's 35 s.
    static let hangupTime = TimeAmount.seconds(5)
    static let settleTime = TimeAmount.seconds(1)
    static let identifyTime = TimeAmount.seconds(10)

    let id: SessionID
    let clientSession: ClientSessionID
    let account: AddressOfRecord
    private(set) var isReleased = false
    let voice: SessionVoice

    private let home: any CallHome
    private let possession: SlotPossession
    private let callID: String
    /// What to dial; nil: a predecessor's, until the client's request comes again.
    private var call: WorkerRequest.Call?
    private var machine: OutgoingCallStateMachine
    private let actions = ActionQueue<OutgoingCallStateMachine.Action>()
    private let desk: RequestDesk
    private let handle: SessionHandle<SIPMessage>
    private var timers: [OutgoingCallStateMachine.Timer: Scheduled<Void>] = [:]
    private let logger: Logger
    /// What its front door said before Janus had been asked.
    private var waitingResync: (told: ToldCall, requests: [ListedRequest])?
    private let displayName: String?

    convenience init(_ id: SessionID, _ call: WorkerRequest.Call, home: any CallHome) {
        self.init(
            id, call.session, call.identity.account, call.identity.displayName, OutgoingCallStateMachine(),
            isHeard: true, home)
        self.call = call
    }

    /// A predecessor's.
    convenience init(inheriting row: SessionRow, home: any CallHome) {
        self.init(
            row.id, row.clientSession, row.account, row.displayName, .inherited(isSent: row.isCallSent),
            isHeard: false, home)
    }

    private init(
        _ id: SessionID, _ clientSession: ClientSessionID, _ account: AddressOfRecord, _ displayName: String?,
        _ machine: OutgoingCallStateMachine, isHeard: Bool, _ home: any CallHome
    ) {
        self.id = id
        self.clientSession = clientSession
        self.account = account
        self.displayName = displayName
        self.machine = machine
        self.home = home
        possession = home.possession
        callID = SIPCallID.of(id, in: possession.deployment).description
        logger = possession.logger.with([.session: "\(clientSession)", .connection: "\(id.connection)"])
        voice = home.voice(of: id, base: nil, isHeard: isHeard)
        desk = RequestDesk(voice, isBusy: isHeard)
        handle = SessionHandle(
            id, possession: possession, points: (.callRecord, .callRegister, .callDetach), logger: logger)
        desk.isClosed = { [unowned self] in self.machine.isEnding }
        desk.takesLateCandidates = { [unowned self] in self.machine.answer == .ack }
        desk.serve = { [unowned self] request, sequence in serve(request, sequence) }
    }

    var outcome: CallOutcome { machine.outcome }
    var isEnding: Bool { machine.isEnding }
    var handleID: JanusHandleID? { handle.handleID }
    var ending: CallEnding? { CallEnding(creation: machine.answer, reason: machine.reason) }

    var row: SessionRow {
        SessionRow(
            id: id, slot: possession.owner.slot, clientSession: clientSession, account: account,
            displayName: displayName, role: .call, handle: machine.isSent ? handle.handleID : nil, callID: callID,
            isCallSent: machine.isSent)
    }

    // MARK: Being taken over

    /// Janus has been asked about a predecessor's call.
    ///
    /// - Parameter info: of the handle that its row names; nil: Janus has no such handle.
    func observed(_ info: HandleInfo?) {
        let seen = info.map(OutgoingCallStateMachine.Observation.init) ?? OutgoingCallStateMachine.Observation()
        perform(machine.observed(seen))
        if let found = seen.handle, machine.life.usable == found {
            handle.take(found) { [weak self] event, message in self?.received(event, message) }
        }
        guard let (told, requests) = waitingResync else { return }
        resync(told, requests)
    }

    func suspend() {
        voice.close()
        waitingResync = nil
    }

    func resync(_ told: ToldCall?, _ requests: [ListedRequest]) {
        let told = told ?? ToldCall()
        guard machine.state != .resuming else { return waitingResync = (told, requests) }
        waitingResync = nil
        voice.open()
        isReleased = false
        let pending = requests.first { $0.sequence == id.request }
        if case .call(let call)? = pending?.request, self.call == nil { self.call = call }
        if machine.state == .unsettled, pending != nil { desk.beginAgain() }
        perform(machine.resynced(told, isPending: pending != nil))
        for listed in requests where listed.sequence != id.request {
            desk.submit(listed.request, sequence: listed.sequence)
        }
        home.outbox.resynced(id)
    }

    // MARK: What the front door asks

    func dial() {
        logger.info("outgoing call created")
        perform(machine.callRequested())
    }

    func submit(_ request: WorkerRequest, sequence: RequestSequence) { desk.submit(request, sequence: sequence) }

    func end(_ reason: String) { perform(machine.ended(reason)) }

    func release() {
        isReleased = true
        perform(machine.released())
    }

    func vanish(_ reason: String) {
        perform(machine.handleVanished(reason))
        handle.forget()
    }

    private func serve(_ request: WorkerRequest, _ sequence: RequestSequence) {
        switch request {
        case .terminate:
            desk.close(with: sequence)
            perform(machine.terminateRequested())
        case .trickle(_, let candidates):
            // Between two servers there is none; Janus finds the client by what comes from it.
            guard handle.isAttached else { return desk.finish(sequence, .ack) }
            handle.trickle(candidates) { [self] in desk.finish(sequence, $0) }
        case .accept: desk.finish(sequence, .error("Cannot answer outgoing session \(clientSession)"))
        case .join, .feedAttach, .feedAnswer, .feedDetach, .update, .configureRoom, .releaseAccount, .invite, .register,
            .unregister, .call:
            desk.finish(sequence, .unknownSession)
        }
    }

    // MARK: What Janus says

    private func received(_ event: JanusEvent, _ message: SIPMessage?) {
        switch event.kind {
        case .plugin: received(plugin: event, message)
        case .webrtcUp:
            logger.info("media established")
            perform(machine.mediaUp())
        case .hangup(let reason): perform(machine.mediaHungUp(reason))
        case .detached: vanish("handle detached")
        case .slowLink, .media, .other: handle.note(event.kind)
        }
    }

    private func received(plugin event: JanusEvent, _ message: SIPMessage?) {
        let answer = event.description(of: "answer").map { SessionDescription($0) }
        switch handle.sipEvent(event) {
        case .registered: perform(machine.identified())
        case .registrationFailed(503, let reason): perform(machine.serverRefused("503 \(reason)"))
        case .registrationFailed(let code, let reason): perform(machine.identificationFailed("\(code) \(reason)"))
        case .calling(callID)?: perform(machine.calling())
        case .ringing, .proceeding: perform(machine.provisional())
        case .progress(let callID) where isOurs(callID): perform(machine.provisional(answer))
        case .accepted(let callID, let namesPeer) where isOurs(callID):
            logger.info("the call was answered")
            perform(machine.accepted(answer, namesPeer: namesPeer))
        case .hangup(let hangup) where hangup.callID == callID:
            logger.info("the call has ended", metadata: .keyed([.reason: hangup.text]))
            perform(machine.hungUp(hangup))
        case .incomingCall, .unreadableCall: perform(machine.intruded())
        case .failed(let error, _): failed(error, message)
        case .unknown(let kind): logger.warning("unknown event", metadata: .keyed([.event: kind]))
        case .calling, .progress, .accepted, .hangup, .registering, .unregistered, .missedCall, .declining,
            .hangingUp, .reset, .confirmation, nil:
            break
        }
    }

    private func isOurs(_ other: String?) -> Bool { other == nil || other == callID }

    private func failed(_ error: JanusError, _ message: SIPMessage?) {
        logger.warning("refused", metadata: .keyed([.error: error.reason]))
        switch message {
        case .register: perform(machine.identificationFailed(error.reason))
        case .call: perform(machine.dialRefused(error.reason))
        case .hangup, .unregister, .helper, .accept, .decline, .reset, .ask, nil: break
        }
    }

    // MARK: What the machine decides

    private func perform(_ new: [OutgoingCallStateMachine.Action]) {
        guard possession.isHeld else { return }
        actions.perform(new) { action in perform(action) }
    }

    private func perform(_ action: OutgoingCallStateMachine.Action) {
        switch action {
        case .lookUp: lookUp()
        case .record: record()
        case .attach(let transport): take(transport)
        case .discard: handle.discard()
        case .identify(let target): identify(over: target)
        case .noteSent(let handle): noteSent(handle)
        case .dial: sendCall()
        case .answerCall(let answer): desk.finish(id.request, answer)
        case .answerCallAgain(let answer): voice.answer(answer, to: id.request)
        case .tell(let state): voice.tell(.call(state))
        case .hangUp: hangUp()
        case .answerTerminates: desk.answerClosing(.ack)
        case .proxyFailed(let target): home.proxyFailed(target)
        case .start(let timer): start(timer)
        case .stop(let timer): timers.removeValue(forKey: timer)?.cancel()
        case .detach(let id): handle.detach(id) { [self] in perform(machine.detached()) }
        case .markEnded:
            home.markEnded(id, isMissed: false, at: .callMark) { [self] in perform(machine.marked()) }
        case .finish:
            desk.closed()
            for timer in timers.values { timer.cancel() }
            timers = [:]
            home.finished(self)
        }
    }

    private func start(_ timer: OutgoingCallStateMachine.Timer) {
        timers[timer]?.cancel()
        let time =
            switch timer {
            case .identify: Self.identifyTime
            case .settle: Self.settleTime
            case .ring: Self.ringTime
            case .hangup: Self.hangupTime
            }
        let bound = NIOLoopBound(self, eventLoop: possession.loop)
        timers[timer] = possession.loop.scheduleTask(in: time) {
            bound.value.timers[timer] = nil
            bound.value.perform(bound.value.machine.timerFired(timer))
        }
    }

    private func lookUp() {
        guard let call else { return perform(machine.lookupFailed("the call is not known any more")) }
        home.findProxies(for: call.uri) { [self] result in
            switch result {
            case .success(let targets): perform(machine.lookedUp(targets))
            case .failure(let failure): perform(machine.lookupFailed(failure.text))
            }
        }
    }

    private func record() {
        handle.record(row) { [self] result in
            switch result {
            case .success: perform(machine.recorded())
            case .failure: perform(machine.recordingFailed("the registry is not available"))
            }
        }
    }

    private func take(_ transport: SIPTransport) {
        home.handles.take(transport) { [self] result in
            guard possession.isHeld else { return }
            switch result {
            case .success(let id):
                handle.take(id) { [weak self] event, message in self?.received(event, message) }
                perform(machine.attached(id))
            case .failure(let error): perform(machine.attachFailed(error.reason))
            }
        }
    }

    private func identify(over target: ProxyTarget) {
        guard let call else { return perform(machine.identificationFailed("the call is not known any more")) }
        handle.message(
            .register, at: .callRegister,
            body: SIPBody.register(call.identity, over: target, isSent: false, isRefresh: true)
        ) { [self] result in
            if case .failure(let error) = result { perform(machine.identificationFailed(error.reason)) }
        }
    }

    private func noteSent(_ handle: JanusHandleID) {
        possession.faults.before(.callSent)
        let id = id
        possession.write { store, owner throws(RegistryError) in
            try store.callSent(id, handle: handle, owner: owner)
        } then: { [self] result in
            possession.faults.after(.callSent)
            switch result {
            case .success: perform(machine.sentNoted(handle))
            case .failure: perform(machine.sentNotNoted("the registry is not available"))
            }
        }
    }

    private func sendCall() {
        guard let call else { return perform(machine.dialRefused("the call is not known any more")) }
        handle.message(
            .call, at: .callSend, description: ("offer", call.offer), body: SIPBody.call(call.uri, callID: callID)
        ) { [self] result in
            switch result {
            case .success: perform(machine.dialled())
            case .failure(let error): perform(machine.dialRefused(error.reason))
            }
        }
    }

    private func hangUp() {
        handle.message(.hangup, at: .callHangup, body: SIPBody.hangup) { [self] _ in perform(machine.hangupTaken()) }
    }
}

extension OutgoingCallStateMachine.Observation {
    init(_ info: HandleInfo) {
        handle = info.handle
        phase =
            switch info.sip?.call {
            case .inviting: .inviting
            case .incall where info.sip?.peer != nil:
                .inCall(answer: info.local, isMediaUp: info.sip?.isEstablished ?? false)
            case .incall, .closing: .stuck
            // Not ours: somebody rings at a handle that waits.
            case .idle, .invited, nil: .idle
            }
    }
}
