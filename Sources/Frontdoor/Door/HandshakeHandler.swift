import Logging
import NIOCore
import NIOHTTP1
import Sylkrtc
import Telemetry

/// Stands before the upgrade: requests for the WebSocket's path that may not become one are answered here, and never get
/// any further. It leaves with the upgrade.
final class HandshakeHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    /// A client that is slower than this to say what it wants is let go.
    static let timeout = TimeAmount.seconds(5)

    private let door: DoorLoop
    private let logger: Logger
    private var timer: Scheduled<Void>?
    private var isRefusing = false
    /// What the handshake agreed on, for whoever takes the channel over.
    private(set) var dialect: Dialect?

    init(door: DoorLoop, logger: Logger) {
        self.door = door
        self.logger = logger
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let channel = context.channel
        timer = context.eventLoop.scheduleTask(in: Self.timeout) { channel.close(promise: nil) }
    }

    func handlerRemoved(context: ChannelHandlerContext) { timer?.cancel() }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            guard head.uri.prefix(while: { $0 != "?" }) == Handshake.path else {
                // The page: the connection may be kept for a few requests, each of which has its own time.
                timer?.cancel()
                handlerAdded(context: context)
                return context.fireChannelRead(data)
            }
            switch door.handshake(head) {
            case .accepted(let dialect):
                self.dialect = dialect
                context.fireChannelRead(data)
            case .refused(let status, let headers):
                isRefusing = true
                refuse(status, headers, context)
            }
        case .body, .end:
            if !isRefusing { context.fireChannelRead(data) }
        }
    }

    private func refuse(_ status: HTTPResponseStatus, _ headers: [String: String], _ context: ChannelHandlerContext) {
        logger.info(
            "handshake refused",
            metadata: .keyed([
                .peer: context.remoteAddress?.description ?? "unknown",
                .reason: "\(status.code) \(status.reasonPhrase)",
            ]))
        var fields = HTTPHeaders(headers.map { ($0.key, $0.value) })
        fields.add(name: "Server", value: serverHeader)
        fields.add(name: "Connection", value: headers["Upgrade"] == nil ? "close" : "close, Upgrade")
        fields.add(name: "Content-Length", value: "0")
        let head = HTTPResponseHead(version: .http1_1, status: status, headers: fields)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in channel.close(promise: nil) }
    }
}
