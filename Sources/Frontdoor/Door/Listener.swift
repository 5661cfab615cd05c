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
    static let backlog: Int32 = 1024

    let address: ListenAddress
    let files: PageFiles
    /// Every loop's own part of the front door.
    let doors: [ObjectIdentifier: NIOLoopBound<DoorLoop>]
    let logger: Logger

    /// - Throws: when the address is in use or not ours.
    func bind(on group: any EventLoopGroup) async throws -> any Channel {
        try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: Self.backlog)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.writeBufferWaterMark, value: Self.waterMark)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try configure(channel) }
            }
            .bind(host: address.host, port: address.port).get()
    }

    private func configure(_ channel: any Channel) throws {
        guard let bound = doors[ObjectIdentifier(channel.eventLoop)] else {
            preconditionFailure("a client on a loop without a door")
        }
        let door = bound.value
        let pipeline = channel.pipeline.syncOperations
        let handshake = HandshakeHandler(door: door, logger: logger)
        let page = PageHandler(files: files)
        let handlers = NIOLoopBound((handshake, page), eventLoop: channel.eventLoop)
        let upgrader = NIOWebSocketServerUpgrader(
            maxFrameSize: ClientSocketHandler.maximumMessage,
            automaticErrorHandling: false,
            shouldUpgrade: { channel, _ in
                channel.eventLoop.makeCompletedFuture {
                    // Nothing is read into a WebSocket that nobody is ready for.
                    try channel.syncOptions?.setOption(.autoRead, value: false)
                    var headers: HTTPHeaders = ["Server": serverHeader]
                    if let dialect = handlers.value.0.dialect {
                        headers.add(name: "Sec-WebSocket-Protocol", value: dialect.rawValue)
                    }
                    return headers
                }
            },
            upgradePipelineHandler: { channel, _ in
                channel.eventLoop.makeCompletedFuture {
                    guard let dialect = handlers.value.0.dialect else {
                        throw ChannelError.inappropriateOperationForState
                    }
                    try channel.pipeline.syncOperations.addHandlers(
                        NIOWebSocketFrameAggregator(
                            minNonFinalFragmentSize: 0, maxAccumulatedFrameCount: 1024,
                            maxAccumulatedFrameSize: ClientSocketHandler.maximumMessage),
                        ClientSocketHandler(door: bound.value, dialect: dialect, logger: logger))
                }
            })
        try pipeline.configureHTTPServerPipeline(
            withServerUpgrade: (
                upgraders: [upgrader],
                completionHandler: { context in
                    for handler in [handlers.value.0, handlers.value.1] as [any RemovableChannelHandler] {
                        context.pipeline.syncOperations.removeHandler(handler, promise: nil)
                    }
                }
            ))
        let upgrade = try pipeline.handler(type: HTTPServerUpgradeHandler.self)
        try pipeline.addHandler(handshake, position: .before(upgrade))
        try pipeline.addHandler(page)
    }
}
