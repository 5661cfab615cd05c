import Bus
import Identity
import JSONText
import NIOCore
import Sylkrtc

/// A front door's loop with its link to one worker: it keeps the link as the real one does, says what the test wants, and
/// writes down what it is told, like ``RecordingOutbox``.
final class ScriptedFrontdoor {
    let owner: FrontdoorLoopID
    private let network: InMemoryNetwork
    private let endpoint: String
    private let loop: TestLoop
    private var machine: DealerLinkStateMachine
    private var socket: (any DealerSocket)?
    private var timer: RepeatedTask?
    private var lines: [String] = []

    /// The sessions it names in its list.
    var holds: [SessionID] = []
    /// Keeps itself to heartbeats and acknowledgements.
    var isMute = false
    private(set) var number: UInt32 = 0
    private(set) var status: WorkerStatus?
    /// Why links were given up.
    private(set) var losses: [String] = []
    private(set) var hellos = 0

    init(_ owner: FrontdoorLoopID = frontdoor, _ network: InMemoryNetwork, at endpoint: String, on loop: TestLoop) {
        self.owner = owner
        self.network = network
        self.endpoint = endpoint
        self.loop = loop
        machine = DealerLinkStateMachine(frontdoor: owner.incarnation, link: 0, openedAt: loop.now)
        timer = loop.scheduleRepeatedTask(initialDelay: LinkTiming.tick, delay: LinkTiming.tick) { [bound] _ in
            bound().timerFired()
        }
    }

    var routingID: RoutingID { RoutingID(owner: owner, link: number) }
    var isUp: Bool { machine.isUp }

    func transcript() -> [String] {
        defer { lines = [] }
        return lines
    }

    /// Opens the next link.
    func connect(as number: UInt32? = nil) throws {
        self.number = number ?? self.number + 1
        let number = self.number
        socket?.close()
        machine = DealerLinkStateMachine(frontdoor: owner.incarnation, link: number, openedAt: loop.now)
        socket = try network.connect(endpoint, as: routingID, on: loop) { [weak self] message in
            guard let self, self.number == number else { return }
            received(message)
        }
    }

    /// The process dies.
    func die() {
        timer?.cancel()
        socket?.close()
        socket = nil
    }

    // MARK: Saying

    func request(_ request: WorkerRequest, _ connectionNumber: UInt64, _ number: UInt64) {
        send(.request, request.encoded, connection(connectionNumber, of: owner), sequence(number))
    }

    func send(
        _ kind: MessageKind, _ body: [UInt8] = [], _ connection: ConnectionID? = nil, _ request: RequestSequence? = nil
    ) {
        guard machine.isUp else { return lines.append("not up") }
        let envelope = machine.stamp(kind, connection: connection, request: request)
        var message = ByteBuffer()
        envelope.encode(into: &message)
        message.writeBytes(body)
        if socket?.send(message) != .sent { machine.notSent(envelope) }
    }

    /// Bytes as they are.
    func sendRaw(_ bytes: [UInt8]) { _ = socket?.send(ByteBuffer(bytes: bytes)) }

    // MARK: Hearing

    private var bound: @Sendable () -> ScriptedFrontdoor {
        let bound = NIOLoopBound(self, eventLoop: loop)
        return { bound.value }
    }

    private func timerFired() {
        guard !isMute else { return }
        switch machine.timerFired(at: loop.now) {
        case .none: break
        case .sendHeartbeat: send(.heartbeat)
        case .giveUp(let reason): lost("\(reason)")
        }
    }

    private func received(_ message: ByteBuffer) {
        guard !isMute else { return }
        var message = message
        guard let envelope = try? Envelope.decode(from: &message) else { return lost("unreadable") }
        let body = Array(message.readableBytesView)
        switch machine.received(envelope, at: loop.now) {
        case .sendList:
            hellos += 1
            status = try? WorkerStatus.decode(body)
            send(
                .list, ConnectionList(sessions: holds.map { .init(session: $0, told: .publisher(ToldState())) }).encoded
            )
        case .deliver: heard(envelope, body)
        case .discard: break
        case .giveUp(let reason): lost("\(reason)")
        }
    }

    private func heard(_ envelope: Envelope, _ body: [UInt8]) {
        let about = "\(envelope.connection?.number ?? 0)/\(envelope.request?.rawValue ?? 0)"
        switch envelope.kind {
        case .answer: lines.append("\(about) \((try? WorkerAnswer.decode(body).line) ?? "?")")
        case .event: lines.append("\(about): \((try? WorkerEvent.decode(body).line) ?? "?")")
        case .heartbeat: status = try? WorkerStatus.decode(body)
        case .hello, .list, .request, .resynced, .release, .gone: lines.append("\(envelope.kind)?")
        }
    }

    private func lost(_ reason: String) {
        losses.append(reason)
        socket?.close()
        socket = nil
        status = nil
    }
}
