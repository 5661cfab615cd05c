import Dispatch
import Glibc
import Identity
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import Bus

/// The trap in ZeroMQ's descriptor: a send takes up what the I/O thread reported, arrived messages included, and with it
/// the edge that would have announced them.
struct ConsumedEdgeTests {
    @Test func `a message whose edge a send has consumed arrives all the same`() async throws {
        try await Bench.with(.zeroMQ) { bench in
            let (network, endpoint, loop) = (bench.network, bench.endpoint(), bench.loops[0])
            let id = try link(1)
            let router = try await TestRouter(network, endpoint, on: loop)
            let dealer = try await TestDealer(network, endpoint, as: id, on: loop)
            #expect(try await router.inbox.next() == .probe(id))
            #expect(try await router.send("first", to: id) == .sent)
            #expect(try await dealer.inbox.next() == "first")

            // The poller's thread is held up in the poke of another socket: no edge is noticed from here on.
            let gate = GatedLoop(bench.loops[1])
            let other = try await TestRouter(network, bench.endpoint("other"), on: gate)
            let visitor = try await TestDealer(network, bench.endpoint("other"), as: try link(2), on: bench.loops[1])
            #expect(try await other.inbox.next() == .probe(link(2)))
            gate.close()
            defer { gate.open() }
            try await visitor.send("hold", until: .sent)
            try await gate.held.next()

            try await loop.submit {
                #expect(router.socket.value.send(ByteBuffer(string: "second"), to: id) == .sent)
                let socket = try #require(dealer.socket.value as? ZeroMQDealerSocket).pump.socket
                var readiness = pollfd(fd: try socket.descriptor(), events: Int16(POLLIN), revents: 0)
                #expect(poll(&readiness, 1, 20_000) == 1, "the edge is there")
                // ZeroMQ looks for reports at most once per 3,000,000 clock ticks when it sends.
                let due = NIODeadline.now() + .milliseconds(10)
                while NIODeadline.now() < due {}
                #expect(dealer.socket.value.send(ByteBuffer(string: "noise")) == .sent)
                #expect(poll(&readiness, 1, 0) == 0, "and now it is gone")
            }.get()

            #expect(try await dealer.inbox.next() == "second")
        }
    }
}

/// Another loop behind a gate: while that is closed, whoever hands it work from outside has to wait.
private final class GatedLoop: EventLoop {
    /// Gets an element whenever somebody begins to wait.
    let held = Inbox<Void>()
    private let base: any EventLoop
    private let isClosed = Atomic(false)

    init(_ base: any EventLoop) { self.base = base }

    func close() { isClosed.store(true, ordering: .sequentiallyConsistent) }

    func open() { isClosed.store(false, ordering: .sequentiallyConsistent) }

    func execute(_ task: @escaping @Sendable () -> Void) {
        if !inEventLoop, isClosed.load(ordering: .sequentiallyConsistent) {
            held.put(())
            while isClosed.load(ordering: .sequentiallyConsistent) { sched_yield() }
        }
        base.execute(task)
    }

    var inEventLoop: Bool { base.inEventLoop }

    func scheduleTask<T>(
        deadline: NIODeadline, _ task: @escaping @Sendable () throws -> T
    ) -> Scheduled<T> { base.scheduleTask(deadline: deadline, task) }

    func scheduleTask<T>(in delay: TimeAmount, _ task: @escaping @Sendable () throws -> T) -> Scheduled<T> {
        base.scheduleTask(in: delay, task)
    }

    func shutdownGracefully(queue: DispatchQueue, _ callback: @escaping @Sendable ((any Error)?) -> Void) {
        base.shutdownGracefully(queue: queue, callback)
    }
}
