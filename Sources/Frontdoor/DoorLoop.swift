import Bus
import Identity
import Logging
import NIOCore
import NIOHTTP1
import Registry
import Settings
import Sylkrtc
import Telemetry

/// One of the front door's shared-nothing loops: its clients, its links, and what waits. Nothing in it is ever touched from
/// another thread.
final class DoorLoop {
    let id: FrontdoorLoopID
    let loop: any EventLoop
    private let configuration: FrontdoorConfiguration
    let network: any BusNetwork
    let registry: LoopRegistry
    let tokens: LoopDeviceTokens
    let claims: ClaimedAccounts
    var takenInvitations = TakenInvitations()
    let logger: Logger
    let metrics = DoorMetrics()
    let lag: LoopLag
    /// nil: messages are not written down.
    private let trace: TraceWriter?
    private(set) var connections: [UInt64: Connection] = [:]
    /// Requests of all clients that wait; kept by them, so that nobody has to walk through thousands to count.
    var unanswered = 0
    private(set) lazy var rest = LoopRest(on: loop) { [unowned self] in unanswered }
    private var waitingForReady: Set<UInt64> = []
    private var lastConnection: UInt64 = 0
    var links: [SlotID: WorkerLink] = [:]
    /// The share of new rooms that each slot wants. 0: none, because it is draining or does not want any.
    var weights: [SlotID: Int] = [:]
    /// Slots that the registry no longer has.
    var missingSince: [SlotID: NIODeadline] = [:]
    var owed: [SlotID: OwedReleases] = [:]
    private var serving = ServingStateMachine()
    /// Some worker has served at some time.
    private(set) var hasServed = false
    /// Clients' sockets from accepting to closing, whatever is spoken over them.
    private var visitors = 0
    private var drainBegan: NIODeadline?
    private var whenEmpty: (() -> Void)?
    /// All deadlines are equally long, so they pass in this order.
    private var deadlines: CircularBuffer<(NIODeadline, ConnectionID, RequestSequence)> = []
    private var timer: RepeatedTask?
    /// Runs of clients into limits, of all loops.
    let hits: LimitHits
    /// Lines about clients' mistakes, and about handshakes that were refused.
    var complaints = LogGate(perSecond: 10)
    var refusals = LogGate(perSecond: 10)
    /// Lines about clients that come, and that go: after a restart thousands do within a second.
    private var arrivals = LogGate(perSecond: 20)
    var departures = LogGate(perSecond: 20)
    var generator = SystemRandomNumberGenerator()

    init(
        _ id: FrontdoorLoopID, loop: any EventLoop, configuration: FrontdoorConfiguration, network: any BusNetwork,
        registry: RegistryThread, tokens: DeviceTokens, hits: LimitHits? = nil, trace: TraceWriter? = nil,
        logger: Logger
    ) {
        self.id = id
        self.loop = loop
        self.configuration = configuration
        self.network = network
        self.registry = LoopRegistry(registry, loop: loop, metrics: metrics.registry)
        self.tokens = LoopDeviceTokens(tokens, loop: loop)
        claims = ClaimedAccounts(id, registry: self.registry, loop: loop, logger: logger)
        self.hits = hits ?? LimitHits(logger: logger)
        lag = LoopLag(on: loop)
        self.trace = trace
        self.logger = logger
    }

    func start() {
        let bound = NIOLoopBound(self, eventLoop: loop)
        timer = loop.scheduleRepeatedTask(initialDelay: LinkTiming.tick, delay: LinkTiming.tick) { _ in
            bound.value.timerFired()
        }
        lag.start()
    }

    // MARK: Draining

    /// No new clients are accepted; those there are are served.
    var isDraining: Bool { drainBegan != nil }

    /// Nobody is accepted from now on.
    ///
    /// - Parameter whenEmpty: called once, when the last client has left.
    /// - Returns: how many clients there are.
    func startDraining(whenEmpty: @escaping () -> Void) -> Int {
        drainBegan = drainBegan ?? loop.now
        self.whenEmpty = whenEmpty
        tellWhenEmpty()
        return visitors
    }

    func visitorCame() { visitors += 1 }

    func visitorLeft() {
        visitors -= 1
        tellWhenEmpty()
    }

    private func tellWhenEmpty() {
        guard visitors == 0, let whenEmpty else { return }
        self.whenEmpty = nil
        whenEmpty()
    }

    /// Says good-bye to every client and waits, a second at most, until the workers have taken that.
    func stop(completion: @escaping () -> Void) {
        for connection in connections.values { connection.goAway() }
        for connection in connections.values { connection.closed() }
        drain(until: loop.now + .seconds(1)) { [self] in
            timer?.cancel()
            lag.stop()
            for link in links.values { link.close() }
            links = [:]
            completion()
        }
    }

    private func drain(until deadline: NIODeadline, completion: @escaping () -> Void) {
        guard !links.values.allSatisfy(\.isDrained), loop.now < deadline else { return completion() }
        let bound = NIOLoopBound((self, completion), eventLoop: loop)
        loop.scheduleTask(in: .milliseconds(20)) { bound.value.0.drain(until: deadline, completion: bound.value.1) }
    }

    private func timerFired() {
        let now = loop.now
        for (slot, link) in links {
            link.timerFired(at: now)
            owed[slot]?.acknowledged(upTo: link.acknowledged)
        }
        claims.timerFired(at: now)
        perform(serving.timerFired(at: now))
        while let (deadline, connection, sequence) = deadlines.first, deadline <= now {
            deadlines.removeFirst()
            connections[connection.number]?.deadlinePassed(sequence)
        }
    }

    // MARK: Clients

    /// New clients are let in: also those that were accepted before a drain began, for as long as they have to say what they
    /// want. Who asks later, over a connection of before, is to come back: another front door will take him.
    var letsIn: Bool {
        serving.letsIn && drainBegan.map { loop.now - $0 < limits.handshakeTime } ?? true
    }

    func handshake(_ head: HTTPRequestHead) -> Handshake {
        Handshake.of(head, origins: configuration.origins, isServing: letsIn)
    }

    var pingInterval: Int { configuration.pingInterval }
    var limits: Limits { configuration.limits }

    func connected(_ socket: any ClientSocket, dialect: Dialect, from client: ClientOrigin?) -> Connection {
        lastConnection += 1
        let number = lastConnection
        let id = ConnectionID(owner: id, number: number)
        var logger = logger.with([.connection: "\(id)"])
        if let client { logger[metadataKey: LogKey.device.rawValue] = "\(client.device)" }
        let peer = client.map { "\($0)" } ?? "unknown"
        if let stopped = arrivals.passes(at: loop.now) {
            logger.info("connected", metadata: .keyed([.peer: peer, .suppressed: "\(stopped)"]))
        }
        metrics.clients.connected()
        let connection = Connection(
            id, dialect: dialect, socket: socket, door: self,
            accounts: AccountBook(
                domains: configuration.domains, trustsClaims: configuration.installation.trustsClaimedAccounts,
                maximum: limits.accounts),
            client: client, trace: trace.map { ClientTrace($0, id, peer: peer) }, logger: logger)
        connections[number] = connection
        if serving.isServing {
            connection.ready()
        } else {
            waitingForReady.insert(number)
        }
        return connection
    }

    func forget(_ connection: Connection) {
        connections[connection.id.number] = nil
        waitingForReady.remove(connection.id.number)
    }

    /// Until when a request that comes now has to be answered.
    var requestDeadline: NIODeadline { loop.now + limits.requestTime }

    /// A request was answered.
    ///
    /// - Parameter deadline: as it was when the request came.
    func answered(_ kind: RequestKind, _ outcome: RequestOutcome, deadline: NIODeadline) {
        metrics.requests.answered(kind, outcome, after: loop.now - (deadline - limits.requestTime))
    }

    func startDeadline(_ sequence: RequestSequence, of connection: ConnectionID, at deadline: NIODeadline) {
        deadlines.append((deadline, connection, sequence))
    }

    // MARK: Serving

    func statusChanged() {
        perform(serving.changed(isServing: links.values.contains(where: \.isServing), at: loop.now))
        hasServed = hasServed || serving.isServing
    }

    private func perform(_ action: ServingStateMachine.Action) {
        switch action {
        case .none: break
        case .welcome:
            for number in waitingForReady.sorted() { connections[number]?.ready() }
            waitingForReady = []
        case .turnAway:
            logger.error("no worker serves: new clients are turned away")
            for number in waitingForReady { connections[number]?.turnAway() }
            waitingForReady = []
        }
    }
}
