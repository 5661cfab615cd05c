import Identity
import JSONText
import NIOCore
import Registry
import SIPLookup
import Sylkrtc
import Testing

@testable import Worker

/// A worker's slot with calls in it and nothing around them: what holds them writes down what it is told.
final class CallWorld: CallHome {
    let slotWorld: SlotWorld
    let pool: HandlePool
    var targets: Result<[ProxyTarget], ProxyLookupFailure> = .success([
        ProxyTarget(.udp, IPAddress(version4: 0x7F00_0001), 5060)
    ])
    private(set) var calls: [SessionID: any CallSession] = [:]
    private(set) var endings: [CallEnding?] = []
    private(set) var failedProxies: [ProxyTarget] = []
    private(set) var returned: [HandleUse] = []
    private(set) var missed: [Caller] = []
    private(set) var lookups: [String] = []

    var possession: SlotPossession { slotWorld.conferences.possession }
    var outbox: any Outbox { slotWorld.outbox }
    var handles: any OwnHandles { pool }
    var janus: FakeJanus { slotWorld.janus }
    var said: [String] { slotWorld.said }

    private init(_ slotWorld: SlotWorld, size: Int) {
        self.slotWorld = slotWorld
        pool = HandlePool(slotWorld.conferences.possession, size: size)
    }

    static func run(size: Int = 1, _ test: (CallWorld) throws -> Void) throws {
        try SlotWorld.run { slotWorld in
            let world = CallWorld(slotWorld, size: size)
            world.pool.open()
            world.settle()
            _ = slotWorld.janus.requests()
            try test(world)
            world.pool.close()
            world.calls = [:]
            #expect(slotWorld.janus.stuck == [], "no telephone rings or talks for nobody")
        }
    }

    func settle() { slotWorld.settle() }
    func advance(by amount: TimeAmount) { slotWorld.advance(by: amount) }

    // MARK: Calls

    /// Dials as the request 1 of connection 5.
    @discardableResult
    func dial(_ uri: String = "bob@phones.test") -> OutgoingCallSession {
        let call = OutgoingCallSession(session(5), calling(uri), home: self)
        calls[call.id] = call
        call.dial()
        settle()
        return call
    }

    func calling(_ uri: String = "bob@phones.test") -> WorkerRequest.Call {
        WorkerRequest.Call(
            session: client("outgoing"),
            identity: WorkerRequest.Identity(
                account: address("alice@phones.test"), displayName: "Alice", userAgent: nil, password: "abcd"),
            uri: uri, offer: sdp("offer of alice"))
    }

    /// The handle on which the last INVITE left.
    var dialledHandle: UInt64 { janus.dialled.last?.handle ?? 0 }

    /// Registered, with a handle on which calls come in.
    func registered() -> (SessionRow, JanusHandle<SIPMessage>) {
        let row = SessionRow(
            id: session(5, request: 1), slot: slot, clientSession: client("registration"),
            account: account("alice@phones.test"), role: .registration)
        let number = janus.addHandle(possession.janusSession.rawValue, opaque: "registration")
        janus.handles[number]?.isPhone = true
        let handle = JanusHandle<SIPMessage>(
            handle(number), session: possession.janusSession, gateway: possession.gateway
        ) { [weak self] event, message in self?.received(event, message) }
        handle.receiveEvents()
        registration = (row, handle)
        return (row, handle)
    }

    private var registration: (row: SessionRow, handle: JanusHandle<SIPMessage>)?
    private(set) var incoming: IncomingCallSession?
    private var random = SystemRandomNumberGenerator()

    private func received(_ event: JanusEvent, _ message: SIPMessage?) {
        guard let registration else { return }
        if let data = event.data, case .incomingCall(let call) = SIPEvent(data) {
            incoming?.supersede()
            let id = SessionID(
                connection: connection(5), request: RequestSequence.ofIncomingCall(using: &random))
            let session = IncomingCallSession(
                id, called: client("incoming"), call, of: registration.row, on: registration.handle, home: self)
            calls[id] = session
            incoming = session
            session.ring(event.description(of: "offer").map { SessionDescription($0) })
        } else {
            incoming?.received(event, message)
        }
    }

    func ask(_ call: any CallSession, _ request: WorkerRequest, _ number: UInt64) {
        call.submit(request, sequence: sequence(number))
        settle()
    }

    func row(of call: any CallSession) throws -> SessionRow? {
        try slotWorld.sessions().first { $0.id == call.id }
    }

    /// nil: the registry does not answer.
    func isMarked(_ call: any CallSession) -> Bool? { (try? row(of: call))?.ended }
    func isRecorded(_ call: any CallSession) -> Bool? { (try? slotWorld.sessions())?.contains { $0.id == call.id } }
    func notedHandle(of call: any CallSession) -> UInt64? { (try? row(of: call))?.handle?.rawValue }

    // MARK: CallHome

    func voice(of session: SessionID, base: SessionID?, isHeard: Bool) -> SessionVoice {
        slotWorld.conferences.voice(of: session, base: base, isHeard: isHeard)
    }

    func findProxies(for uri: String, completion: @escaping (Result<[ProxyTarget], ProxyLookupFailure>) -> Void) {
        lookups.append(uri)
        let bound = NIOLoopBound((self, completion), eventLoop: slotWorld.loop)
        slotWorld.loop.execute { bound.value.1(bound.value.0.targets) }
    }

    func proxyFailed(_ target: ProxyTarget) { failedProxies.append(target) }

    func markEnded(_ session: SessionID, isMissed: Bool, at point: FaultPoint, then: @escaping () -> Void) {
        slotWorld.conferences.markEnded(session, isMissed: isMissed, at: point, then: then)
    }

    func finished(_ call: any CallSession) {
        calls[call.id] = nil
        if incoming === call { incoming = nil }
        endings.append(call.ending)
    }

    func handleReturned(
        _ handle: JanusHandleID, from call: SessionID, of registration: SessionID, _ use: HandleUse
    ) { returned.append(use) }

    func missedCall(from caller: Caller, of registration: SessionID, by call: RequestSequence) { missed.append(caller) }
}
