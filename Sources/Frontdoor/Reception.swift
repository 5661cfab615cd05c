import Foundation
import Logging
import NIOCore
import NIOPosix
import Settings
import Telemetry

/// A front door's open time: from the sockets it listens on to the last client, as ``DrainStateMachine`` decides.
struct Reception: Sendable {
    private enum Event: Sendable {
        case mayOpen
        /// No worker was found, and whom we would follow serves.
        case unserved
        case signalled
        case handedOver
        case loopEmptied
        case deadlinePassed
        case superseded
    }

    /// What is open.
    private struct Entrance {
        let acceptor: Acceptor
        let handover: HandoverServer
    }

    private static let poll = Duration.milliseconds(20)

    private let configuration: FrontdoorConfiguration
    private let listener: Listener
    private let sockets: [ListeningSocket]
    private let takeOver: TakeOver?
    /// Somebody else accepts from the same sockets, or may.
    private let isShared: Bool
    private let logger: Logger

    /// Where it listens. They are had before the front door begins a life in the registry, because that ends the life of
    /// another process of the same number: one that cannot serve must not do that.
    struct Sockets {
        let sockets: [ListeningSocket]
        let takeOver: TakeOver?

        /// Inherits, takes over or makes the listening sockets.
        static func acquire(
            _ configuration: FrontdoorConfiguration, inherited: [ListeningSocket], logger: Logger
        ) async throws -> Sockets {
            guard inherited.isEmpty else {
                guard configuration.predecessor == nil else {
                    throw ListeningProblem("--take-over: this front door has inherited its sockets (LISTEN_FDS)")
                }
                return Sockets(sockets: inherited, takeOver: nil)
            }
            if let predecessor = configuration.predecessor {
                let path = try HandoverServer.path(of: predecessor, in: configuration.installation.busDirectory)
                if let found = try await NIOThreadPool.singleton.runIfActive({ try TakeOver.ask(at: path) }) {
                    return Sockets(sockets: found.sockets, takeOver: found)
                }
                logger.notice("nothing to take over", metadata: .keyed([.frontdoor: "\(predecessor)"]))
            }
            return Sockets(sockets: [try .bind(to: configuration.listen)], takeOver: nil)
        }

        func close() {
            if let takeOver { return takeOver.giveUp() }
            for socket in sockets { socket.close() }
        }
    }

    init(
        _ configuration: FrontdoorConfiguration, sockets: Sockets, isShared: Bool, listener: Listener, logger: Logger
    ) {
        self.configuration = configuration
        self.listener = listener
        self.logger = logger
        self.isShared = isShared
        self.sockets = sockets.sockets
        takeOver = sockets.takeOver
    }

    /// Until the end. The clients that are still there then have yet to be told.
    func run(
        presence: Presence, signals: AsyncStream<Void>
    ) async throws -> DrainStateMachine.End {
        let (events, happened) = AsyncStream.makeStream(of: Event.self)
        let doors = Array(listener.doors.values)
        var machine = DrainStateMachine(time: .seconds(Int64(configuration.drainTime)), loops: doors.count)
        var entrance: Entrance?
        return try await withThrowingTaskGroup(of: Void.self) { tasks in
            defer { tasks.cancelAll() }
            tasks.addTask { if await presence.keepAlive(doors: doors) { happened.yield(.superseded) } }
            tasks.addTask { for await _ in signals { happened.yield(.signalled) } }
            tasks.addTask {
                guard isShared, await !clientsAreLetIn(), takeOver != nil else {
                    happened.yield(.mayOpen)
                    return
                }
                happened.yield(.unserved)
            }
            for await event in events {
                let action: DrainStateMachine.Action
                switch event {
                case .mayOpen: action = machine.mayOpen()
                case .unserved:
                    takeOver?.giveUp()
                    throw ListeningProblem("no worker serves this front door: the other one goes on")
                case .signalled: action = machine.signalled()
                case .handedOver: action = machine.handedOver()
                case .loopEmptied: action = machine.loopEmptied()
                case .deadlinePassed: action = machine.deadlinePassed()
                case .superseded: action = machine.superseded()
                }
                switch action {
                case .none: break
                case .open: entrance = try open { happened.yield(.handedOver) }
                case .drain(let time):
                    await close(&entrance)
                    await drain(for: time) { happened.yield(.loopEmptied) }
                    tasks.addTask {
                        // Cancelled when everybody has left before.
                        do { try await Task.sleep(for: .nanoseconds(time.nanoseconds)) } catch { return }
                        happened.yield(.deadlinePassed)
                    }
                case .end(let end):
                    await close(&entrance)
                    if end != .atOnce { logger.notice("drained", metadata: .keyed([.reason: "\(end)"])) }
                    return end
                }
            }
            return .atOnce
        }
    }

    /// Where others accept as well, nobody is taken whom we would have to refuse: he waits, or goes to the other. After as
    /// long as clients are let in without a worker we have to have our say.
    ///
    /// - Returns: false when the time is over.
    private func clientsAreLetIn() async -> Bool {
        let deadline = NIODeadline.now() + ServingStateMachine.patience
        while NIODeadline.now() < deadline {
            do {
                var isOpen = true
                for door in listener.doors.values {
                    let letsIn = try await door.eventLoop.submit { door.value.letsIn }.get()
                    isOpen = isOpen && letsIn
                }
                if isOpen { return true }
                try await Task.sleep(for: Self.poll)
            } catch {
                // Cancelled: it ends before it has opened.
                return true
            }
        }
        return false
    }

    private func open(handedOver: @escaping @Sendable () -> Void) throws -> Entrance {
        var copies: [ListeningSocket] = []
        for socket in sockets { copies.append(try socket.duplicate()) }
        let path = try HandoverServer.path(of: configuration.id, in: configuration.installation.busDirectory)
        // First what may fail for good: a client that is accepted is to be served.
        let handover = try HandoverServer(at: path, sockets: copies, logger: logger, handedOver: handedOver)
        let acceptor: Acceptor
        do {
            acceptor = try listener.open(sockets)
        } catch {
            handover.stop()
            throw error
        }
        for copy in copies { logger.notice("listening", metadata: .keyed([.endpoint: copy.address ?? "unknown"])) }
        do {
            try takeOver?.accepting()
        } catch {
            // It ended meanwhile, and has stopped accepting thereby.
            logger.warning("the other front door was not told", metadata: .keyed([.error: error.text]))
        }
        return Entrance(acceptor: acceptor, handover: handover)
    }

    private func close(_ entrance: inout Entrance?) async {
        guard let open = entrance else { return }
        entrance = nil
        await open.acceptor.stop()
        open.handover.stop()
    }

    private func drain(for time: TimeAmount, loopEmptied: @escaping @Sendable () -> Void) async {
        let deadline = Date(timeIntervalSinceNow: TimeInterval(time.nanoseconds) / 1e9)
        var count = 0
        for door in listener.doors.values {
            count += await withCheckedContinuation { continuation in
                door.eventLoop.execute {
                    continuation.resume(returning: door.value.startDraining(whenEmpty: loopEmptied))
                }
            }
        }
        logger.notice(
            "draining",
            metadata: .keyed([.connections: "\(count)", .deadline: deadline.formatted(.iso8601)]))
    }
}
