import NIOHTTP1
import Sylkrtc
import Testing

@testable import Frontdoor

@Suite struct HandshakeTests {
    private static let good: HTTPHeaders = [
        "Host": "gateway.example.org:10888", "Upgrade": "websocket", "Connection": "Upgrade",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Protocol": "sylkRTC-1", "Origin": "https://example.org",
    ]

    private static func head(
        _ method: HTTPMethod = .GET, version: HTTPVersion = .http1_1, _ change: (inout HTTPHeaders) -> Void = { _ in }
    ) -> HTTPRequestHead {
        var headers = good
        change(&headers)
        return HTTPRequestHead(version: version, method: method, uri: Handshake.path, headers: headers)
    }

    private func verdict(
        _ head: HTTPRequestHead, origins: [String] = ["https://example.org"], isServing: Bool = true
    ) -> Handshake {
        Handshake.of(head, origins: OriginRules(origins), isServing: isServing)
    }

    private let upgradeRequired = Handshake.refused(
        .upgradeRequired, headers: ["Upgrade": "websocket", "Sec-WebSocket-Version": "13"])
    private let badRequest = Handshake.refused(.badRequest, headers: [:])
    private let noProtocol = Handshake.refused(
        .custom(code: 406, reasonPhrase: "No compatible protocol specified"), headers: [:])
    private let notServing = Handshake.refused(
        .custom(code: 503, reasonPhrase: "Backend is not connected"), headers: ["Retry-After": "1"])

    private func denied(_ origin: String) -> Handshake {
        .refused(
            .custom(code: 400, reasonPhrase: "WebSocket connection denied: origin '\(origin)' not allowed"),
            headers: [:])
    }

    @Test func `B01 A good request becomes a WebSocket`() {
        #expect(verdict(Self.head()) == .accepted(.sylkRTC1))
    }

    @Test(arguments: [
        ["Upgrade": "WebSocket"], ["Upgrade": "h2c, websocket"], ["Connection": "keep-alive, Upgrade"],
        ["Connection": "upgrade"], ["Sec-WebSocket-Protocol": "chat, sylkRTC-1"], ["Host": "other.example"],
        ["Sec-WebSocket-Extensions": "permessage-deflate"],
    ])
    func `B01 Headers may be written in other ways, and the host is not looked at (D08)`(headers: [String: String]) {
        let head = Self.head { fields in
            for (name, value) in headers { fields.replaceOrAdd(name: name, value: value) }
        }
        #expect(verdict(head) == .accepted(.sylkRTC1))
    }

    @Test func `B01 Subprotocols may come in headers of their own`() {
        let head = Self.head { headers in
            headers.replaceOrAdd(name: "Sec-WebSocket-Protocol", value: "chat")
            headers.add(name: "Sec-WebSocket-Protocol", value: "sylkRTC-1")
        }
        #expect(verdict(head) == .accepted(.sylkRTC1))
    }

    @Test func `B01 D08 What asks for no upgrade is told to`() {
        #expect(verdict(Self.head { $0.remove(name: "Upgrade") }) == upgradeRequired)
        #expect(verdict(Self.head { $0.replaceOrAdd(name: "Upgrade", value: "h2c") }) == upgradeRequired)
        #expect(verdict(Self.head(.POST)) == upgradeRequired)
        #expect(verdict(Self.head(.HEAD)) == upgradeRequired)
    }

    @Test func `B01 Of the WebSocket protocol there is one version`() {
        #expect(verdict(Self.head { $0.replaceOrAdd(name: "Sec-WebSocket-Version", value: "8") }) == upgradeRequired)
        #expect(verdict(Self.head { $0.remove(name: "Sec-WebSocket-Version") }) == upgradeRequired)
    }

    @Test(arguments: ["Connection", "Sec-WebSocket-Key", "Host"])
    func `B01 Without a header that RFC 6455 asks for the request is bad`(name: String) {
        #expect(verdict(Self.head { $0.remove(name: name) }) == badRequest)
    }

    @Test(arguments: [
        "", "short", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZQ===", "dGhlIHNhbXBsZSBub25jZ!==",
        "dGhlIHNhbXBsZSBub25jZXh4", "dGhlIHNhbXBsZSBub25jé==",
    ])
    func `B01 A key is 16 bytes in base64`(key: String) {
        #expect(verdict(Self.head { $0.replaceOrAdd(name: "Sec-WebSocket-Key", value: key) }) == badRequest)
    }

    @Test(arguments: ["Sec-WebSocket-Key", "Host"])
    func `B01 What must come once and comes twice is bad`(name: String) {
        #expect(verdict(Self.head { $0.add(name: name, value: $0.first(name: name) ?? "") }) == badRequest)
    }

    @Test func `B01 A WebSocket needs HTTP 1 point 1`() {
        #expect(verdict(Self.head(version: .http1_0)) == badRequest)
    }

    @Test func `B01 The origin is checked, and named when it is not allowed`() {
        #expect(verdict(Self.head(), origins: ["https://other.example"]) == denied("https://example.org"))
        #expect(verdict(Self.head { $0.remove(name: "Origin") }, origins: []) == .accepted(.sylkRTC1))
        #expect(
            verdict(Self.head { $0.replaceOrAdd(name: "Origin", value: "null") }, origins: ["*"])
                == .accepted(.sylkRTC1))
        #expect(
            verdict(Self.head { $0.replaceOrAdd(name: "Origin", value: "null") }, origins: ["n*"]) == denied("null"))
    }

    @Test func `B01 An origin cannot write into the status line, nor fill it`() {
        let head = Self.head {
            $0.replaceOrAdd(name: "Origin", value: "https://é\u{1}x\u{7F}" + String(repeating: "y", count: 200))
        }
        #expect(verdict(head) == denied("https://x" + String(repeating: "y", count: 91)))
    }

    @Test func `B01 A subprotocol that is spoken must be offered`() {
        #expect(verdict(Self.head { $0.remove(name: "Sec-WebSocket-Protocol") }) == noProtocol)
        for offer in ["", "chat", "sylkrtc-1", "sylkRTC-1.1", "sylkRTC-3"] {
            #expect(
                verdict(Self.head { $0.replaceOrAdd(name: "Sec-WebSocket-Protocol", value: offer) }) == noProtocol)
        }
    }

    @Test func `B01 Without a serving worker nobody is let in`() {
        #expect(verdict(Self.head(), isServing: false) == notServing)
    }

    @Test func `B01 The first check that fails answers`() {
        var head = Self.head(.GET) { $0 = [:] }
        func verdict() -> Handshake { self.verdict(head, isServing: false) }
        #expect(verdict() == upgradeRequired)
        head.headers.add(name: "Upgrade", value: "websocket")
        #expect(verdict() == badRequest)
        for name in ["Host", "Connection", "Sec-WebSocket-Key", "Sec-WebSocket-Version"] {
            head.headers.add(name: name, value: Self.good.first(name: name) ?? "")
        }
        head.headers.add(name: "Origin", value: "https://evil.example")
        #expect(verdict() == denied("https://evil.example"))
        head.headers.replaceOrAdd(name: "Origin", value: "https://example.org")
        #expect(verdict() == noProtocol)
        head.headers.add(name: "Sec-WebSocket-Protocol", value: "sylkRTC-1")
        #expect(verdict() == notServing)
        #expect(self.verdict(head) == .accepted(.sylkRTC1))
    }
}
