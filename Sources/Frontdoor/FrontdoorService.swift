import Bus
import Foundation
import Identity
import Logging
import NIOCore
import NIOPosix
import Registry
import ServiceLifecycle
import Settings
import Telemetry

/// The front door as a service: composes registry, bus, loops and listener, and takes them down in the opposite order.
struct FrontdoorService: Service, CustomStringConvertible {
    /// Why it cannot start, in words for the operator.
    struct Failure: Error { let problem: String }

    let configuration: FrontdoorConfiguration
    /// Sockets that were there when the process began.
    let inherited: [ListeningSocket]
    /// Every signal to end; the first is a graceful shutdown as well.
    let signals: AsyncStream<Void>
    let tls: TLSIdentity?
    /// SIGHUP.
    let reload: Reload
    let logger: Logger

    /// The life cycle logs its services as they describe themselves: without the configuration.
    var description: String { "frontdoor" }

    func run() async throws {
        let files: PageFiles
        do {
            files = try PageFiles()
        } catch {
            throw Failure(problem: "the page's files are not beside the executable: \(error)")
        }
        let trace = try openTrace()
        let hits = LimitHits(logger: logger)
        let pages = ManagementPages { Self.report(hits, trace) }
        let management = try await ManagementServer.start(configuration.management, pages: pages, logger: logger)
        defer { trace?.stop() }
        let sockets: Reception.Sockets
        do {
            sockets = try await Reception.Sockets.acquire(configuration, inherited: inherited, logger: logger)
        } catch let error as ListeningProblem {
            throw Failure(problem: error.text)
        }
        let interface: ListeningSocket?
        do {
            interface = try ManagementEntrance.bind(configuration.interface.interface, logger: logger)
        } catch {
            sockets.close()
            throw Failure(problem: error.text)
        }
        let path = configuration.installation.registryPath
        let registry = RegistryThread(label: "registry", logger: logger) { () throws(RegistryError) in
            try SQLiteRegistryStore(path: path)
        }
        let tokens = DeviceTokens(directory: configuration.stateDirectory, logger: logger)
        tokens.start()
        let registration = try await cancelWhenGracefulShutdown {
            try await Presence.register(configuration.id, in: registry, logger: logger)
        }
        // Asked to stop before it had begun.
        guard let presence = registration else {
            sockets.close()
            interface?.close()
            registry.stop()
            tokens.stop()
            try await management?.stop()
            return
        }
        let network = try ZeroMQNetwork()
        let gate = Gate(
            configuration.limits, descriptors: DescriptorLimit.forClients(of: DescriptorLimit.raise()),
            proxies: configuration.proxies, hits: hits)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: configuration.loops)
        let doors = try await makeDoors(
            on: group, presence: presence, network: network, registry: registry, tokens: tokens, hits: hits,
            trace: trace)
        var entrance: ManagementEntrance?
        if let interface {
            entrance = try await ManagementEntrance.open(
                interface, configuration.interface, tokens: tokens, hits: hits, logger: logger)
        }
        pages.serve(Self.sources(doors) + (entrance.map { [$0.source] } ?? []))
        var isSuperseded = false
        var problem: String?
        do {
            let reception = Reception(
                configuration, sockets: sockets, isShared: sockets.takeOver != nil || !inherited.isEmpty,
                listener: Listener(
                    files: files, doors: doors, gate: gate, limits: configuration.limits, tls: tls, logger: logger),
                logger: logger)
            isSuperseded = try await reception.run(presence: presence, signals: signals) == .superseded
        } catch let error as ListeningProblem {
            problem = error.text
        } catch {
            problem = "\(error)"
        }
        await withTaskGroup(of: Void.self) { tasks in
            for door in doors.values { tasks.addTask { await stop(door) } }
        }
        await entrance?.stop()
        try await management?.stop()
        try await entrance?.end()
        await presence.end()
        registry.stop()
        tokens.stop()
        await network.shutdown()
        try await group.shutdownGracefully()
        if let problem { throw Failure(problem: problem) }
        if isSuperseded { throw Failure(problem: "another process is front door \(configuration.id) now") }
    }

    private func makeDoors(
        on group: MultiThreadedEventLoopGroup, presence: Presence, network: ZeroMQNetwork, registry: RegistryThread,
        tokens: DeviceTokens, hits: LimitHits, trace: TraceWriter?
    ) async throws -> [ObjectIdentifier: NIOLoopBound<DoorLoop>] {
        var doors: [ObjectIdentifier: NIOLoopBound<DoorLoop>] = [:]
        for (number, loop) in group.makeIterator().enumerated() {
            let id = FrontdoorLoopID(
                frontdoor: configuration.id, incarnation: presence.incarnation, loop: UInt16(number))
            doors[ObjectIdentifier(loop)] = try await loop.submit { [configuration, logger] in
                let door = DoorLoop(
                    id, loop: loop, configuration: configuration, network: network, registry: registry,
                    tokens: tokens, hits: hits, trace: trace, logger: logger)
                door.start()
                return NIOLoopBound(door, eventLoop: loop)
            }.get()
        }
        return doors
    }

    private func stop(_ door: NIOLoopBound<DoorLoop>) async {
        await withCheckedContinuation { continuation in
            door.eventLoop.execute { door.value.stop { continuation.resume() } }
        }
    }
}
