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
final class DoorLoop: WorkerLink.Delegate {
    static let requestDeadline = TimeAmount.seconds(30)
    /// How long a room's own worker may be away before a join is refused.
    static let ownerPatience = TimeAmount.seconds(5)

    let id: FrontdoorLoopID
    let loop: any EventLoop
    private let configuration: FrontdoorConfiguration
    private let network: any BusNetwork
    private let registry: LoopRegistry
    private let logger: Logger
    private var connections: [UInt64: Connection] = [:]
    private var waitingForReady: Set<UInt64> = []
    private var lastConnection: UInt64 = 0
    private var links: [SlotID: WorkerLink] = [:]
    /// Slots that take no new rooms.
    private var draining: Set<SlotID> = []
    private var serving = ServingStateMachine()
    /// Clients' sockets from accepting to closing, whatever is spoken over them.
    private var visitors = 0
    private var drainBegan: NIODeadline?
    private var whenEmpty: (() -> Void)?
    /// All deadlines are equally long, so they pass in this order.
    private var deadlines: CircularBuffer<(NIODeadline, ConnectionID, RequestSequence)> = []
    private var timer: RepeatedTask?
    private var generator = SystemRandomNumberGenerator()

    init(
        _ id: FrontdoorLoopID, loop: any EventLoop, configuration: FrontdoorConfiguration, network: any BusNetwork,
        registry: RegistryThread, logger: Logger
    ) {
        self.id = id
        self.loop = loop
        self.configuration = configuration
        self.network = network
        self.registry = LoopRegistry(registry, loop: loop)
        self.logger = logger
    }

    func start() {
        let bound = NIOLoopBound(self, eventLoop: loop)
        timer = loop.scheduleRepeatedTask(initialDelay: LinkTiming.tick, delay: LinkTiming.tick) { _ in
            bound.value.timerFired()
        }
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
        for link in links.values { link.timerFired(at: now) }
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
        serving.letsIn && drainBegan.map { loop.now - $0 < HTTPHandler.timeout } ?? true
    }

    func handshake(_ head: HTTPRequestHead) -> Handshake {
        Handshake.of(head, origins: configuration.origins, isServing: letsIn)
    }

    var pingInterval: Int { configuration.pingInterval }

    func connected(_ socket: any ClientSocket, dialect: Dialect, peer: String) -> Connection {
        lastConnection += 1
        let number = lastConnection
        let id = ConnectionID(owner: id, number: number)
        let logger = logger.with([.connection: "\(id)"])
        logger.info("connected", metadata: .keyed([.peer: peer]))
        let connection = Connection(
            id, dialect: dialect, socket: socket, door: self,
            accounts: AccountBook(
                domains: configuration.domains, trustsClaims: configuration.installation.trustsClaimedAccounts),
            logger: logger)
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

    func startDeadline(_ sequence: RequestSequence, of connection: ConnectionID) {
        deadlines.append((loop.now + Self.requestDeadline, connection, sequence))
    }

    // MARK: Placement

    /// Finds the worker of a room, or one for it. The answer goes to the connection.
    func locate(_ room: RoomURI, for sequence: RequestSequence, of connection: Connection) {
        locate(room, until: loop.now + Self.ownerPatience) { [weak connection] result in
            switch result {
            case .success(let slot): connection?.located(sequence, at: slot)
            case .failure(let problem): connection?.notLocated(sequence, problem.text)
            }
        }
    }

    private struct PlacementProblem: Error { let text: String }

    private func locate(
        _ room: RoomURI, until deadline: NIODeadline,
        completion: @escaping (Result<SlotID, PlacementProblem>) -> Void
    ) {
        registry.submit(.read) { store throws(RegistryError) in
            try store.room(room)
        } then: { [self] result in
            switch result {
            case .failure(let error):
                logger.error("rooms cannot be found", metadata: .keyed([.room: "\(room)", .error: "\(error)"]))
                completion(.failure(PlacementProblem(text: "the registry is not available")))
            case .success(let row?) where links[row.owner.slot]?.isServing == true: completion(.success(row.owner.slot))
            case .success(.some):
                // Its worker is being replaced: the room is where it was, or gone, in a moment.
                guard loop.now < deadline else {
                    return completion(.failure(PlacementProblem(text: ConnectionStateMachine.noWorkerText)))
                }
                let bound = NIOLoopBound((self, completion), eventLoop: loop)
                loop.scheduleTask(in: .milliseconds(100)) {
                    bound.value.0.locate(room, until: deadline, completion: bound.value.1)
                }
            case .success(nil):
                let candidates = links.values.filter { $0.isServing && !draining.contains($0.slot) }.map {
                    RoomPlacement.Candidate(slot: $0.slot, load: $0.load)
                }
                guard let slot = RoomPlacement.choose(among: candidates, using: &generator) else {
                    return completion(.failure(PlacementProblem(text: ConnectionStateMachine.noWorkerText)))
                }
                links[slot]?.notePlacement()
                completion(.success(slot))
            }
        }
    }

    // MARK: Workers

    /// The slots there are, as the registry has them.
    func slotsChanged(_ rows: [SlotRow]) {
        draining = Set(rows.filter(\.draining).map(\.slot))
        for row in rows where links[row.slot]?.endpoint != row.endpoint {
            if let old = links.removeValue(forKey: row.slot) {
                old.close()
                lost(row.slot)
            }
            links[row.slot] = WorkerLink(
                row.slot, endpoint: row.endpoint, owner: id, network: network, loop: loop, logger: logger,
                delegate: self)
            statusChanged()
        }
    }

    /// - Returns: whether the request left.
    func forward(
        _ request: WorkerRequest, _ sequence: RequestSequence, of connection: ConnectionID, to slot: SlotID
    ) -> Bool {
        links[slot]?.send(
            .request, request.encoded, connection: connection, request: sequence,
            deadline: UInt32(Self.requestDeadline.nanoseconds / 1_000_000)) ?? false
    }

    func release(_ session: SessionID, at slot: SlotID) {
        links[slot]?.sendOrGiveUp(.release, connection: session.connection, request: session.request)
    }

    func gone(_ connection: ConnectionID, from slot: SlotID) {
        links[slot]?.sendOrGiveUp(.gone, connection: connection)
    }

    func list(for slot: SlotID) -> ConnectionList {
        ConnectionList(
            sessions: connections.values.flatMap { $0.sessions(at: slot) }.map {
                ConnectionList.Entry(session: $0, told: .publisher(ToldState()))
            })
    }

    func answered(
        _ connection: ConnectionID, _ sequence: RequestSequence, _ answer: WorkerAnswer, by slot: SlotID
    ) {
        guard connection.owner == id else { return }
        connections[connection.number]?.answered(sequence, answer, by: slot)
    }

    func told(_ session: SessionID, _ event: WorkerEvent, by slot: SlotID) {
        guard session.connection.owner == id else { return }
        connections[session.connection.number]?.told(session.request, event, by: slot)
    }

    func lost(_ slot: SlotID) {
        for connection in connections.values { connection.workerLost(slot) }
    }

    func statusChanged() {
        perform(serving.changed(isServing: links.values.contains(where: \.isServing), at: loop.now))
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
