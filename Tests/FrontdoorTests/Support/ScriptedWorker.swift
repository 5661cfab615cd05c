import Bus
import Identity
import NIOCore
import Registry
import Sylkrtc

/// A worker's end of the bus that does what the test says, on the test's loop.
final class ScriptedWorker {
    struct Heard: Equatable {
        let kind: MessageKind
        let connection: ConnectionID?
        let request: RequestSequence?
        let body: String
        var deadline: UInt32?
        var isRepeat = false

        /// `list`, `list end`, `request 7 again`
        var short: String {
            let end = kind == .list && list?.isLast == true ? " end" : ""
            return "\(kind)\(request.map { " \($0)" } ?? "")\(isRepeat ? " again" : "")\(end)"
        }

        /// nil: it is none.
        var list: ConnectionList? { kind == .list ? try? ConnectionList.decode(Array(body.utf8)) : nil }
    }

    let slot: SlotID
    let endpoint: String
    /// Which of its lives this is.
    private(set) var incarnation = Incarnation(rawValue: 200)
    var load = 0
    var isJanusUp = true
    /// What `hello` and heartbeats say instead of the truth.
    var statusBody: [UInt8]?
    /// It hangs: no sign of life.
    var isSilent = false
    /// It says nothing of what it takes until it beats.
    var isDeaf = false
    /// The link that was probed last.
    private(set) var link: RoutingID?
    private let network: InMemoryNetwork
    private let loop: any EventLoop
    private var socket: (any RouterSocket)?
    private var machines: [RoutingID: RouterLinkStateMachine] = [:]
    private var heard: [Heard] = []

    init(_ slot: SlotID, _ network: InMemoryNetwork, on loop: any EventLoop, endpoint: String? = nil) throws {
        self.slot = slot
        self.endpoint = endpoint ?? "ipc:///\(slot)"
        self.network = network
        self.loop = loop
        try start()
    }

    var row: SlotRow {
        SlotRow(
            slot: slot, incarnation: incarnation, endpoint: endpoint, janus: "ws://127.0.0.1:8188", leaseUntil: .now(),
            load: load, draining: false, weight: 1, servesJanus: isJanusUp)
    }

    var isLinked: Bool { link.flatMap { machines[$0]?.isUp } ?? false }

    /// What came since this was last asked, without signs of life.
    func taken() -> [Heard] {
        defer { heard = [] }
        return heard.filter { $0.kind != .heartbeat }
    }

    /// How many signs of life came since anything was last asked.
    var heartbeats: Int { heard.count { $0.kind == .heartbeat } }

    // MARK: Living and dying

    func start() throws {
        let bound = NIOLoopBound(self, eventLoop: loop)
        socket = try network.bind(endpoint, on: loop) { id, message in bound.value.received(message, from: id) }
    }

    /// The process dies. The front door's socket notices nothing.
    func die() {
        socket?.close()
        socket = nil
        machines = [:]
        link = nil
    }

    /// Another process takes the slot.
    func isReplaced() throws {
        die()
        incarnation = Incarnation(rawValue: incarnation.rawValue + 1)
        try start()
    }

    func beat() {
        guard !isSilent else { return }
        for id in machines.keys { send(.heartbeat, status, to: id) }
    }

    // MARK: Speaking

    func answer(_ request: RequestSequence, of connection: ConnectionID, _ answer: WorkerAnswer = .ack) {
        send(.answer, answer.encoded, connection, request)
    }

    func tell(_ session: SessionID, _ event: WorkerEvent) {
        send(.event, event.encoded, session.connection, session.request)
    }

    func invite(_ connection: ConnectionID, _ invitation: Invitation) {
        send(.invitation, invitation.encoded, connection)
    }

    func resynced(_ session: SessionID) { send(.resynced, [], session.connection, session.request) }

    /// On the newest link.
    func send(
        _ kind: MessageKind, _ body: [UInt8] = [], _ connection: ConnectionID? = nil, _ request: RequestSequence? = nil
    ) {
        if let link { send(kind, body, connection, request, to: link) }
    }

    /// Bytes that are no message.
    func sendNonsense(_ bytes: [UInt8]) {
        if let link { _ = socket?.send(ByteBuffer(bytes: bytes), to: link) }
    }

    /// From now on everything vanishes on the way, in both directions.
    func cut() {
        if let link { network.cut(link, at: endpoint) }
    }

    /// The next message to the front door vanishes on the way.
    func loseNext() {
        if let link { network.dropNext(.toFrontdoor, link, at: endpoint) }
    }

    private var status: [UInt8] {
        statusBody ?? WorkerStatus(slot: slot, load: load, isJanusUp: isJanusUp).encoded
    }

    private func send(
        _ kind: MessageKind, _ body: [UInt8], _ connection: ConnectionID? = nil, _ request: RequestSequence? = nil,
        to id: RoutingID
    ) {
        guard let envelope = machines[id]?.stamp(kind, connection: connection, request: request) else { return }
        var message = ByteBuffer()
        envelope.encode(into: &message)
        message.writeBytes(body)
        if socket?.send(message, to: id) != .sent { machines[id] = nil }
    }

    // MARK: Listening

    private func received(_ message: ByteBuffer, from id: RoutingID) {
        guard message.readableBytes > 0 else { return probed(by: id) }
        var message = message
        guard let envelope = try? Envelope.decode(from: &message) else { return }
        switch machines[id]?.received(envelope, at: loop.now) {
        case .deliver:
            heard.append(
                Heard(
                    kind: envelope.kind, connection: envelope.connection, request: envelope.request,
                    body: String(buffer: message), deadline: envelope.deadline, isRepeat: envelope.isRepeat))
            if !isDeaf, machines[id]?.unsaid ?? 0 >= BusLimits.acknowledgedMessages { send(.heartbeat, status, to: id) }
        case .discard, nil: break
        case .giveUp: machines[id] = nil
        }
    }

    private func probed(by id: RoutingID) {
        var machine = RouterLinkStateMachine(worker: incarnation, peer: id)
        guard machine.probed(at: loop.now) == .sendHello else { return }
        machines[id] = machine
        link = id
        send(.hello, status)
    }
}
