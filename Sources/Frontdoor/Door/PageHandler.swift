import NIOCore
import NIOHTTP1
import Telemetry

/// Serves the web page: GET and HEAD of the files that are there, and nothing else.
final class PageHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    /// Nothing is loaded from anywhere else, and nobody frames the page.
    private static let policy =
        "default-src 'self'; connect-src 'self' ws: wss:; frame-ancestors 'none'; base-uri 'none'"

    private let files: PageFiles
    private var head: HTTPRequestHead?

    init(files: PageFiles) { self.files = files }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): self.head = head
        case .body: break
        case .end:
            guard let head else { return }
            self.head = nil
            respond(to: head, context)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func respond(to request: HTTPRequestHead, _ context: ChannelHandlerContext) {
        guard request.method == .GET || request.method == .HEAD else {
            return send(.methodNotAllowed, ["Allow": "GET, HEAD"], "Only GET and HEAD.\n", to: request, context)
        }
        let path = request.uri.prefix { $0 != "?" && $0 != "#" }
        if path == "/" || path == PageFiles.path.dropLast() {
            return send(.movedPermanently, ["Location": PageFiles.path], "", to: request, context)
        }
        guard path.hasPrefix(PageFiles.path), let file = files.file(path.dropFirst(PageFiles.path.count)) else {
            return send(.notFound, [:], "There is nothing here.\n", to: request, context)
        }
        send(
            .ok,
            [
                "Content-Type": file.type, "Cache-Control": "no-cache", "Content-Security-Policy": Self.policy,
                "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
            ], file.content, to: request, context)
    }

    private func send(
        _ status: HTTPResponseStatus, _ headers: [String: String], _ text: String, to request: HTTPRequestHead,
        _ context: ChannelHandlerContext
    ) {
        var headers = headers
        headers["Content-Type"] = "text/plain; charset=utf-8"
        send(status, headers, Array(text.utf8), to: request, context)
    }

    private func send(
        _ status: HTTPResponseStatus, _ headers: [String: String], _ body: [UInt8], to request: HTTPRequestHead,
        _ context: ChannelHandlerContext
    ) {
        var fields = HTTPHeaders(headers.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
        fields.add(name: "Server", value: serverHeader)
        fields.add(name: "Content-Length", value: String(body.count))
        if !request.isKeepAlive { fields.add(name: "Connection", value: "close") }
        let head = HTTPResponseHead(version: .http1_1, status: status, headers: fields)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if request.method != .HEAD, !body.isEmpty {
            context.write(
                wrapOutboundOut(.body(.byteBuffer(context.channel.allocator.buffer(bytes: body)))), promise: nil)
        }
        let isLast = !request.isKeepAlive
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in
            if isLast { channel.close(promise: nil) }
        }
    }
}
