import Bus
import Foundation
import Logging
import NIOCore
import NIOPosix
import Registry
import SIPLookup
import ServiceLifecycle
import Settings
import Telemetry

/// The worker as a service: starts the core on its loop, waits for the end, stops it.
struct WorkerService: Service, CustomStringConvertible {
    let configuration: WorkerConfiguration
    /// SIGHUP.
    let reload: Reload
    let logger: Logger

    /// The life cycle logs its services as they describe themselves: without the secrets in the configuration.
    var description: String { "worker" }

    func run() async throws {
        let trace = try openTrace()
        defer { trace?.stop() }
        let pages = ManagementPages { Self.report(trace) }
        let management = try await ManagementServer.start(configuration.management, pages: pages, logger: logger)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.any()
        let network = try ZeroMQNetwork()
        let path = configuration.installation.registryPath
        let registry = RegistryThread(label: "registry", logger: logger) { () throws(RegistryError) in
            try SQLiteRegistryStore(path: path)
        }
        let proxies = try await loop.submit { [configuration, logger] in
            let proxies = try ProxyLookup.withDNS(
                configuration.sip.lookup, servers: configuration.sip.nameServers, loop: loop, logger: logger)
            return NIOLoopBound(proxies, eventLoop: loop)
        }.get()
        let (ends, continuation) = AsyncStream.makeStream(of: WorkerCore.End.self)
        let core = try await loop.submit { [configuration, logger] in
            let core = WorkerCore(
                configuration, loop: loop, network: network, connector: WebSocketJanusConnector(), registry: registry,
                proxies: proxies.value,
                heart: Heart(Supervisor(environment: ProcessInfo.processInfo.environment), logger: logger),
                faults: .fromEnvironment(), trace: trace, logger: logger
            ) { end in
                if case .superseded(let reason) = end {
                    // The slot is another's: whatever would still be said or done from here could only do harm.
                    logger.critical("the slot is lost", metadata: .keyed([.reason: reason]))
                    exit(EXIT_FAILURE)
                }
                continuation.yield(end)
            }
            core.start()
            return NIOLoopBound(core, eventLoop: loop)
        }.get()
        pages.serve([Self.source(core)])

        let end = await cancelWhenGracefulShutdown { await ends.first { _ in true } }
        await withCheckedContinuation { continuation in
            loop.execute {
                core.value.stop {
                    proxies.value.stop()
                    continuation.resume()
                }
            }
        }
        try await management?.stop()
        registry.stop()
        await network.shutdown()
        try await group.shutdownGracefully()
        if let end { throw end }
    }
}
