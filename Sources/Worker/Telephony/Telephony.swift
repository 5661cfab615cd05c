import Identity
import Logging
import NIOCore
import Registry
import SIPLookup
import Sylkrtc
import Telemetry

/// Every registration and call of the slot. Requests come in here and go to the session they are about; calls that come in
/// go from their registration to here. Confined to the worker's core loop.
final class Telephony: CallHome {
    unowned let conferences: Conferences
    let possession: SlotPossession
    let pace: RegisterPace
    let pool: HandlePool
    private let proxies: any ProxyFinding
    var metrics: PhoneMetrics { conferences.phoneMetrics }
    var registrations: [SessionID: RegistrationSession] = [:]
    var calls: [SessionID: any CallSession] = [:]
    /// A predecessor's calls that came in, by the registration they came over; until Janus has been asked about their handles.
    var inheritedCalls: [SessionID: [IncomingCallSession]] = [:]
    /// Calls that a front door has not heard of, over or not: they are told together with their registration.
    var untold: Set<SessionID> = []
    /// What rows of sessions hold that clients have no name for.
    let nameless: ClientSessionID
    private var isPoolOpen = false
    private var random = SystemRandomNumberGenerator()

    init(_ conferences: Conferences, proxies: any ProxyFinding) {
        guard let nameless = ClientSessionID("registration") else { preconditionFailure("a name that is none") }
        self.nameless = nameless
        self.conferences = conferences
        self.proxies = proxies
        possession = conferences.possession
        pace = RegisterPace(loop: conferences.possession.loop, metrics: conferences.phoneMetrics)
        pool = HandlePool(conferences.possession, pace: pace)
    }

    var load: Int { registrations.count + calls.count }
    var rows: [SessionRow] { registrations.values.map(\.row) + calls.values.map(\.row) }

    // MARK: What calls need

    var outbox: any Outbox { conferences.outbox }
    var handles: any OwnHandles { pool }

    func voice(of session: SessionID, base: SessionID?, isHeard: Bool) -> SessionVoice {
        conferences.voice(of: session, base: base, isHeard: isHeard)
    }

    func findProxies(for uri: String, completion: @escaping (Result<[ProxyTarget], ProxyLookupFailure>) -> Void) {
        let noRoutes = ProxyLookupError.noRoutes(uri: uri.withoutPassword())
        guard let parsed = SIPURI(uri) else {
            return completion(.failure(ProxyLookupFailure(text: noRoutes.text)))
        }
        proxies.proxies(for: parsed) { [possession] result in
            guard possession.isHeld else { return }
            switch result {
            case .success(let targets) where targets.left.isEmpty:
                completion(.failure(ProxyLookupFailure(text: noRoutes.text)))
            case .success(let targets): completion(.success(targets.left))
            case .failure(let error): completion(.failure(ProxyLookupFailure(text: error.text)))
            }
        }
    }

    func proxyFailed(_ target: ProxyTarget) { proxies.failed(target) }

    func markEnded(_ session: SessionID, isMissed: Bool, at point: FaultPoint, then: @escaping () -> Void) {
        conferences.markEnded(session, isMissed: isMissed, at: point, then: then)
    }

    func finished(_ call: any CallSession) {
        guard calls.removeValue(forKey: call.id) != nil else { return }
        metrics.callEnded(CallDirection(call.row), call.outcome)
        // One that was missed is told with its registration all the same.
        if call.ending?.missed == nil { untold.remove(call.id) }
        guard let ending = call.ending else { return conferences.uncount(call.id) }
        conferences.forget(
            call.id,
            EndedSession(
                base: (call as? IncomingCallSession)?.registration, creation: ending.creation, reason: ending.reason,
                event: ending.farewell),
            call.voice, isReleased: call.isReleased)
    }

    func finished(_ registration: RegistrationSession) {
        guard registrations.removeValue(forKey: registration.id) != nil else { return }
        conferences.forget(
            registration.id, registration.ending, registration.voice, isReleased: registration.isReleased)
    }

    func handleReturned(
        _ handle: JanusHandleID, from call: SessionID, of registration: SessionID, _ use: HandleUse
    ) {
        registrations[registration]?.returned(handle, from: call, use)
    }

    func missedCall(from caller: Caller, of registration: SessionID, by call: RequestSequence) {
        guard let registration = registrations[registration] else { return }
        missed(caller, of: registration)
        registration.missed(caller, call.rawValue)
    }

    /// A call that Janus or we have turned away.
    func turnedAway(_ caller: Caller, of registration: RegistrationSession) {
        missedCall(from: caller, of: registration.id, by: .ofIncomingCall(using: &random))
    }

    func missed(_ caller: Caller, of registration: RegistrationSession) {
        metrics.missedCall()
        registration.logger.info("missed call", metadata: .keyed([.value: caller.uri]))
    }

    // MARK: Requests

    func submit(_ request: WorkerRequest, from connection: ConnectionID, sequence: RequestSequence) {
        func id(_ request: RequestSequence) -> SessionID { SessionID(connection: connection, request: request) }
        func refuse(_ answer: WorkerAnswer) { outbox.answer(answer, to: sequence, of: connection) }
        switch request {
        case .register(let register):
            let session = id(register.registration ?? sequence)
            if let registration = registrations[session] {
                // The same request again joins the step under way.
                if session.request != sequence { registration.submit(request, sequence: sequence) }
                return
            }
            guard register.registration == nil else { return refuse(.unknownSession) }
            guard mayBegin(session, refuse) else { return }
            let registration = RegistrationSession(session, register.identity, telephony: self)
            registrations[session] = registration
            conferences.count(session)
            registration.begin()
        case .unregister(let registration):
            // What is not registered needs no end (R04).
            guard let registration = registrations[id(registration)] else { return refuse(.ack) }
            registration.submit(request, sequence: sequence)
        case .call(let call):
            let session = id(sequence)
            guard calls[session] == nil, mayBegin(session, refuse) else { return }
            let outgoing = OutgoingCallSession(session, call, home: self)
            add(outgoing)
            outgoing.dial()
        case .accept(let target, _), .trickle(let target, _), .terminate(let target), .update(let target, _, _, _):
            guard let call = calls[id(target)] else { return refuse(.unknownSession) }
            call.submit(request, sequence: sequence)
        case .join, .feedAttach, .feedAnswer, .feedDetach, .configureRoom, .releaseAccount, .invite:
            refuse(.unknownSession)
        }
    }

    /// Whether there is place for another session.
    private func mayBegin(_ session: SessionID, _ refuse: (WorkerAnswer) -> Void) -> Bool {
        guard !conferences.isOverrun(by: session.connection) else {
            refuse(.error("too many sessions"))
            return false
        }
        guard !conferences.refusesRooms else {
            // Ask elsewhere: the front door has not seen the order yet.
            refuse(.notOwner(possession.owner.slot))
            return false
        }
        conferences.ended.remove(session)
        openPool()
        return true
    }

    /// Who has nothing to do with telephones keeps no handles for them.
    func openPool() {
        guard !isPoolOpen else { return }
        isPoolOpen = true
        pool.open()
    }

    private func add(_ call: any CallSession) {
        calls[call.id] = call
        conferences.count(call.id)
    }

    /// Whether a client can be shown a call: it knows one at a time for an account.
    func isFree(_ account: AddressOfRecord, on connection: ConnectionID) -> Bool {
        !calls.values.contains { $0.account == account && $0.id.connection == connection && !$0.isEnding }
    }

    /// Somebody calls.
    ///
    /// - Returns: the call, which is to ring; nil: there is no place for it.
    func incoming(
        _ call: SIPEvent.IncomingCall, on handle: JanusHandle<SIPMessage>, of registration: RegistrationSession
    ) -> IncomingCallSession? {
        guard !conferences.isOverrun(by: registration.id.connection) else { return nil }
        // 32 hexadecimal digits, as of a UUID (E03).
        let name = (0..<32).map { _ in String(Int.random(in: 0..<16, using: &random), radix: 16) }.joined()
        guard let clientSession = ClientSessionID(name) else { return nil }
        let id = SessionID(connection: registration.id.connection, request: .ofIncomingCall(using: &random))
        let incoming = IncomingCallSession(
            id, called: clientSession, call, of: registration.row, on: handle, home: self)
        add(incoming)
        return incoming
    }

    // MARK: Ends

    func has(_ session: SessionID) -> Bool { registrations[session] != nil || calls[session] != nil }

    func release(_ session: SessionID) {
        calls[session]?.release()
        registrations[session]?.release()
    }

    /// Everything of the account that was begun before ends; what was answered, too.
    func removed(_ account: AddressOfRecord, from connection: ConnectionID, before sequence: RequestSequence) {
        for call in calls.values where call.account == account && call.id.connection == connection {
            let begun = (call as? IncomingCallSession)?.registration.request ?? call.id.request
            if begun < sequence { call.end(CallEnding.withAccount) }
        }
        for registration in registrations.values
        where registration.account == account && registration.id.connection == connection
            && registration.id.request < sequence
        {
            registration.accountRemoved()
        }
    }

    /// Ends every call, and gives every registration to another worker.
    func endAll(_ reason: String) {
        for call in calls.values { call.end(reason) }
        for registration in registrations.values { registration.lose(reason) }
    }

    /// Sessions refer to this, and it to them.
    func close() {
        pool.close()
        registrations = [:]
        calls = [:]
    }

    // MARK: Sweeping

    /// The handles of registrations, their helpers and calls, and those that wait in the pool.
    var handlesInUse: Set<JanusHandleID> {
        var handles = pool.handles
        handles.formUnion(calls.values.lazy.compactMap(\.handleID))
        for registration in registrations.values { handles.formUnion(registration.lines.handles) }
        return handles
    }

    /// - Parameter purpose: what the handle is marked with.
    func isKept(_ handle: JanusHandleID, for purpose: OpaqueID.Purpose) -> Bool {
        if pool.holds(handle) || calls.values.contains(where: { $0.handleID == handle }) { return true }
        switch purpose {
        case .session(let session), .spare(of: let session):
            guard let registration = registrations[session] else { return false }
            // One that is being attached may be listed before its attach is answered.
            return registration.isAttaching || registration.lines[handle] != nil
        case .pooled: return pool.isAttaching
        case .rooms: return false
        }
    }
}
