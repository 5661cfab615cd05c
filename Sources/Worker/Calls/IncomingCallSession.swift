import Identity
import JSONText
import Logging
import NIOCore
import Registry
import Sylkrtc
import Telemetry

/// An incoming call's shell: it performs what ``IncomingCallStateMachine`` decides. Its handle is its registration's, which
/// passes on what Janus says there (``received(_:_:)``). Confined to the worker's core loop.
final class IncomingCallSession: CallSession {
    /// D35. Janus may take longer: ``RegistrationSession/endTime``.
    static let terminationTime = TimeAmount.seconds(5)

    let id: SessionID
    let clientSession: ClientSessionID
    /// Over which it came in.
    let registration: SessionID
    let account: AddressOfRecord
    let caller: Caller
    let callID: String
    private(set) var isReleased = false
    let voice: SessionVoice

    private let displayName: String?
    private let recordedHandle: JanusHandleID?
    private let home: any CallHome
    private let possession: SlotPossession
    private var machine: IncomingCallStateMachine
    private let actions = ActionQueue<IncomingCallStateMachine.Action>()
    private let desk: RequestDesk
    /// How the registration's client is told of it.
    private let bell: SessionVoice
    private var handle: JanusHandle<SIPMessage>?
    private var slowLinks = SlowLinks()
    private var answering: RequestSequence?
    private var timer: Scheduled<Void>?
    private let logger: Logger
    /// What its front door said before Janus had been asked.
    private var waitingResync: (told: ToldCall?, requests: [ListedRequest])?

    /// - Parameters:
    ///   - id: of the registration's connection (``RequestSequence/ofIncomingCall(using:)``).
    ///   - registration: the row of the registration that it came in over.
    ///   - handle: on which it came in; the call's until ``CallHome/handleReturned(_:from:of:_:)``.
    convenience init(
        _ id: SessionID, called clientSession: ClientSessionID, _ call: SIPEvent.IncomingCall,
        of registration: SessionRow, on handle: JanusHandle<SIPMessage>, home: any CallHome
    ) {
        let row = SessionRow(
            id: id, slot: registration.slot, clientSession: clientSession, account: registration.account,
            displayName: registration.displayName, role: .call, parent: registration.id, handle: handle.id,
            callID: call.callID, caller: call.caller.uri, callerName: call.caller.displayName)
        self.init(row, of: registration.id, IncomingCallStateMachine(), isHeard: true, home)
        self.handle = handle
    }

    /// A predecessor's.
    ///
    /// - Returns: nil when the row is not an incoming call's.
    convenience init?(inheriting row: SessionRow, home: any CallHome) {
        guard row.role == .call, let registration = row.parent else { return nil }
        self.init(row, of: registration, .inherited, isHeard: false, home)
    }

    private init(
        _ row: SessionRow, of registration: SessionID, _ machine: IncomingCallStateMachine, isHeard: Bool,
        _ home: any CallHome
    ) {
        id = row.id
        clientSession = row.clientSession
        self.registration = registration
        account = row.account
        displayName = row.displayName
        caller = Caller(uri: row.caller ?? "", displayName: row.callerName ?? "")
        callID = row.callID ?? ""
        recordedHandle = row.handle
        self.machine = machine
        self.home = home
        possession = home.possession
        logger = possession.logger.with([.session: "\(row.clientSession)", .connection: "\(row.id.connection)"])
        voice = home.voice(of: id, base: nil, isHeard: isHeard)
        bell = home.voice(of: id, base: registration, isHeard: isHeard)
        desk = RequestDesk(voice, isBusy: false)
        desk.isClosed = { [unowned self] in self.machine.isEnding }
        desk.takesLateCandidates = { true }
        desk.serve = { [unowned self] request, sequence in serve(request, sequence) }
    }

    var outcome: CallOutcome { machine.outcome }
    var isEnding: Bool { machine.isEnding }
    /// The client has answered, or is at it.
    var isAnswered: Bool { machine.isAnswered }
    var handleID: JanusHandleID? { handle?.id }

    var ending: CallEnding? {
        guard machine.isRecorded else { return nil }
        return CallEnding(creation: .ack, reason: machine.reason, missed: machine.isMissed ? caller : nil)
    }

    var row: SessionRow {
        SessionRow(
            id: id, slot: possession.owner.slot, clientSession: clientSession, account: account,
            displayName: displayName, role: .call, parent: registration, handle: handle?.id ?? recordedHandle,
            callID: callID, caller: caller.uri, callerName: caller.displayName)
    }

    // MARK: Coming in and being taken over

    /// - Parameter offer: nil: none came along (D30). One that is longer than clients' may be is none.
    func ring(_ offer: SessionDescription?) {
        logger.info("incoming call")
        let usable = offer.flatMap { $0.text.bytes.count <= MessageLimits.sessionDescription ? $0 : nil }
        perform(machine.invited(usable))
    }

    /// Janus has been asked about a predecessor's call.
    ///
    /// - Parameters:
    ///   - info: of the handle that its row names; nil: Janus has no such handle.
    ///   - handle: the same, as the registration uses it.
    func observed(_ info: HandleInfo?, on handle: JanusHandle<SIPMessage>?) {
        self.handle = handle
        let seen = handle == nil ? .gone : info.map(IncomingCallStateMachine.Observation.init) ?? .gone
        perform(machine.observed(seen))
        // What rings may have come after ours was over.
        if case .ringing = seen { handle?.message(.ask, body: SIPBody.ask) { _ in } }
        guard let (told, requests) = waitingResync else { return }
        resync(told, requests)
    }

    func suspend() {
        voice.close()
        bell.close()
        waitingResync = nil
    }

    func resync(_ told: ToldCall?, _ requests: [ListedRequest]) {
        guard machine.state != .resuming else { return waitingResync = (told, requests) }
        waitingResync = nil
        voice.open()
        bell.open()
        isReleased = false
        perform(machine.resynced(told))
        for listed in requests { desk.submit(listed.request, sequence: listed.sequence) }
        if told != nil { home.outbox.resynced(id) }
    }

    // MARK: What the front door asks

    func submit(_ request: WorkerRequest, sequence: RequestSequence) { desk.submit(request, sequence: sequence) }

    func end(_ reason: String) { perform(machine.ended(reason)) }

    func release() {
        isReleased = true
        perform(machine.released())
    }

    func vanish(_ reason: String) {
        handle = nil
        perform(machine.handleVanished(reason))
    }

    /// Another call has come in on its handle (D29).
    func supersede() { perform(machine.superseded()) }

    private func serve(_ request: WorkerRequest, _ sequence: RequestSequence) {
        switch request {
        case .accept(_, let answer):
            guard machine.awaitsAnswer else {
                return desk.finish(
                    sequence, .error("Invalid state for answering session \(clientSession): \(stateName)"))
            }
            answering = sequence
            perform(machine.answered(answer))
        case .terminate:
            desk.close(with: sequence)
            perform(machine.terminateRequested())
        case .trickle(_, let candidates):
            guard let handle else { return desk.finish(sequence, .unknownSession) }
            handle.trickle(candidates) { [self] in desk.finish(sequence, $0) }
        case .join, .feedAttach, .feedAnswer, .feedDetach, .update, .configureRoom, .releaseAccount, .invite, .register,
            .unregister, .call:
            desk.finish(sequence, .unknownSession)
        }
    }

    /// As clients know the states (protocol page, section 16.1).
    private var stateName: String {
        switch machine.stage {
        case .nothing, .progress: machine.state == .accepted ? "accepted" : "connecting"
        case .accepted: "accepted"
        case .established: "established"
        case .terminated: "terminated"
        }
    }

    // MARK: What Janus says

    /// Something that happened on its handle. What is about the registration is passed over.
    func received(_ event: JanusEvent, _ message: SIPMessage?) {
        switch event.kind {
        case .plugin:
            guard event.plugin == JanusServerInfo.sipPlugin, let data = event.data else { return }
            received(SIPEvent(data), message)
        case .webrtcUp:
            logger.info("media established")
            perform(machine.mediaUp())
        case .hangup(let reason): perform(machine.mediaHungUp(reason))
        case .detached: vanish("handle detached")
        case .slowLink(let uplink):
            guard let direction = slowLinks.reported(uplink: uplink, at: possession.loop.now) else { break }
            logger.info("slow link", metadata: .keyed([.value: direction.rawValue]))
        case .media, .other: break
        }
    }

    private func received(_ event: SIPEvent, _ message: SIPMessage?) {
        switch event {
        case .accepted(let other, _) where other == nil || other == callID:
            logger.info("the call was answered")
            perform(machine.accepted())
        case .hangup(let hangup) where hangup.callID == callID:
            logger.info("the call has ended", metadata: .keyed([.reason: hangup.text]))
            perform(machine.hungUp(hangup))
        case .failed(let error, let other):
            switch message {
            case .accept: perform(machine.acceptFailed(error.reason))
            case .ask: if let other, other != callID { perform(machine.replaced()) }
            case .register, .unregister, .helper, .call, .decline, .hangup, .reset, nil: break
            }
        case .accepted, .hangup, .registering, .registered, .registrationFailed, .unregistered, .calling, .ringing,
            .proceeding, .progress, .incomingCall, .unreadableCall, .missedCall, .declining, .hangingUp, .reset,
            .confirmation, .unknown:
            break
        }
    }

    // MARK: What the machine decides

    private func perform(_ new: [IncomingCallStateMachine.Action]) {
        guard possession.isHeld else { return }
        actions.perform(new) { action in perform(action) }
    }

    private func perform(_ action: IncomingCallStateMachine.Action) {
        switch action {
        case .record: record()
        case .present(let offer):
            bell.tell(.incomingCall(call: id.request, client: clientSession, caller: caller, offer: offer))
        case .accept(let answer): accept(answer)
        case .answerAccept(let answer):
            guard let sequence = answering else { return }
            answering = nil
            desk.finish(sequence, answer)
        case .tell(let state): voice.tell(.call(state))
        case .tellTerminated(let reason, let isMissed):
            voice.tell(.call(.terminated(reason: reason, missed: isMissed ? caller : nil)))
        case .tellMissed: home.missedCall(from: caller, of: registration, by: id.request)
        case .decline(let code):
            send(.decline, at: .callDecline, SIPBody.decline(code)) { [self] in perform(machine.terminationTaken()) }
        case .hangUp:
            send(.hangup, at: .callHangup, SIPBody.hangup) { [self] in perform(machine.terminationTaken()) }
        case .reset: handle?.resetWhenCleared(possession)
        case .answerTerminates: desk.answerClosing(.ack)
        case .startTimer:
            timer?.cancel()
            let bound = NIOLoopBound(self, eventLoop: possession.loop)
            timer = possession.loop.scheduleTask(in: Self.terminationTime) {
                bound.value.perform(bound.value.machine.timedOut())
            }
        case .stopTimer: timer?.cancel()
        case .returnHandle(let use):
            guard let handle else { return }
            self.handle = nil
            home.handleReturned(handle.id, from: id, of: registration, use)
        case .markEnded:
            home.markEnded(id, isMissed: machine.isMissed, at: .callMark) { [self] in perform(machine.marked()) }
        case .finish:
            desk.closed()
            timer?.cancel()
            home.finished(self)
        }
    }

    private func record() {
        let row = row
        possession.faults.before(.callRecord)
        possession.write { store, owner throws(RegistryError) in
            try store.recordSession(row, owner: owner)
        } then: { [self] result in
            possession.faults.after(.callRecord)
            switch result {
            case .success: perform(machine.recorded())
            case .failure(let error):
                logger.error("the call could not be recorded", metadata: .keyed([.error: "\(error)"]))
                perform(machine.recordingFailed())
            }
        }
    }

    private func accept(_ answer: SessionDescription) {
        guard let handle else { return perform(machine.acceptRefused("there is no handle")) }
        possession.faults.before(.callAccept)
        handle.message(.accept, description: ("answer", answer), body: SIPBody.accept) { [self] result in
            possession.faults.after(.callAccept)
            switch result {
            case .success: perform(machine.acceptTaken())
            // Janus has one: what the handle says next is of that.
            case .failure(let error) where error.saysAlreadyDone: perform(machine.acceptTaken())
            case .failure(let error): perform(machine.acceptRefused(error.reason))
            }
        }
    }

    /// Accepted or refused: what counts is what the handle says then.
    private func send(
        _ message: SIPMessage, at point: FaultPoint?, _ body: @escaping SIPBody.Body, then: @escaping () -> Void
    ) {
        guard let handle else { return then() }
        possession.faults.before(point)
        handle.message(message, body: body) { [possession] result in
            possession.faults.after(point)
            if case .failure(let error) = result {
                possession.logger.warning("refused", metadata: .keyed([.error: error.reason]))
            }
            then()
        }
    }
}

extension IncomingCallStateMachine.Observation {
    init(_ info: HandleInfo) {
        switch info.sip?.call {
        case .invited: self = info.local.map { .ringing(offer: $0) } ?? .gone
        case .incall where info.sip?.peer != nil: self = .inCall(isMediaUp: info.sip?.isEstablished ?? false)
        case .incall, .closing: self = .stuck
        // Janus forgets who called when the end is ours, and remembers it otherwise.
        case .idle where info.sip?.peer == nil: self = .declined
        // An outgoing call of another session's.
        case .inviting, .idle, nil: self = .gone
        }
    }
}
