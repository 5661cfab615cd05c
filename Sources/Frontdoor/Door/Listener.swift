import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOWebSocket
import Sylkrtc
import Telemetry

/// Accepts clients, and builds each one's pipeline on the loop that will own it.
struct Listener: Sendable {
    /// What may be written ahead of a client before it counts as not writable.
    static let waterMark = ChannelOptions.Types.WriteBufferWaterMark(low: 64 << 10, high: 256 << 10)

    let files: PageFiles
    /// Every loop's own part of the front door.
    let doors: [ObjectIdentifier: NIOLoopBound<DoorLoop>]
    let logger: Logger

    /// - Parameter sockets: whose descriptors belong to the channels from now on.
    func open(_ sockets: [ListeningSocket], on group: any EventLoopGroup) async throws -> [any Channel] {
        var channels: [any Channel] = []
        for socket in sockets {
            let channel = try await ServerBootstrap(group: group)
                .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
                .childChannelOption(.writeBufferWaterMark, value: Self.waterMark)
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture { try configure(channel) }
                }
                .withBoundSocket(socket.descriptor).get()
            channels.append(channel)
        }
        return channels
    }

    /// Accepts nobody any more. Who has been accepted is served: NIO drops a client whose listener is closed before the
    /// client's pipeline stands, so first no more are taken, then every loop has made what it was given.
    func close(_ channels: [any Channel]) async throws {
        for channel in channels { try await channel.setOption(.autoRead, value: false).get() }
        for door in doors.values { try await door.eventLoop.submit {}.get() }
        for channel in channels {
            try await channel.eventLoop.submit {}.get()
            try await channel.close()
        }
    }

    func configure(_ channel: any Channel) throws {
        guard let bound = doors[ObjectIdentifier(channel.eventLoop)] else {
            preconditionFailure("a client on a loop without a door")
        }
        let door = bound.value
        door.visitorCame()
        channel.closeFuture.whenComplete { _ in bound.value.visitorLeft() }
        let agreement = NIOLoopBoundBox<Dialect?>(nil, eventLoop: channel.eventLoop)
        let http = HTTPHandler(files: files, handshake: door.handshake, logger: logger)
        let removable = NIOLoopBound(http, eventLoop: channel.eventLoop)
        let upgrader = NIOWebSocketServerUpgrader(
            maxFrameSize: ClientSocketHandler.maximumMessage,
            automaticErrorHandling: false,
            shouldUpgrade: { channel, head in
                channel.eventLoop.makeSucceededFuture(Self.agree(head, with: bound.value, agreement))
            },
            upgradePipelineHandler: { channel, _ in
                channel.eventLoop.makeCompletedFuture {
                    guard let dialect = agreement.value else { throw ChannelError.inappropriateOperationForState }
                    try channel.pipeline.syncOperations.addHandlers(
                        MaskingHandler(),
                        NIOWebSocketFrameAggregator(
                            minNonFinalFragmentSize: 0, maxAccumulatedFrameCount: 1024,
                            maxAccumulatedFrameSize: ClientSocketHandler.maximumMessage),
                        ClientSocketHandler(door: bound.value, dialect: dialect, logger: logger))
                }
            })
        try channel.pipeline.syncOperations.configureHTTPServerPipeline(
            withServerUpgrade: (
                upgraders: [upgrader],
                completionHandler: { context in
                    context.pipeline.syncOperations.removeHandler(removable.value, promise: nil)
                }
            ))
        try channel.pipeline.syncOperations.addHandler(http)
    }

    /// - Returns: the headers of the upgrade; nil: there is none, and ``HTTPHandler`` says why.
    private static func agree(
        _ head: HTTPRequestHead, with door: DoorLoop, _ agreement: NIOLoopBoundBox<Dialect?>
    ) -> HTTPHeaders? {
        guard head.uri.prefix(while: { $0 != "?" }) == Handshake.path,
            case .accepted(let dialect) = door.handshake(head)
        else { return nil }
        agreement.value = dialect
        return ["Server": serverHeader, "Sec-WebSocket-Protocol": dialect.rawValue]
    }
}
