import Identity
import Logging
import NIOCore
import Telemetry

/// Keeps one WebSocket to Janus open: reconnects within a second for as long as it runs (protocol page, D20).
final class JanusLink {
    /// Between a loss and the next attempt.
    static let retryDelay = TimeAmount.milliseconds(250)
    /// Refused attempts in a row after which Janus counts as dead: a second's worth, because a restarted one is back sooner.
    static let patience = 5
    /// How often deadlines are looked at.
    static let timerInterval = TimeAmount.milliseconds(250)

    struct Settings {
        let address: JanusAddress
        let subprotocol: String
        let secretName: StaticString
        let secret: String?
        var requestTime = JanusGateway.standardRequestTime
    }

    private let settings: Settings
    private let connector: any JanusConnector
    private let loop: any EventLoop
    private let metrics: JanusMetrics
    private let trace: JanusTrace?
    private let logger: Logger
    private let transactionPrefix: String
    private var connections = 0
    private(set) var gateway: JanusGateway?
    private var timer: RepeatedTask?
    private var isRunning = false
    private var wasLogged = false
    private var hasBeenOpen = false
    /// Refused attempts in a row.
    private var refusals = 0

    /// The WebSocket is open; the gateway is fresh.
    var up: (JanusGateway) -> Void = { _ in }
    /// It is gone; everything under way has failed already.
    var down: (_ reason: String) -> Void = { _ in }
    /// After a loss: nobody has listened at its address for ``patience``. Called once for each loss.
    var dead: () -> Void = {}

    init(
        _ settings: Settings, connector: any JanusConnector, loop: any EventLoop, transactionPrefix: String,
        metrics: JanusMetrics = JanusMetrics(), trace: JanusTrace? = nil, logger: Logger
    ) {
        self.settings = settings
        self.connector = connector
        self.loop = loop
        self.transactionPrefix = transactionPrefix
        self.metrics = metrics
        self.trace = trace
        self.logger = logger
    }

    func start() {
        isRunning = true
        let bound = NIOLoopBound(self, eventLoop: loop)
        timer = loop.scheduleRepeatedTask(initialDelay: Self.timerInterval, delay: Self.timerInterval) { _ in
            bound.value.gateway?.timerFired(at: bound.value.loop.now)
        }
        connect()
    }

    func stop() {
        isRunning = false
        timer?.cancel()
        gateway?.close()
        gateway = nil
    }

    /// Gives the connection up although it stands.
    func abandon(_ reason: String) {
        gateway?.close()
        closed(JanusLoss(reason, isRefusal: false))
    }

    private func connect() {
        guard isRunning else { return }
        connections += 1
        let attempt = connections
        connector.connect(
            to: settings.address, subprotocol: settings.subprotocol, on: loop,
            events: JanusSocketEvents(
                opened: { [self] socket in opened(socket) },
                received: { [self] text in if attempt == connections { gateway?.received(text) } },
                readCompleted: { [self] in attempt == connections ? gateway?.readCompleted() : nil },
                // What was abandoned has been reported.
                closed: { [self] loss in if attempt == connections { closed(loss) } }))
    }

    private func opened(_ socket: any JanusSocket) {
        guard isRunning else { return socket.close() }
        wasLogged = false
        refusals = 0
        if hasBeenOpen { metrics.reconnected() }
        hasBeenOpen = true
        logger.info("Janus is connected", metadata: .keyed([.janus: "\(settings.address)"]))
        let gateway = JanusGateway(
            loop: loop, socket: socket, secretName: settings.secretName, secret: settings.secret,
            transactionPrefix: "\(transactionPrefix)-\(connections)", requestTime: settings.requestTime,
            metrics: metrics, trace: trace, logger: logger)
        self.gateway = gateway
        up(gateway)
    }

    private func closed(_ loss: JanusLoss) {
        let reason = loss.reason
        let lost = gateway
        gateway = nil
        lost?.lost()
        guard isRunning else { return }
        // A Janus that is down for an hour is one line, not fourteen thousand.
        if lost != nil || !wasLogged {
            logger.info(
                "Janus is not connected", metadata: .keyed([.janus: "\(settings.address)", .reason: reason]))
            wasLogged = true
        }
        if lost != nil { down(reason) }
        if loss.isRefusal {
            refusals += 1
            if refusals == Self.patience { dead() }
        } else {
            refusals = 0
        }
        // From here on, the old attempt has nothing to say.
        connections += 1
        let bound = NIOLoopBound(self, eventLoop: loop)
        loop.scheduleTask(in: Self.retryDelay) { bound.value.connect() }
    }
}
