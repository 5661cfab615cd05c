import Bus
import NIOCore
import Synchronization
import Testing

/// Many messages, in order, both ways, on several loops: nothing is lost and no wake-up is.
struct TrafficTests {
    /// Sends `count` numbered messages as fast as the link takes them. Confined to its loop.
    private final class Source {
        private let count: Int
        private let loop: any EventLoop
        private let send: (ByteBuffer) -> SendOutcome
        private var next = 0

        init(_ count: Int, on loop: any EventLoop, _ send: @escaping (ByteBuffer) -> SendOutcome) {
            self.count = count
            self.loop = loop
            self.send = send
        }

        func run() {
            while next < count {
                guard send(ByteBuffer(integer: next)) == .sent else {
                    loop.assumeIsolated().scheduleTask(in: .milliseconds(1)) { [self] in run() }
                    return
                }
                next += 1
            }
        }
    }

    /// Expects 0, 1, 2, …. Confined to its loop.
    private final class Sink {
        private let count: Int
        private let done: Inbox<Bool>
        private(set) var next = 0

        init(_ count: Int, done: Inbox<Bool>) {
            self.count = count
            self.done = done
        }

        func take(_ message: ByteBuffer) {
            guard message.getInteger(at: message.readerIndex, as: Int.self) == next else { return done.put(false) }
            next += 1
            if next == count { done.put(true) }
        }
    }

    @Test(arguments: NetworkKind.allCases) func `ten thousand messages each way keep their order`(kind: NetworkKind)
        async throws
    {
        try await Bench.with(kind) { bench in
            let (count, id, network, endpoint) = (10_000, try link(1), bench.network, bench.endpoint())
            let (atWorker, atFrontdoor) = (Inbox<Bool>(), Inbox<Bool>())
            let (first, second) = (bench.loops[0], bench.loops[1])
            try await first.submit {
                let sink = Sink(count, done: atWorker)
                var socket: (any RouterSocket)?
                socket = try network.bind(endpoint, on: first) { sender, message in
                    guard message.readableBytes == 0 else { return sink.take(message) }
                    Source(count, on: first) { socket?.send($0, to: sender) ?? .unreachable }.run()
                }
            }.get()
            try await second.submit {
                let sink = Sink(count, done: atFrontdoor)
                let socket = try network.connect(endpoint, as: id, on: second) { message in sink.take(message) }
                Source(count, on: second) { socket.send($0) }.run()
            }.get()
            #expect(try await atFrontdoor.next(within: .seconds(60)))
            #expect(try await atWorker.next(within: .seconds(60)))
        }
    }

    /// The worker's loop sends while it receives, and so does the front door's: every send may consume the edge that
    /// announced input, so a socket that is not asked again stops here.
    private func echo(_ bench: Bench, workers: Int, loops: Int, rounds: Int, inFlight: Int) async throws {
        let network = bench.network
        for worker in 0..<workers {
            let (endpoint, loop) = (bench.endpoint("\(worker)"), bench.loops[worker])
            try await loop.submit {
                var socket: (any RouterSocket)?
                socket = try network.bind(endpoint, on: loop) { sender, message in
                    guard message.readableBytes > 0 else { return }
                    _ = socket?.send(message, to: sender)
                }
            }.get()
        }
        var ends: [Inbox<Bool>] = []
        for number in 0..<loops {
            for worker in 0..<workers {
                let done = Inbox<Bool>()
                ends.append(done)
                let (endpoint, loop) = (bench.endpoint("\(worker)"), bench.loops[workers + number])
                let id = try link(UInt32(worker) + 1, loop: UInt16(number))
                try await loop.submit {
                    var socket: (any DealerSocket)?
                    let sink = Sink(rounds, done: done)
                    var sent = 0
                    func fill() {
                        while sent < rounds, sent - sink.next < inFlight {
                            guard socket?.send(ByteBuffer(integer: sent)) == .sent else {
                                // Only before the connection has come about.
                                loop.assumeIsolated().scheduleTask(in: .milliseconds(1)) { fill() }
                                return
                            }
                            sent += 1
                        }
                    }
                    socket = try network.connect(endpoint, as: id, on: loop) { message in
                        sink.take(message)
                        // Sends come in bursts of several sizes among the receives.
                        if sent == sink.next || sink.next % 3 == 0 { fill() }
                    }
                    fill()
                }.get()
            }
        }
        for done in ends { #expect(try await done.next(within: .seconds(60))) }
    }

    @Test(arguments: NetworkKind.allCases) func `two loops talk to two workers`(kind: NetworkKind) async throws {
        try await Bench.with(kind, loops: 4) { bench in
            try await echo(bench, workers: 2, loops: 2, rounds: 2_500, inFlight: 16)
        }
    }

    @Test(arguments: NetworkKind.allCases, [1, 2, 64]) func `no wake-up is lost under load`(
        kind: NetworkKind, inFlight: Int
    ) async throws {
        try await Bench.with(kind, loops: 3) { bench in
            try await echo(bench, workers: 1, loops: 2, rounds: inFlight == 64 ? 20_000 : 3_000, inFlight: inFlight)
        }
    }

    @Test(arguments: NetworkKind.allCases) func `a worker and a front door may share a loop`(kind: NetworkKind)
        async throws
    {
        try await Bench.with(kind, loops: 1) { bench in
            let alone = Bench(
                network: bench.network, loops: [bench.loops[0], bench.loops[0]], directory: bench.directory)
            try await echo(alone, workers: 1, loops: 1, rounds: 20_000, inFlight: 600)
        }
    }
}
