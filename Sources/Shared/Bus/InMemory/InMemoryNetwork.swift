import NIOConcurrencyHelpers
import NIOCore

/// The bus without ZeroMQ, for tests: the same rules as ``ZeroMQNetwork`` within one process, on any loops, and the
/// faults that a test wants.
///
/// Endpoints are any text. Messages travel by `execute` of the receiver's loop, so with an embedded loop nothing happens
/// before that loop runs.
public final class InMemoryNetwork: BusNetwork {
    /// Which way a message goes.
    public enum Direction: Hashable, Sendable {
        case toWorker
        case toFrontdoor
    }

    private let state = NIOLockedValueBox(InMemoryState())

    public init() {}

    public func bind(
        _ endpoint: String, on loop: any EventLoop, receive: @escaping (RoutingID, ByteBuffer) -> Void
    ) throws(BusError) -> any RouterSocket {
        let socket = InMemoryRouterSocket(network: self, receive: receive)
        let bound = NIOLoopBound(socket, eventLoop: loop)
        let port = InMemoryPort(loop: loop) { id, message in bound.value.deliver(message, from: id) }
        socket.number = state.withLockedValue { state in state.bind(endpoint, port, self) }
        return socket
    }

    public func connect(
        _ endpoint: String, as id: RoutingID, on loop: any EventLoop, receive: @escaping (ByteBuffer) -> Void
    ) throws(BusError) -> any DealerSocket {
        let socket = InMemoryDealerSocket(network: self, receive: receive)
        let bound = NIOLoopBound(socket, eventLoop: loop)
        let port = InMemoryPort(loop: loop) { _, message in bound.value.deliver(message) }
        socket.number = state.withLockedValue { state in state.connect(endpoint, id, port, self) }
        return socket
    }

    // MARK: Faults

    /// From now on messages of this link vanish, in both directions, while both ends see it as connected.
    public func cut(_ id: RoutingID, at endpoint: String) {
        state.withLockedValue { state in state.change(id, endpoint) { $0.isCut = true } }
    }

    /// Ends ``cut(_:at:)``. What vanished stays lost.
    public func mend(_ id: RoutingID, at endpoint: String) {
        state.withLockedValue { state in state.change(id, endpoint) { $0.isCut = false } }
    }

    /// The next message of this link and direction vanishes.
    public func dropNext(_ direction: Direction, _ id: RoutingID, at endpoint: String) {
        state.withLockedValue { state in state.change(id, endpoint) { $0.faults[direction, default: []].append(.drop) }
        }
    }

    /// The next message of this link and direction arrives twice.
    public func duplicateNext(_ direction: Direction, _ id: RoutingID, at endpoint: String) {
        state.withLockedValue { state in
            state.change(id, endpoint) { $0.faults[direction, default: []].append(.duplicate) }
        }
    }

    /// The connection breaks, and comes about again at once.
    public func reconnect(_ id: RoutingID, at endpoint: String) {
        state.withLockedValue { state in state.reconnect(id, endpoint, self) }
    }

    // MARK: For the sockets

    func send(_ message: ByteBuffer, fromDealer number: Int) -> SendOutcome {
        state.withLockedValue { state in state.send(message, fromDealer: number, self) }
    }

    func send(_ message: ByteBuffer, to id: RoutingID, fromRouter number: Int) -> SendOutcome {
        state.withLockedValue { state in state.send(message, to: id, fromRouter: number, self) }
    }

    func delivered(_ direction: Direction, ofDealer number: Int) {
        state.withLockedValue { state in state.delivered(direction, ofDealer: number) }
    }

    func closeRouter(_ number: Int) { state.withLockedValue { state in state.closeRouter(number, self) } }

    func closeDealer(_ number: Int) { state.withLockedValue { state in state.closeDealer(number) } }
}
