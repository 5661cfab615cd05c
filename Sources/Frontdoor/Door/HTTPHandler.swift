import Identity
import Logging
import NIOCore
import NIOHTTP1
import NIOWebSocket
import Telemetry

/// Answers every HTTP request that does not become a WebSocket: the page's files, and the refusals of handshakes. It stands
/// behind the upgrade, which hands on what it does not take. One request a connection: a WebSocket needs a fresh one.
final class HTTPHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    /// Nothing is loaded from anywhere else, and nobody frames the page.
    private static let policy =
        "default-src 'self'; connect-src 'self' ws: wss:; frame-ancestors 'none'; base-uri 'none'"

    private struct Response {
        let status: HTTPResponseStatus
        var headers: [String: String] = [:]
        var body: [UInt8] = []

        static func text(
            _ status: HTTPResponseStatus, _ text: String, _ headers: [String: String] = [:]
        ) -> Response {
            var headers = headers
            headers["Content-Type"] = "text/plain; charset=utf-8"
            return Response(status: status, headers: headers, body: Array(text.utf8))
        }
    }

    private let files: PageFiles
    /// The verdict on a request to the WebSocket's path.
    private let handshake: (HTTPRequestHead, SocketAddress?) -> Handshake
    /// A client that is slower than this to say what it wants, or to take the answer, is let go.
    private let timeout: TimeAmount
    private let hits: LimitHits
    private let logger: Logger
    private var head: HTTPRequestHead?
    private var timer: Scheduled<Void>?
    private var isAnswered = false

    init(
        files: PageFiles, timeout: TimeAmount, hits: LimitHits,
        handshake: @escaping (HTTPRequestHead, SocketAddress?) -> Handshake, logger: Logger
    ) {
        self.files = files
        self.timeout = timeout
        self.hits = hits
        self.handshake = handshake
        self.logger = logger
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        timer = context.eventLoop.scheduleTask(in: timeout) { [hits] in
            let channel = bound.value.channel
            hits.hit(.handshakeTime, by: Self.metadata(of: channel))
            channel.closeAtOnce()
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) { timer?.cancel() }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): self.head = self.head ?? head
        case .body: break
        case .end:
            guard let head, !isAnswered else { return }
            isAnswered = true
            send(response(to: head, context), to: head, context)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // The upgrade says why there is none; the request follows, and is answered.
        guard !(error is NIOWebSocketUpgradeError) else { return }
        if case HTTPParserError.headerOverflow = error {
            hits.hit(.requestHeaders, by: Self.metadata(of: context.channel))
        }
        logger.debug("client lost", metadata: .keyed([.error: "\(error)"]))
        context.close(promise: nil)
    }

    private static func metadata(of channel: any Channel) -> Logger.Metadata {
        .keyed([.peer: IPAddress(channel.remoteAddress).map { "\($0)" } ?? "unknown"])
    }

    private func response(to request: HTTPRequestHead, _ context: ChannelHandlerContext) -> Response {
        let path = request.uri.prefix { $0 != "?" && $0 != "#" }
        if path == Handshake.path { return refusal(of: request, context) }
        guard request.method == .GET || request.method == .HEAD else {
            return .text(.methodNotAllowed, "Only GET and HEAD.\n", ["Allow": "GET, HEAD"])
        }
        if path == "/" || path == PageFiles.path.dropLast() {
            return .text(.movedPermanently, "", ["Location": PageFiles.path])
        }
        guard path.hasPrefix(PageFiles.path), let file = files.file(path.dropFirst(PageFiles.path.count)) else {
            return .text(.notFound, "There is nothing here.\n")
        }
        return Response(
            status: .ok,
            headers: [
                "Content-Type": file.type, "Cache-Control": "no-cache", "Content-Security-Policy": Self.policy,
                "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
            ], body: file.content)
    }

    private func refusal(of request: HTTPRequestHead, _ context: ChannelHandlerContext) -> Response {
        // What passes all checks and still was not upgraded is malformed in a way only the upgrade looks for.
        let (status, headers) =
            switch handshake(request, context.remoteAddress) {
            case .accepted: (HTTPResponseStatus.badRequest, [String: String]())
            case .refused(let status, let headers): (status, headers)
            }
        return Response(status: status, headers: headers)
    }

    private func send(_ response: Response, to request: HTTPRequestHead, _ context: ChannelHandlerContext) {
        var fields = HTTPHeaders(response.headers.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
        fields.add(name: "Server", value: serverHeader)
        fields.add(name: "Content-Length", value: String(response.body.count))
        fields.add(name: "Connection", value: response.headers["Upgrade"] == nil ? "close" : "close, Upgrade")
        let head = HTTPResponseHead(version: .http1_1, status: response.status, headers: fields)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if request.method != .HEAD, !response.body.isEmpty {
            let body = context.channel.allocator.buffer(bytes: response.body)
            context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
        }
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in channel.close(promise: nil) }
    }
}
