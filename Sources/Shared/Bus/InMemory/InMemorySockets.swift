import NIOCore

/// A ROUTER of an ``InMemoryNetwork``, on its loop.
final class InMemoryRouterSocket: RouterSocket {
    /// The network's name for it; 0 only while it is being made.
    var number = 0
    private let network: InMemoryNetwork
    private var receive: ((RoutingID, ByteBuffer) -> Void)?

    init(network: InMemoryNetwork, receive: @escaping (RoutingID, ByteBuffer) -> Void) {
        self.network = network
        self.receive = receive
    }

    func send(_ message: ByteBuffer, to id: RoutingID) -> SendOutcome {
        network.send(message, to: id, fromRouter: number)
    }

    func flush() {}

    func close() {
        receive = nil
        network.closeRouter(number)
    }

    func deliver(_ message: ByteBuffer, from id: RoutingID) { receive?(id, message) }
}

/// A DEALER of an ``InMemoryNetwork``, on its loop.
final class InMemoryDealerSocket: DealerSocket {
    /// The network's name for it; 0 only while it is being made.
    var number = 0
    private let network: InMemoryNetwork
    private var receive: ((ByteBuffer) -> Void)?

    init(network: InMemoryNetwork, receive: @escaping (ByteBuffer) -> Void) {
        self.network = network
        self.receive = receive
    }

    func send(_ message: ByteBuffer) -> SendOutcome { network.send(message, fromDealer: number) }

    func flush() {}

    func close() {
        receive = nil
        network.closeDealer(number)
    }

    func deliver(_ message: ByteBuffer) { receive?(message) }
}
