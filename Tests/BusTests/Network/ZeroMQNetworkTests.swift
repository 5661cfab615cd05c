import Bus
import Foundation
import Glibc
import NIOCore
import NIOPosix
import Testing

/// What only the real network has: files, and an end.
struct ZeroMQNetworkTests {
    private func expectBinding(
        _ bench: Bench, _ endpoint: String, endsWith expected: BusError?,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        var refusal: BusError?
        do {
            _ = try await TestRouter(bench.network, endpoint, on: bench.loops[0])
        } catch let error as BusError {
            refusal = error
        }
        #expect(refusal == expected, sourceLocation: sourceLocation)
    }

    private func expectConnecting(
        _ bench: Bench, _ endpoint: String, endsWith expected: BusError?,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        var refusal: BusError?
        do {
            _ = try await TestDealer(bench.network, endpoint, as: try link(1), on: bench.loops[0])
        } catch let error as BusError {
            refusal = error
        }
        #expect(refusal == expected, sourceLocation: sourceLocation)
    }

    private func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    private func makeDirectory(_ bench: Bench, mode: mode_t) {
        #expect(mkdir(bench.directory, 0o700) == 0)
        #expect(chmod(bench.directory, mode) == 0)
    }

    // MARK: Endpoints

    @Test(arguments: [
        "tcp://127.0.0.1:5000", "ipc://relative/path", "ipc://", "ipc:///", "ipc:///tmp/", "inproc://x", "",
    ])
    func `only ipc with an absolute path is an endpoint`(endpoint: String) async throws {
        try await Bench.with(.zeroMQ) { bench in
            try await expectBinding(bench, endpoint, endsWith: .unsupportedEndpoint(endpoint))
            try await expectConnecting(bench, endpoint, endsWith: .unsupportedEndpoint(endpoint))
        }
    }

    @Test func `a path may have 107 bytes`() async throws {
        try await Bench.with(.zeroMQ) { bench in
            let longest = bench.directory + "/" + String(repeating: "s", count: 106 - bench.directory.utf8.count)
            #expect(longest.utf8.count == 107)
            let router = try await TestRouter(bench.network, "ipc://" + longest, on: bench.loops[0])
            _ = try await TestDealer(bench.network, "ipc://" + longest, as: try link(1), on: bench.loops[1])
            #expect(try await router.inbox.next() == .probe(link(1)))
            let tooLong = BusError.pathTooLong(longest + "s", length: 108)
            try await expectBinding(bench, "ipc://" + longest + "s", endsWith: tooLong)
            try await expectConnecting(bench, "ipc://" + longest + "s", endsWith: tooLong)
        }
    }

    @Test func `the directory is made private`() async throws {
        try await Bench.with(.zeroMQ) { bench in
            try await expectBinding(bench, bench.endpoint(), endsWith: nil)
            var status = stat()
            #expect(stat(bench.directory, &status) == 0)
            #expect(status.st_mode & 0o7777 == 0o700)
        }
    }

    @Test(arguments: [mode_t(0o750), 0o701, 0o770, 0o777]) func `a directory open to others is refused`(mode: mode_t)
        async throws
    {
        try await Bench.with(.zeroMQ) { bench in
            makeDirectory(bench, mode: mode)
            let refused = BusError.directoryNotPrivate(bench.directory, mode: mode)
            try await expectBinding(bench, bench.endpoint(), endsWith: refused)
            try await expectConnecting(bench, bench.endpoint(), endsWith: refused)
            #expect(!exists(bench.directory + "/worker"))
            #expect(refused.description.hasSuffix("mode 0700, not 0\(String(mode, radix: 8))"))
        }
    }

    @Test func `directories above are not made`() async throws {
        try await Bench.with(.zeroMQ) { bench in
            try await expectBinding(
                bench, bench.endpoint("a/worker"),
                endsWith: .system(operation: "mkdir", path: bench.directory + "/a", code: ENOENT))
        }
    }

    // MARK: Files

    @Test func `a socket left behind is replaced`() async throws {
        try await Bench.with(.zeroMQ) { bench in
            makeDirectory(bench, mode: 0o700)
            let path = bench.directory + "/worker"
            let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
            let bound = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    Glibc.bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
            #expect(bound == 0)
            Glibc.close(descriptor)
            #expect(exists(path))
            let router = try await TestRouter(bench.network, bench.endpoint(), on: bench.loops[0])
            _ = try await TestDealer(bench.network, bench.endpoint(), as: try link(1), on: bench.loops[1])
            #expect(try await router.inbox.next() == .probe(link(1)))
        }
    }

    @Test func `what is no socket is left alone`() async throws {
        try await Bench.with(.zeroMQ) { bench in
            makeDirectory(bench, mode: 0o700)
            let path = bench.directory + "/worker"
            try Data("precious".utf8).write(to: URL(filePath: path))
            try await expectBinding(bench, bench.endpoint(), endsWith: .notASocket(path))
            #expect(try Data(contentsOf: URL(filePath: path)) == Data("precious".utf8))
        }
    }

    @Test func `closing removes the file, but not a successor's`() async throws {
        try await Bench.with(.zeroMQ) { bench in
            let path = bench.directory + "/worker"
            let first = try await TestRouter(bench.network, bench.endpoint(), on: bench.loops[0])
            #expect(exists(path))
            let second = try await TestRouter(bench.network, bench.endpoint(), on: bench.loops[0])
            try await first.close()
            #expect(exists(path))
            try await second.close()
            #expect(!exists(path))
        }
    }

    // MARK: The end

    @Test func `shutting down needs no closing and leaves nothing`() async throws {
        try await Bench.with(.zeroMQ) { bench in
            let network = try #require(bench.network as? ZeroMQNetwork)
            let router = try await TestRouter(network, bench.endpoint(), on: bench.loops[0])
            let dealer = try await TestDealer(network, bench.endpoint(), as: try link(1), on: bench.loops[1])
            let waiting = try await TestDealer(network, bench.endpoint("nobody"), as: try link(2), on: bench.loops[1])
            #expect(try await router.inbox.next() == .probe(link(1)))
            let large = String(repeating: "x", count: 100_000)
            for _ in 0..<200 { _ = try await dealer.send(large) }
            for _ in 0..<200 { _ = try await router.send(large, to: try link(1)) }
            async let other: Void = network.shutdown()
            await network.shutdown()
            await other
            #expect(!exists(bench.directory + "/worker"))
            #expect(try await router.send("late", to: try link(1)) == .unreachable)
            #expect(try await waiting.send("late") == .unreachable)
            try await expectBinding(bench, bench.endpoint(), endsWith: .networkClosed)
            try await expectConnecting(bench, bench.endpoint(), endsWith: .networkClosed)
            await network.shutdown()
        }
    }

    @Test func `a loop that hangs does not keep the process`() async throws {
        try await Bench.with(.zeroMQ) { bench in
            let network = try #require(bench.network as? ZeroMQNetwork)
            _ = try await TestRouter(network, bench.endpoint(), on: bench.loops[0])
            let (busy, free) = (Inbox<Void>(), BusyFlag())
            bench.loops[0].execute {
                busy.put(())
                free.wait()
            }
            try await busy.next()
            // The loop is let go only afterwards: that this returns is the proof.
            await network.shutdown()
            free.set()
        }
    }
}
