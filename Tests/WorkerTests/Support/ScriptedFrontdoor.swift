import Bus
import Identity
import JSONText
import NIOCore
import Sylkrtc

/// A front door's loop with its link to one worker: it keeps the link as the real one does, says what the test wants, and
/// writes down what it is told, like ``RecordingOutbox``.
///
/// On a new link it lists what it holds: its sessions with what their clients have been told, and the requests that nobody
/// has answered.
final class ScriptedFrontdoor {
    let owner: FrontdoorLoopID
    private let network: any BusNetwork
    private let endpoint: String
    private let loop: TestLoop
    private var machine: DealerLinkStateMachine
    private var socket: (any DealerSocket)?
    private var timer: RepeatedTask?
    private var lines: [String] = []

    /// What it would list.
    var book = ToldBook()
    /// A lost link is replaced at once.
    var isPersistent = false
    /// Keeps itself to heartbeats and acknowledgements.
    var isMute = false
    private var isDead = false
    /// Whom it has taken invitations for: what comes again is for nobody.
    private(set) var invited: Set<Taken> = []

    struct Taken: Hashable {
        let source: Invitation.Source
        let account: AddressOfRecord
        let connection: ConnectionID
    }

    private(set) var number: UInt32 = 0
    private(set) var status: WorkerStatus?
    /// Why links were given up.
    private(set) var losses: [String] = []
    private(set) var hellos = 0

    init(_ owner: FrontdoorLoopID = frontdoor, _ network: any BusNetwork, at endpoint: String, on loop: TestLoop) {
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
        isDead = true
        timer?.cancel()
        socket?.close()
        socket = nil
    }

    // MARK: Saying

    /// Sent at once, or with the next list, or when its session is up to date.
    func request(_ request: WorkerRequest, _ connectionNumber: UInt64, _ number: UInt64) {
        let waiting = book.asked(request, connection(connectionNumber, of: owner), sequence(number))
        if machine.isUp, !book.awaiting.contains(waiting.session) { send(waiting) }
    }

    /// The client has closed its connection.
    func close(_ connectionNumber: UInt64) {
        let connection = connection(connectionNumber, of: owner)
        book.forget(connection)
        if machine.isUp { send(.gone, [], connection) }
    }

    /// Its creating request is answered with a deadline error: the worker owes its end.
    func giveUp(_ connectionNumber: UInt64, _ number: UInt64) {
        let connection = connection(connectionNumber, of: owner)
        book.giveUp(SessionID(connection: connection, request: sequence(number)))
        if machine.isUp { send(.release, [], connection, sequence(number)) }
    }

    func send(
        _ kind: MessageKind, _ body: [UInt8] = [], _ connection: ConnectionID? = nil,
        _ request: RequestSequence? = nil, isRepeat: Bool = false
    ) {
        guard machine.isUp else { return lines.append("not up") }
        let envelope = machine.stamp(kind, connection: connection, request: request, isRepeat: isRepeat)
        var message = ByteBuffer()
        envelope.encode(into: &message)
        message.writeBytes(body)
        if socket?.send(message) != .sent { machine.notSent(envelope) }
    }

    /// Bytes as they are.
    func sendRaw(_ bytes: [UInt8]) { _ = socket?.send(ByteBuffer(bytes: bytes)) }

    /// A request as it would leave on this link; it does not.
    func rawRequest(_ request: WorkerRequest, _ connectionNumber: UInt64, _ number: UInt64) -> [UInt8] {
        let envelope = machine.stamp(
            .request, connection: connection(connectionNumber, of: owner), request: sequence(number))
        machine.notSent(envelope)
        var message = ByteBuffer()
        envelope.encode(into: &message)
        message.writeBytes(request.encoded)
        return Array(message.readableBytesView)
    }

    private func send(_ waiting: ToldBook.Waiting) {
        send(
            .request, waiting.request.encoded, waiting.connection, waiting.sequence, isRepeat: waiting.isSent)
        book.sent(waiting)
    }

    private func list() {
        let (sessions, waiting) = book.listed()
        guard !sessions.isEmpty || !waiting.isEmpty || !book.releases.isEmpty else {
            return send(.list, ConnectionList().encoded)
        }
        for part in ConnectionList.parts(
            sessions: sessions, releases: book.releases.sorted { $0.description < $1.description })
        {
            send(.list, part.encoded)
        }
        if sessions.isEmpty, book.releases.isEmpty { send(.list, ConnectionList(isLast: false).encoded) }
        for request in waiting { send(request) }
        send(.list, ConnectionList().encoded)
    }

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
            list()
        case .deliver:
            heard(envelope, body)
            if machine.isUp, machine.unsaid >= BusLimits.acknowledgedMessages { send(.heartbeat) }
        case .discard: break
        case .giveUp(let reason): lost("\(reason)")
        }
    }

    private func heard(_ envelope: Envelope, _ body: [UInt8]) {
        let about = "\(envelope.connection?.number ?? 0)/\(envelope.request?.rawValue ?? 0)"
        switch envelope.kind {
        case .answer:
            guard let answer = try? WorkerAnswer.decode(body), let connection = envelope.connection,
                let sequence = envelope.request
            else { return lines.append("\(about) ?") }
            lines.append("\(about) \(answer.line)")
            book.answered(answer, connection, sequence)
        case .event:
            guard let event = try? WorkerEvent.decode(body), let connection = envelope.connection,
                let request = envelope.request
            else { return lines.append("\(about): ?") }
            if book.told(event, SessionID(connection: connection, request: request)) {
                lines.append("\(about): \(event.line)")
            }
        case .heartbeat: status = try? WorkerStatus.decode(body)
        case .resynced:
            lines.append("\(about) resynced")
            guard let connection = envelope.connection, let request = envelope.request else { return }
            for waiting in book.resynced(SessionID(connection: connection, request: request)) { send(waiting) }
        case .invitation:
            guard let invitation = try? Invitation.decode(body), let connection = envelope.connection else {
                return lines.append("\(about): ?")
            }
            let taken = Taken(source: invitation.source, account: invitation.account, connection: connection)
            if invited.insert(taken).inserted { lines.append("\(about): \(invitation.line)") }
            send(.heartbeat)
        case .hello, .list, .request, .release, .gone, .unrecognized: lines.append("\(envelope.kind)?")
        }
    }

    private func lost(_ reason: String) {
        losses.append(reason)
        socket?.close()
        socket = nil
        status = nil
        if isPersistent, !isDead { try? connect() }
    }
}
