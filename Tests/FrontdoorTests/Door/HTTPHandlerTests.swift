import NIOCore
import NIOEmbedded
import NIOHTTP1
import NIOWebSocket
import Sylkrtc
import Testing

@testable import Frontdoor

/// The page.
@Suite struct HTTPHandlerTests {
    private struct Answer {
        let head: HTTPResponseHead
        let body: [UInt8]

        var status: UInt { head.status.code }
    }

    private func channel() throws -> EmbeddedChannel {
        let handler = HTTPHandler(
            files: try PageFiles(), timeout: .seconds(5), hits: LimitHits(logger: .silent),
            handshake: { _, _ in .accepted(.sylkRTC1) }, logger: .silent)
        let channel = EmbeddedChannel(handler: handler)
        channel.connect(to: try SocketAddress(ipAddress: "192.0.2.1", port: 1), promise: nil)
        return channel
    }

    private func ask(_ uri: String, _ method: HTTPMethod = .GET, version: HTTPVersion = .http1_1) throws -> Answer {
        let channel = try channel()
        let request = HTTPRequestHead(version: version, method: method, uri: uri)
        try channel.writeInbound(HTTPServerRequestPart.head(request))
        #expect(try channel.readOutbound(as: HTTPServerResponsePart.self) == nil, "it answers whole requests")
        try channel.writeInbound(HTTPServerRequestPart.body(ByteBuffer(string: "ignored")))
        try channel.writeInbound(HTTPServerRequestPart.end(nil))
        #expect(!channel.isActive, "one request a connection")
        var head: HTTPResponseHead?
        var body: [UInt8] = []
        while let part = try channel.readOutbound(as: HTTPServerResponsePart.self) {
            switch part {
            case .head(let part): head = part
            case .body(.byteBuffer(let part)): body += Array(part.readableBytesView)
            case .body(.fileRegion): Issue.record("a file region")
            case .end: break
            }
        }
        return Answer(head: try #require(head), body: body)
    }

    @Test(arguments: [
        ("/webrtcgateway/", "", "text/html; charset=utf-8"),
        ("/webrtcgateway/?room=a", "", "text/html; charset=utf-8"),
        ("/webrtcgateway/index.html", "index.html", "text/html; charset=utf-8"),
        ("/webrtcgateway/app.js?v=2#x", "app.js", "text/javascript; charset=utf-8"),
        ("/webrtcgateway/style.css", "style.css", "text/css; charset=utf-8"),
        ("/webrtcgateway/icon.svg", "icon.svg", "image/svg+xml"),
    ])
    func `The page's files are served with their type`(uri: String, name: String, type: String) throws {
        let answer = try ask(uri)
        let file = try #require(try PageFiles().file(name))
        #expect(answer.status == 200)
        #expect(answer.body == file.content)
        #expect(answer.head.headers["content-type"] == [type])
        #expect(answer.head.headers["content-length"] == ["\(file.content.count)"])
        #expect(answer.head.headers["x-content-type-options"] == ["nosniff"])
        #expect(answer.head.headers["content-security-policy"].first?.contains("frame-ancestors 'none'") == true)
        #expect(answer.head.headers["server"].first?.hasPrefix("SylkServer/") == true)
        #expect(answer.head.headers["connection"] == ["close"])
    }

    @Test func `HEAD is GET without the content`() throws {
        let answer = try ask("/webrtcgateway/", .HEAD)
        let file = try #require(try PageFiles().file(""))
        #expect(answer.status == 200 && answer.body.isEmpty)
        #expect(answer.head.headers["content-length"] == ["\(file.content.count)"])
    }

    @Test func `An older version of HTTP is answered, too`() throws {
        #expect(try ask("/webrtcgateway/", version: .http1_0).status == 200)
    }

    @Test(arguments: ["/", "/webrtcgateway", "/?a=b", "/webrtcgateway?room=a"])
    func `Who asks beside the page is shown the way`(uri: String) throws {
        let answer = try ask(uri)
        #expect(answer.status == 301)
        #expect(answer.head.headers["location"] == ["/webrtcgateway/"])
        #expect(answer.head.headers["content-length"] == ["0"])
    }

    @Test(arguments: [
        "/webrtcgateway/nothing", "/webrtcgateway//", "/webrtcgateway/../Package.swift", "/webrtcgateway/..%2fx",
        "/webrtcgateway/%2e%2e/%2e%2e/etc/passwd", "/../../etc/passwd", "/etc/passwd", "/webrtcgatewayindex.html", "",
        "*", "http://evil.example/", "//evil.example", "/webrtcgateway/ws/", "/webrtcgateway/wsx",
        "/webrtcgateway/Page/index.html",
    ])
    func `What is not there is not found, and no path leads out`(uri: String) throws {
        let answer = try ask(uri)
        #expect(answer.status == 404)
        #expect(answer.body == Array("There is nothing here.\n".utf8))
        #expect(answer.head.headers["content-type"] == ["text/plain; charset=utf-8"])
    }

    @Test(arguments: [HTTPMethod.POST, .PUT, .DELETE, .OPTIONS, .RAW(value: "BREW")])
    func `Nothing but GET and HEAD is allowed`(method: HTTPMethod) throws {
        let answer = try ask("/webrtcgateway/", method)
        #expect(answer.status == 405)
        #expect(answer.head.headers["allow"] == ["GET, HEAD"])
    }

    @Test func `What should have been upgraded and was not is a bad request`() throws {
        #expect(try ask(Handshake.path).status == 400)
    }

    @Test func `Only the first request of a connection is answered`() throws {
        let channel = try channel()
        let heads = ["/", "/nothing"].map { HTTPRequestHead(version: .http1_1, method: .GET, uri: $0) }
        try channel.writeInbound(HTTPServerRequestPart.head(heads[0]))
        try channel.writeInbound(HTTPServerRequestPart.head(heads[1]))
        try channel.writeInbound(HTTPServerRequestPart.end(nil))
        guard case .head(let head) = try channel.readOutbound(as: HTTPServerResponsePart.self) else {
            Issue.record("no answer")
            return
        }
        #expect(head.status.code == 301)
    }

    @Test func `A broken request ends the connection, a refused upgrade does not`() throws {
        let channel = try channel()
        channel.pipeline.fireErrorCaught(NIOWebSocketUpgradeError.unsupportedWebSocketTarget)
        #expect(channel.isActive)
        channel.pipeline.fireErrorCaught(HTTPParserError.invalidMethod)
        #expect(!channel.isActive)
    }

    @Test func `The end of a request that never began is not answered`() throws {
        let channel = try channel()
        try channel.writeInbound(HTTPServerRequestPart.end(nil))
        #expect(try channel.readOutbound(as: HTTPServerResponsePart.self) == nil)
    }
}
