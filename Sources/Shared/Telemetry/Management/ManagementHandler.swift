import NIOCore
import NIOHTTP1

/// Answers one request of an operator, and closes.
final class ManagementHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    /// From the connection to the answer's last byte.
    static let timeout = TimeAmount.seconds(5)

    private let pages: ManagementPages
    private var head: HTTPRequestHead?
    private var timer: Scheduled<Void>?

    init(_ pages: ManagementPages) { self.pages = pages }

    func handlerAdded(context: ChannelHandlerContext) {
        let channel = context.channel
        timer = context.eventLoop.scheduleTask(in: Self.timeout) { channel.close(promise: nil) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // The first request is the only one; its body, if any, is of no interest.
        guard case .head(let head) = unwrapInboundIn(data), self.head == nil else { return }
        self.head = head
        guard head.method == .GET || head.method == .HEAD else {
            return send(ManagementPages.Page(status: .methodNotAllowed, body: "Only GET and HEAD.\n"), context)
        }
        guard let page = pages.page(head.uri.prefix { $0 != "?" }, on: context.eventLoop) else {
            return send(ManagementPages.Page(status: .notFound, body: "/healthz, /readyz, /metrics\n"), context)
        }
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        page.whenSuccess { page in bound.value.0.send(page, bound.value.1) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func send(_ page: ManagementPages.Page, _ context: ChannelHandlerContext) {
        var headers: HTTPHeaders = [
            "Content-Type": page.type, "Content-Length": String(page.body.utf8.count), "Connection": "close",
            "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
        ]
        if page.status == .methodNotAllowed { headers.add(name: "Allow", value: "GET, HEAD") }
        context.write(
            wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: page.status, headers: headers))),
            promise: nil)
        if head?.method != .HEAD {
            let body = context.channel.allocator.buffer(string: page.body)
            context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
        }
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in channel.close(promise: nil) }
    }
}

/// Lets so many bytes in, and then closes: a request for a page is small.
final class RequestSizeHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    static let maximum = 8 << 10

    private var received = 0

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        received += unwrapInboundIn(data).readableBytes
        guard received <= Self.maximum else { return context.close(promise: nil) }
        context.fireChannelRead(data)
    }
}
