import Bus
import Foundation
import NIOCore
import NIOPosix
import Testing

/// The implementations that one suite holds to the same rules.
enum NetworkKind: CaseIterable, Sendable {
    case inMemory
    case zeroMQ
}

/// A network with loops and a private directory, for the length of one test.
struct Bench: Sendable {
    let network: any BusNetwork
    let loops: [any EventLoop]
    let directory: String

    func endpoint(_ name: String = "worker") -> String { "ipc://\(directory)/\(name)" }

    static func with(_ kind: NetworkKind, loops: Int = 2, _ body: (Bench) async throws -> Void) async throws {
        switch kind {
        case .inMemory:
            try await run(InMemoryNetwork(), loops, body) {}
        case .zeroMQ:
            let network = try ZeroMQNetwork()
            try await run(network, loops, body) { await network.shutdown() }
        }
    }

    private static func run(
        _ network: any BusNetwork, _ loops: Int, _ body: (Bench) async throws -> Void, _ end: () async -> Void
    ) async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: loops)
        // Short: a socket's path has few bytes.
        let directory = "/tmp/bus-\(UInt32.random(in: .min ... .max))"
        let bench = Bench(network: network, loops: Array(group.makeIterator()), directory: directory)
        let outcome: Result<Void, any Error>
        do {
            outcome = .success(try await body(bench))
        } catch {
            outcome = .failure(error)
        }
        await end()
        try await group.shutdownGracefully()
        try? FileManager.default.removeItem(atPath: directory)
        try outcome.get()
    }
}
