import NIOCore
import NIOHTTP1

/// One small request and its answer; then the connection is closed. What comes behind the request is not looked at.
public final class WholeRequestHandler: ChannelInboundHandler {
    public typealias InboundIn = HTTPServerRequestPart
    public typealias OutboundOut = HTTPServerResponsePart

    /// For the request to come in whole.
    public static let requestTime = TimeAmount.seconds(5)
    /// From then on until the answer's last byte has left.
    public static let answerTime = TimeAmount.seconds(10)
    /// Bytes of a body. Beyond: refused, 413.
    public static let maximumBody = 8 << 10

    private enum Stage {
        /// Nothing has come yet. Goes on to `receiving`, or `refused`.
        case waiting
        /// Goes on to `answering` when all is there, or to `refused` when it is too much.
        case receiving(HTTPRequestHead, ByteBuffer)
        /// Answered; the rest of the body is read first, and thrown away, because a client that is still writing would not
        /// hear us otherwise. Ends with the body.
        case refused(EventLoopFuture<Void>)
        /// Ends with the answer.
        case answering(HTTPRequestHead)
    }

    private let answerer: any WholeRequestAnswering
    private let size: RequestSizeHandler
    private var stage: Stage = .waiting
    private var timer: Scheduled<Void>?

    init(_ answerer: any WholeRequestAnswering, size: RequestSizeHandler = RequestSizeHandler()) {
        self.answerer = answerer
        self.size = size
    }

    /// Makes the channel, which must be on its loop, one for one request.
    public static func configure(_ channel: any Channel, _ answerer: any WholeRequestAnswering) throws {
        let size = RequestSizeHandler()
        try channel.pipeline.syncOperations.addHandler(size)
        try channel.pipeline.syncOperations.configureHTTPServerPipeline(withPipeliningAssistance: false)
        try channel.pipeline.syncOperations.addHandler(WholeRequestHandler(answerer, size: size))
    }

    public func handlerAdded(context: ChannelHandlerContext) { closeAfter(Self.requestTime, context) }

    public func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        context.fireChannelInactive()
    }

    public func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch (unwrapInboundIn(data), stage) {
        case (.head(let head), .waiting):
            size.headIsComplete()
            let length = head.headers.first(name: "Content-Length").flatMap { Int($0) } ?? 0
            guard length <= Self.maximumBody else { return refuseBody(head, context) }
            stage = .receiving(head, ByteBuffer())
            if head.headers.first(name: "Expect")?.lowercased() == "100-continue" {
                context.writeAndFlush(
                    wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: .continue))), promise: nil)
            }
        case (.body(var part), .receiving(let head, var body)):
            guard body.readableBytes + part.readableBytes <= Self.maximumBody else { return refuseBody(head, context) }
            body.writeBuffer(&part)
            stage = .receiving(head, body)
        case (.end, .receiving(let head, let body)):
            stage = .answering(head)
            closeAfter(Self.answerTime, context)
            answer(WholeRequest(head, body: Array(body.readableBytesView), peer: context.remoteAddress), head, context)
        case (.end, .refused(let written)):
            let channel = context.channel
            written.whenComplete { _ in channel.close(promise: nil) }
        case (.head, .receiving), (.head, .refused), (.head, .answering), (.body, .waiting), (.body, .refused),
            (.body, .answering), (.end, .waiting), (.end, .answering):
            break
        }
    }

    public func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func closeAfter(_ time: TimeAmount, _ context: ChannelHandlerContext) {
        timer?.cancel()
        let channel = context.channel
        timer = context.eventLoop.scheduleTask(in: time) { channel.close(promise: nil) }
    }

    private func answer(_ request: WholeRequest, _ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        let channel = context.channel
        answerer.answer(request, on: context.eventLoop).whenComplete { result in
            switch result {
            case .success(let reply):
                let (handler, context) = bound.value
                handler.send(reply, to: head, context).whenComplete { _ in channel.close(promise: nil) }
            case .failure: channel.close(promise: nil)
            }
        }
    }

    private func refuseBody(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        let reply = answerer.refuseBody(of: WholeRequest(head, peer: context.remoteAddress))
        stage = .refused(send(reply, to: head, context))
    }

    private func send(
        _ reply: WholeReply, to head: HTTPRequestHead, _ context: ChannelHandlerContext
    ) -> EventLoopFuture<Void> {
        var headers: HTTPHeaders = [
            "Content-Type": reply.type, "Content-Length": String(reply.body.utf8.count), "Connection": "close",
            "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
        ]
        if let allow = reply.allow { headers.add(name: "Allow", value: allow) }
        context.write(
            wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: reply.status, headers: headers))),
            promise: nil)
        if head.method != .HEAD {
            let body = context.channel.allocator.buffer(string: reply.body)
            context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
        }
        return context.writeAndFlush(wrapOutboundOut(.end(nil)))
    }
}

/// Lets so many bytes in, and then closes: a request is small.
final class RequestSizeHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    /// Before the head is complete, with what has come behind it: a path may hold an account and a device token, every byte of
    /// them escaped.
    static let maximumHead = 24 << 10
    /// In all: of a body that is too long so much is read until its sender looks at the answer.
    static let maximum = 1 << 20

    private var received = 0
    private var limit = RequestSizeHandler.maximumHead

    func headIsComplete() { limit = Self.maximum }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        received += unwrapInboundIn(data).readableBytes
        guard received <= limit else { return context.close(promise: nil) }
        context.fireChannelRead(data)
    }
}
