import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOWebSocket

/// Opens real WebSockets to Janus with SwiftNIO (RFC 6455, client side).
struct WebSocketJanusConnector: JanusConnector {
    /// Messages from Janus: lists of participants and SDPs; far above what a room can hold.
    static let maximumMessage = 16 << 20
    static let connectTimeout = TimeAmount.seconds(5)

    func connect(to address: JanusAddress, subprotocol: String, on loop: any EventLoop, events: JanusSocketEvents) {
        let socket = NIOLoopBound(WebSocketJanusSocket(events: events), eventLoop: loop)
        ClientBootstrap(group: loop)
            .connectTimeout(Self.connectTimeout)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try Self.configure(channel, address: address, subprotocol: subprotocol, socket: socket.value)
                }
            }
            .connect(host: address.host, port: address.port)
            .hop(to: loop)
            .assumeIsolated()
            .whenFailure { error in
                socket.value.failed(JanusLoss("\(address): \(error)", isRefusal: Self.isRefusal(error)))
            }
    }

    private static func isRefusal(_ error: any Error) -> Bool {
        guard let error = error as? NIOConnectionError, !error.connectionErrors.isEmpty else { return false }
        return error.connectionErrors.allSatisfy { ($0.error as? IOError)?.errnoCode == ECONNREFUSED }
    }

    /// Makes a channel a client of Janus's WebSocket. On its loop.
    static func configure(
        _ channel: any Channel, address: JanusAddress, subprotocol: String, events: JanusSocketEvents
    ) throws {
        try configure(
            channel, address: address, subprotocol: subprotocol, socket: WebSocketJanusSocket(events: events))
    }

    private static func configure(
        _ channel: any Channel, address: JanusAddress, subprotocol: String, socket: WebSocketJanusSocket
    ) throws {
        let bound = NIOLoopBound(socket, eventLoop: channel.eventLoop)
        let upgrader = NIOWebSocketClientUpgrader(maxFrameSize: maximumMessage) { channel, _ in
            channel.eventLoop.makeCompletedFuture {
                let aggregator = NIOWebSocketFrameAggregator(
                    minNonFinalFragmentSize: 0, maxAccumulatedFrameCount: 4096, maxAccumulatedFrameSize: maximumMessage)
                try channel.pipeline.syncOperations.addHandlers(aggregator, bound.value)
            }
        }
        let request = UpgradeRequestHandler(address: address, subprotocol: subprotocol, socket: socket)
        let name = "upgrade request"
        // Janus may speak at once: what comes with its 101 is for the WebSocket.
        try channel.pipeline.syncOperations.addHTTPClientHandlers(
            leftOverBytesStrategy: .forwardBytes,
            withClientUpgrade: (
                upgraders: [upgrader],
                completionHandler: { context in context.pipeline.syncOperations.removeHandler(name: name, promise: nil)
                }
            ))
        try channel.pipeline.syncOperations.addHandler(request, name: name)
    }
}

/// Sends the upgrade request, and reports what went wrong when it was not granted.
private final class UpgradeRequestHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    private let address: JanusAddress
    private let subprotocol: String
    private let socket: WebSocketJanusSocket
    private var timer: Scheduled<Void>?

    init(address: JanusAddress, subprotocol: String, socket: WebSocketJanusSocket) {
        self.address = address
        self.subprotocol = subprotocol
        self.socket = socket
    }

    func handlerRemoved(context: ChannelHandlerContext) { timer?.cancel() }

    func channelActive(context: ChannelHandlerContext) {
        // Whoever accepts and stays silent is not Janus, or hangs.
        let channel = context.channel
        timer = context.eventLoop.scheduleTask(in: WebSocketJanusConnector.connectTimeout) {
            channel.close(promise: nil)
        }
        let headers: HTTPHeaders = [
            "Host": "\(address.host):\(address.port)", "Content-Length": "0", "Sec-WebSocket-Protocol": subprotocol,
        ]
        let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: address.path, headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .head(let head) = unwrapInboundIn(data) { socket.failed("\(address) answered \(head.status.code)") }
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        socket.failed("\(address) did not become a WebSocket")
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        socket.failed("\(address): \(error)")
        context.close(promise: nil)
    }
}

/// One open WebSocket. Frames of one tick leave in one write.
private final class WebSocketJanusSocket: ChannelInboundHandler, JanusSocket {
    typealias InboundIn = WebSocketFrame
    typealias OutboundOut = WebSocketFrame

    private let events: JanusSocketEvents
    private var context: ChannelHandlerContext?
    /// Where whole frames are written: past the encoder, which masks byte by byte.
    private var encoder: ChannelHandlerContext?
    private var keys = MaskingKeys()
    private var isOver = false
    private var needsFlush = false

    init(events: JanusSocketEvents) { self.events = events }

    /// Told once, whatever fails first.
    func failed(_ loss: JanusLoss) {
        guard !isOver else { return }
        isOver = true
        events.closed(loss)
    }

    func send(_ text: [UInt8]) {
        guard let context, let encoder, !isOver else { return }
        encoder.write(NIOAny(context.channel.allocator.maskedFrame(text, key: keys.next())), promise: nil)
        guard !needsFlush else { return }
        needsFlush = true
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.eventLoop.execute { bound.value.flush() }
    }

    private func flush() {
        needsFlush = false
        context?.flush()
    }

    func close() {
        isOver = true
        context?.close(promise: nil)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        do {
            encoder = try context.pipeline.syncOperations.context(handlerType: WebSocketFrameEncoder.self)
        } catch {
            preconditionFailure("a WebSocket without its encoder: \(error)")
        }
        events.opened(self)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = unwrapInboundIn(data)
        switch frame.opcode {
        case .text:
            guard !isOver else { return }
            events.received(Array(frame.unmaskedData.readableBytesView))
        case .ping:
            let pong = WebSocketFrame(fin: true, opcode: .pong, maskKey: .random(), data: frame.unmaskedData)
            context.writeAndFlush(wrapOutboundOut(pong), promise: nil)
        case .connectionClose:
            failed("Janus closed the WebSocket")
            context.close(promise: nil)
        default: break
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if let pause = events.readCompleted() { readNothing(for: pause, context.channel) }
        context.fireChannelReadComplete()
    }

    private func readNothing(for pause: TimeAmount, _ channel: any Channel) {
        setReading(false, channel)
        channel.eventLoop.assumeIsolated().scheduleTask(in: pause) { self.setReading(true, channel) }
    }

    /// A channel that is closed has no options, and needs none.
    private func setReading(_ isReading: Bool, _ channel: any Channel) {
        try? channel.syncOptions?.setOption(.autoRead, value: isReading)
    }

    func channelInactive(context: ChannelHandlerContext) {
        failed("the connection to Janus broke")
        self.context = nil
        encoder = nil
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        failed("\(error)")
        context.close(promise: nil)
    }
}
