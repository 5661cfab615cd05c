import Foundation
import Identity
import Logging
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import Registry
import Telemetry

/// The management interface as it is open: its socket, and a thread of its own for all that is asked there and for the pushes
/// that come of it. No client waits for that thread, and it waits for none of the clients' loops.
final class ManagementEntrance: Sendable {
    /// Connections at a time. Beyond: closed at once.
    static let maximumConnections = 128
    /// For requests that are under way when it closes.
    private static let closingTime = TimeAmount.seconds(2)

    private struct Answerer: WholeRequestAnswering {
        let desk: NIOLoopBound<ManagementDesk>

        func answer(_ request: WholeRequest, on loop: any EventLoop) -> EventLoopFuture<WholeReply> {
            desk.value.answer(request)
        }

        func refuseBody(of request: WholeRequest) -> WholeReply { desk.value.refuseBody(of: request) }
    }

    private let group: MultiThreadedEventLoopGroup
    private let acceptor: Acceptor
    private let connections: ConnectionCount
    private let desk: NIOLoopBound<ManagementDesk>
    private let sender: NIOLoopBound<PushSender>
    private let service: SylkPushService?

    /// Binds the address, together with the other front doors of this host and user. Nobody is let in before it is opened.
    ///
    /// - Returns: nil: there is no interface. The standard address may be somebody else's; one that was asked for must be had.
    static func bind(_ interface: ManagementInterface, logger: Logger) throws(ListeningProblem) -> ListeningSocket? {
        guard case .address(let address) = interface else { return nil }
        do throws(ListeningProblem) {
            return try .join(address)
        } catch {
            guard interface == .standard else {
                throw ListeningProblem("[General] http_management_interface: \(error.text)")
            }
            logger.warning(
                "the management interface is not served",
                metadata: .keyed([.endpoint: "\(address)", .error: error.text]))
            return nil
        }
    }

    /// Begins to serve.
    ///
    /// - Parameter socket: its own from now on.
    static func open(
        _ socket: ListeningSocket, _ settings: ManagementSettings, tokens: DeviceTokens, hits: LimitHits, logger: Logger
    ) async throws -> ManagementEntrance {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.any()
        let service = settings.push.url.map { SylkPushService($0, settings.push, on: loop) }
        let (desk, sender) = try await loop.submit {
            let tokens = LoopDeviceTokens(tokens, loop: loop)
            let sender = PushSender(service, tokens: tokens, loop: loop, logger: logger)
            let desk = ManagementDesk(
                secret: settings.secret, tokens: tokens, pushes: sender, loop: loop, logger: logger)
            return (NIOLoopBound(desk, eventLoop: loop), NIOLoopBound(sender, eventLoop: loop))
        }.get()
        let entrance: ManagementEntrance
        do {
            entrance = try ManagementEntrance(
                socket, group: group, desk: desk, sender: sender, service: service, hits: hits, logger: logger)
        } catch {
            await service?.stop()
            try await group.shutdownGracefully()
            throw error
        }
        logger.notice("management interface", metadata: .keyed([.endpoint: "\(settings.interface)"]))
        return entrance
    }

    private init(
        _ socket: ListeningSocket, group: MultiThreadedEventLoopGroup, desk: NIOLoopBound<ManagementDesk>,
        sender: NIOLoopBound<PushSender>, service: SylkPushService?, hits: LimitHits, logger: Logger
    ) throws(ListeningProblem) {
        self.group = group
        self.desk = desk
        self.sender = sender
        self.service = service
        let connections = ConnectionCount(maximum: Self.maximumConnections)
        self.connections = connections
        let answerer = Answerer(desk: desk)
        // What waits in this socket's queue is nobody else's, as it is where a socket itself is shared.
        acceptor = try Acceptor([socket], leavesNobody: true) { _, descriptor in
            guard let place = connections.come() else {
                close(descriptor)
                return
            }
            ClientBootstrap(group: group)
                .channelInitializer { channel in
                    channel.closeFuture.whenComplete { _ in place.leave() }
                    return channel.eventLoop.makeCompletedFuture {
                        try WholeRequestHandler.configure(channel, answerer)
                    }
                }
                .withConnectedSocket(descriptor)
                .whenFailure { error in
                    // He was gone before he was served.
                    place.leave()
                    logger.debug("client lost", metadata: .keyed([.error: "\(error)"]))
                }
        } failed: { code in
            hits.hit(.descriptors, by: .keyed([.error: String(cString: strerror(code))]))
        }
    }

    /// For the pages of the operator.
    var source: ManagementPages.Source {
        ManagementPages.Source(
            name: "management interface", loop: desk.eventLoop, readiness: { .ready("ready") },
            metrics: { [desk] in
                var report = MetricsReport()
                desk.value.report(to: &report)
                return report
            })
    }

    /// Nobody comes in any more; who is in is answered, and pushes that are under way end, which takes a few seconds at the
    /// most. Pushes that wait are dropped.
    func stop() async {
        await acceptor.stop()
        let loop = desk.eventLoop
        let timer = loop.scheduleTask(in: Self.closingTime) { [connections] in connections.giveUp() }
        await connections.untilNobody()
        timer.cancel()
        await withCheckedContinuation { continuation in
            loop.execute { [sender] in sender.value.stop { continuation.resume() } }
        }
        await service?.stop()
    }

    /// After ``stop()``, when nobody asks its loop any more.
    func end() async throws { try await group.shutdownGracefully() }
}
