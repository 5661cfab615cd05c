import NIOCore

/// One end, as the other end's loop knows it.
struct InMemoryPort: Sendable {
    let loop: any EventLoop
    let deliver: @Sendable (RoutingID, ByteBuffer) -> Void

    init(loop: any EventLoop, deliver: @escaping @Sendable (RoutingID, ByteBuffer) -> Void) {
        self.loop = loop
        self.deliver = deliver
    }
}

/// Who is connected to whom in an ``InMemoryNetwork``.
///
/// Messages are handed to the receiver's loop from in here, under the network's lock: their order is the order of these
/// calls, whichever loops they come from. (`execute` only queues; it takes no lock of ours.)
struct InMemoryState {
    typealias Direction = InMemoryNetwork.Direction

    enum Fault {
        case drop
        case duplicate
    }

    struct Router {
        let endpoint: String
        let port: InMemoryPort
        var dealers: [RoutingID: Int] = [:]
    }

    struct Dealer {
        let endpoint: String
        let id: RoutingID
        let port: InMemoryPort
        var connection = Connection.none
        var isCut = false
        var faults: [Direction: [Fault]] = [:]
        var underWay: [Direction: Int] = [:]
    }

    enum Connection {
        case none
        case router(Int)
        /// The router has another dealer of this id, and ignores this one as long as it lives.
        case ignored(by: Int)

        var router: Int? {
            switch self {
            case .none: nil
            case .router(let number), .ignored(let number): number
            }
        }
    }

    private var lastNumber = 0
    /// Only open ones; so are the dealers.
    private var routers: [Int: Router] = [:]
    private var dealers: [Int: Dealer] = [:]
    private var bound: [String: Int] = [:]

    // MARK: Sockets

    mutating func bind(_ endpoint: String, _ port: InMemoryPort, _ network: InMemoryNetwork) -> Int {
        lastNumber += 1
        routers[lastNumber] = Router(endpoint: endpoint, port: port)
        bound[endpoint] = lastNumber
        connectWaiting(endpoint, network)
        return lastNumber
    }

    mutating func connect(
        _ endpoint: String, _ id: RoutingID, _ port: InMemoryPort, _ network: InMemoryNetwork
    ) -> Int {
        lastNumber += 1
        dealers[lastNumber] = Dealer(endpoint: endpoint, id: id, port: port)
        connectWaiting(endpoint, network)
        return lastNumber
    }

    mutating func closeRouter(_ number: Int, _ network: InMemoryNetwork) {
        guard let router = routers.removeValue(forKey: number) else { return }
        if bound[router.endpoint] == number { bound[router.endpoint] = nil }
        for dealer in dealers.keys where dealers[dealer]?.connection.router == number {
            dealers[dealer]?.connection = .none
        }
        connectWaiting(router.endpoint, network)
    }

    mutating func closeDealer(_ number: Int) {
        guard let dealer = dealers.removeValue(forKey: number) else { return }
        guard case .router(let router) = dealer.connection else { return }
        routers[router]?.dealers[dealer.id] = nil
    }

    /// Connects, in the order of their age, the dealers that have been waiting for this endpoint.
    private mutating func connectWaiting(_ endpoint: String, _ network: InMemoryNetwork) {
        guard let number = bound[endpoint] else { return }
        for (dealer, value) in dealers.sorted(by: { $0.key < $1.key }) where value.endpoint == endpoint {
            guard value.connection.router == nil else { continue }
            if routers[number]?.dealers[value.id] == nil {
                routers[number]?.dealers[value.id] = dealer
                dealers[dealer]?.connection = .router(number)
                pass(ByteBuffer(), .toWorker, dealer, network)
            } else {
                dealers[dealer]?.connection = .ignored(by: number)
            }
        }
    }

    // MARK: Messages

    mutating func send(_ message: ByteBuffer, fromDealer number: Int, _ network: InMemoryNetwork) -> SendOutcome {
        precondition(message.readableBytes > 0, "empty messages are probes")
        guard message.readableBytes <= BusLimits.maximumMessage else { return .tooLong }
        guard let dealer = dealers[number] else { return .unreachable }
        switch dealer.connection {
        case .none: return .full
        case .ignored: return .sent
        case .router: return sendIfNotFull(message, .toWorker, number, network)
        }
    }

    mutating func send(
        _ message: ByteBuffer, to id: RoutingID, fromRouter number: Int, _ network: InMemoryNetwork
    ) -> SendOutcome {
        precondition(message.readableBytes > 0, "empty messages are probes")
        guard message.readableBytes <= BusLimits.maximumMessage else { return .tooLong }
        guard let dealer = routers[number]?.dealers[id] else { return .unreachable }
        return sendIfNotFull(message, .toFrontdoor, dealer, network)
    }

    mutating func delivered(_ direction: Direction, ofDealer number: Int) {
        dealers[number]?.underWay[direction, default: 0] -= 1
    }

    private mutating func sendIfNotFull(
        _ message: ByteBuffer, _ direction: Direction, _ number: Int, _ network: InMemoryNetwork
    ) -> SendOutcome {
        guard dealers[number]?.underWay[direction] ?? 0 < Int(BusLimits.sendHighWaterMark) else { return .full }
        pass(message, direction, number, network)
        return .sent
    }

    private mutating func pass(
        _ message: ByteBuffer, _ direction: Direction, _ number: Int, _ network: InMemoryNetwork
    ) {
        guard var dealer = dealers[number], case .router(let router) = dealer.connection, !dealer.isCut else { return }
        var copies = 1
        // A probe belongs to the connection: faults are for messages.
        if message.readableBytes > 0, var faults = dealer.faults[direction], !faults.isEmpty {
            switch faults.removeFirst() {
            case .drop: copies = 0
            case .duplicate: copies = 2
            }
            dealer.faults[direction] = faults
        }
        dealer.underWay[direction, default: 0] += copies
        dealers[number] = dealer
        let receiver: InMemoryPort? =
            switch direction {
            case .toWorker: routers[router]?.port
            case .toFrontdoor: dealer.port
            }
        guard let receiver else { return }
        for _ in 0..<copies {
            receiver.loop.execute { [id = dealer.id] in
                network.delivered(direction, ofDealer: number)
                receiver.deliver(id, message)
            }
        }
    }

    // MARK: Faults

    mutating func change(_ id: RoutingID, _ endpoint: String, _ change: (inout Dealer) -> Void) {
        for number in dealers.keys {
            guard var dealer = dealers[number], dealer.id == id, dealer.endpoint == endpoint else { continue }
            change(&dealer)
            dealers[number] = dealer
        }
    }

    mutating func reconnect(_ id: RoutingID, _ endpoint: String, _ network: InMemoryNetwork) {
        for number in dealers.keys {
            guard let dealer = dealers[number], dealer.id == id, dealer.endpoint == endpoint,
                case .router(let router) = dealer.connection
            else { continue }
            routers[router]?.dealers[id] = nil
            dealers[number]?.connection = .none
        }
        connectWaiting(endpoint, network)
    }
}
