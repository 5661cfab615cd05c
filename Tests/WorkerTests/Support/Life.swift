import Bus
import Dispatch
import Foundation
import Identity
import NIOCore
import Registry

@testable import Worker

/// One life of a worker process, which can end at any moment as by SIGKILL: its sockets vanish without a goodbye, its timers
/// never fire again, and what it has not committed never is.
final class Life {
    let loop: MortalLoop
    let network: MortalNetwork
    let connector: MortalConnector
    let registry: RegistryThread
    private let janus: FakeJanus

    init(on loop: TestLoop, _ janus: FakeJanus, _ bus: InMemoryNetwork, registry path: String, fate: Fate) {
        self.janus = janus
        self.loop = MortalLoop(loop)
        network = MortalNetwork(bus)
        connector = MortalConnector(janus)
        registry = RegistryThread(label: "test registry", logger: silentLogger) { () throws(RegistryError) in
            MortalStore(try SQLiteRegistryStore(path: path), fate)
        }
    }

    var isOver: Bool { loop.isOver }

    func end() {
        loop.isOver = true
        network.end()
        connector.end()
        janus.vanish(connector.sockets)
    }
}

/// A process's loop: after its death nothing runs on it.
final class MortalLoop: EventLoop, @unchecked Sendable {
    private let base: TestLoop
    var isOver = false

    struct Dead: Error {}

    init(_ base: TestLoop) { self.base = base }

    var inEventLoop: Bool { base.inEventLoop }
    var now: NIODeadline { base.now }

    func execute(_ task: @escaping @Sendable () -> Void) { base.execute { [self] in if !isOver { task() } } }

    func submit<T>(_ task: @escaping @Sendable () throws -> T) -> EventLoopFuture<T> { base.submit(living(task)) }

    @discardableResult
    func scheduleTask<T>(deadline: NIODeadline, _ task: @escaping @Sendable () throws -> T) -> Scheduled<T> {
        base.scheduleTask(deadline: deadline, living(task))
    }

    @discardableResult
    func scheduleTask<T>(in delay: TimeAmount, _ task: @escaping @Sendable () throws -> T) -> Scheduled<T> {
        base.scheduleTask(in: delay, living(task))
    }

    func shutdownGracefully(queue: DispatchQueue, _ callback: @escaping @Sendable ((any Error)?) -> Void) {}

    private func living<T>(_ task: @escaping @Sendable () throws -> T) -> @Sendable () throws -> T {
        { [self] in
            guard !isOver else { throw Dead() }
            return try task()
        }
    }
}

/// A process's end of the bus.
final class MortalNetwork: BusNetwork, @unchecked Sendable {
    private let base: InMemoryNetwork
    private var routers: [any RouterSocket] = []

    init(_ base: InMemoryNetwork) { self.base = base }

    func bind(
        _ endpoint: String, on loop: any EventLoop, receive: @escaping (RoutingID, ByteBuffer) -> Void
    ) throws(BusError) -> any RouterSocket {
        let router = try base.bind(endpoint, on: loop, receive: receive)
        routers.append(router)
        return router
    }

    func connect(
        _ endpoint: String, as id: RoutingID, on loop: any EventLoop, receive: @escaping (ByteBuffer) -> Void
    ) throws(BusError) -> any DealerSocket { try base.connect(endpoint, as: id, on: loop, receive: receive) }

    func end() { for router in routers { router.close() } }
}

/// A process's connections to Janus.
final class MortalConnector: JanusConnector {
    private let janus: FakeJanus
    private(set) var sockets: [FakeJanusSocket] = []
    private var isOver = false

    init(_ janus: FakeJanus) { self.janus = janus }

    func connect(
        to address: JanusAddress, subprotocol: String, on loop: any EventLoop, events: JanusSocketEvents
    ) { if !isOver { sockets.append(janus.open(subprotocol, events)) } }

    func end() { isOver = true }
}
