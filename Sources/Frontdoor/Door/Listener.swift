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

    /// Begins to accept.
    ///
    /// - Parameter sockets: belong to the acceptor from now on.
    func open(_ sockets: [ListeningSocket]) throws(ListeningProblem) -> Acceptor {
        let loops = doors.values.map(\.eventLoop)
        return try Acceptor(sockets) { number, descriptor in serve(descriptor, on: loops[number % loops.count]) }
    }

    /// - Parameter descriptor: a client's socket.
    private func serve(_ descriptor: Int32, on loop: any EventLoop) {
        ClientBootstrap(group: loop)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.writeBufferWaterMark, value: Self.waterMark)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try configure(channel) }
            }
            .withConnectedSocket(descriptor)
            .whenFailure { error in
                // He was gone before he was served.
                logger.debug("client lost", metadata: .keyed([.error: "\(error)"]))
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
