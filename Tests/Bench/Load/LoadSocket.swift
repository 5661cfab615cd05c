import NIOCore
import NIOHTTP1
import NIOPosix
import NIOWebSocket

/// A WebSocket as its client, on the loop.
final class LoadSocket: ChannelInboundHandler {
    typealias InboundIn = WebSocketFrame
    typealias OutboundOut = WebSocketFrame

    var received: (Message) -> Void = { _ in }
    var closed: () -> Void = {}
    private var context: ChannelHandlerContext?
    private var opened: ((LoadSocket?) -> Void)?
    private var needsFlush = false

    private init(opened: @escaping (LoadSocket?) -> Void) { self.opened = opened }

    /// - Parameter opened: nil: it was refused. Called once.
    static func open(
        _ address: Address, on loop: any EventLoop, opened: @escaping (LoadSocket?) -> Void
    ) {
        let socket = NIOLoopBound(LoadSocket(opened: opened), eventLoop: loop)
        ClientBootstrap(group: loop)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let upgrader = NIOWebSocketClientUpgrader(maxFrameSize: 16 << 20) { channel, _ in
                        channel.eventLoop.makeCompletedFuture {
                            try channel.pipeline.syncOperations.addHandler(socket.value)
                        }
                    }
                    let handler = UpgradeHandler(address) { socket.value.failed() }
                    let bound = NIOLoopBound(handler, eventLoop: channel.eventLoop)
                    try channel.pipeline.syncOperations.addHTTPClientHandlers(
                        leftOverBytesStrategy: .forwardBytes,
                        withClientUpgrade: (
                            upgraders: [upgrader],
                            completionHandler: { context in
                                context.pipeline.syncOperations.removeHandler(bound.value, promise: nil)
                            }
                        ))
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
            .connect(host: address.host, port: address.port)
            .whenFailure { _ in socket.value.failed() }
    }

    func send(_ text: String) {
        guard let context else { return }
        let frame = WebSocketFrame(
            fin: true, opcode: .text, maskKey: .random(), data: context.channel.allocator.buffer(string: text))
        context.write(wrapOutboundOut(frame), promise: nil)
        guard !needsFlush else { return }
        needsFlush = true
        context.eventLoop.assumeIsolated().execute { [self] in
            needsFlush = false
            self.context?.flush()
        }
    }

    func close() { context?.close(promise: nil) }

    private func failed() {
        opened?(nil)
        opened = nil
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        opened?(self)
        opened = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = unwrapInboundIn(data)
        switch frame.opcode {
        case .text: received(Message(frame.data))
        case .ping:
            let pong = WebSocketFrame(fin: true, opcode: .pong, maskKey: .random(), data: frame.data)
            context.writeAndFlush(wrapOutboundOut(pong), promise: nil)
        case .connectionClose: context.close(promise: nil)
        default: break
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.context = nil
        closed()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}

private final class UpgradeHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    private let address: Address
    private let failed: () -> Void

    init(_ address: Address, failed: @escaping () -> Void) {
        self.address = address
        self.failed = failed
    }

    func channelActive(context: ChannelHandlerContext) {
        let headers: HTTPHeaders = [
            "Host": "\(address.host):\(address.port)", "Content-Length": "0", "Origin": "http://\(address.host)",
            "Sec-WebSocket-Protocol": address.subprotocol,
        ]
        let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: address.path, headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        failed()
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        failed()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        failed()
        context.close(promise: nil)
    }
}
