import NIOCore
import NIOEmbedded
import NIOWebSocket
import Testing

@testable import Frontdoor

/// The opening handshake in bytes, through the whole pipeline.
@Suite struct ListenerTests {
    private func visitor(_ settings: String = "", isServing: Bool = true) throws -> (TestDoor, TestVisitor) {
        let door = try TestDoor(settings)
        if isServing { try door.addWorker() }
        return (door, try TestVisitor(door))
    }

    private func lines(_ head: String) -> [String] {
        head.split(separator: "\r\n").map { String($0) }
    }

    @Test(arguments: ["", "?x=1"])
    func `B01 A good handshake is accepted with the original's headers`(query: String) throws {
        let (_, visitor) = try visitor()
        try visitor.say(TestVisitor.upgrade.replacing("/ws ", with: "/ws\(query) "))
        let head = lines(try visitor.heard())
        #expect(head.first?.hasPrefix("HTTP/1.1 101 ") == true)
        let headers = Set(head.dropFirst().map { $0.lowercased() })
        #expect(headers.contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="))
        #expect(headers.contains("sec-websocket-protocol: sylkrtc-1"))
        #expect(headers.contains { $0.hasPrefix("server: sylkserver/") })
        #expect(!headers.contains { $0.hasPrefix("sec-websocket-extensions") })
        #expect(visitor.channel.isActive)
    }

    @Test func `E01 What comes right behind the handshake is answered after ready`() throws {
        let door = try TestDoor()
        try door.addWorker()
        let early = TestClient.bytes(.text, Array(Ask.addAccount().text("early").utf8))
        let client = try TestClient(door, early: early)
        #expect(try client.frames() == [TestClient.ready, TestClient.ack("early")])
    }

    @Test func `B01 A refused handshake is answered, and ends the connection`() throws {
        let (_, visitor) = try visitor(isServing: false)
        try visitor.say(TestVisitor.upgrade)
        let head = lines(try visitor.heard())
        #expect(head.first == "HTTP/1.1 503 Backend is not connected")
        #expect(head.contains("Retry-After: 1") && head.contains("Connection: close"))
        #expect(head.contains("Content-Length: 0"))
        #expect(!visitor.channel.isActive)
    }

    @Test func `B01 D08 A plain request to the WebSocket's path is told to upgrade`() throws {
        let (_, visitor) = try visitor()
        try visitor.say(TestVisitor.request(Handshake.path))
        let head = lines(try visitor.heard())
        #expect(head.first?.hasPrefix("HTTP/1.1 426 ") == true)
        #expect(head.contains("Upgrade: websocket") && head.contains("Connection: close, Upgrade"))
    }

    @Test(arguments: [
        ("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Key: short", "HTTP/1.1 400 Bad Request"),
        ("Host: gateway.example.org\r\n", "", "HTTP/1.1 400 Bad Request"),
        ("Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 12", "HTTP/1.1 426 Upgrade Required"),
        ("sylkRTC-1", "chat", "HTTP/1.1 406 No compatible protocol specified"),
        ("Upgrade: websocket\r\n", "", "HTTP/1.1 426 Upgrade Required"),
        ("GET ", "POST ", "HTTP/1.1 426 Upgrade Required"),
        (
            "Host:", "Origin: https://evil.example\r\nHost:",
            "HTTP/1.1 400 WebSocket connection denied: origin 'https://evil.example' not allowed"
        ),
    ])
    func `B01 Every refusal has its own status`(part: String, instead: String, status: String) throws {
        let (_, visitor) = try visitor("[General]\nweb_origins = https://*.example.org")
        try visitor.say(TestVisitor.upgrade.replacing(part, with: instead))
        #expect(lines(try visitor.heard()).first == status)
        #expect(!visitor.channel.isActive)
    }

    @Test func `B01 The last worker may be away for five seconds`() throws {
        let (door, _) = try visitor(isServing: false)
        let worker = try door.addWorker()
        worker.isJanusUp = false
        door.pass(.milliseconds(4750))
        #expect(door.door.letsIn)
        door.pass(.seconds(1))
        #expect(!door.door.letsIn)
        worker.isJanusUp = true
        door.pass(.seconds(1))
        #expect(door.door.letsIn)
    }

    @Test(arguments: [("/", "301"), ("/webrtcgateway/", "200"), ("/webrtcgateway/ws/", "404")])
    func `Anything else is the page's, whether a worker serves or not`(uri: String, status: String) throws {
        let (_, visitor) = try visitor(isServing: false)
        try visitor.say(TestVisitor.request(uri))
        #expect(try visitor.heard().hasPrefix("HTTP/1.1 \(status) "))
        #expect(!visitor.channel.isActive)
    }

    @Test func `An upgrade of anything but the WebSocket's path is a request for the page`() throws {
        let (_, visitor) = try visitor()
        try visitor.say(TestVisitor.upgrade.replacing("/ws ", with: "/ "))
        #expect(try visitor.heard().hasPrefix("HTTP/1.1 200 "))
    }

    @Test func `Who does not say in five seconds what it wants is let go`() throws {
        let (door, visitor) = try visitor()
        try visitor.say("GET /webrtc")
        door.pass(.milliseconds(4999))
        #expect(visitor.channel.isActive)
        door.pass(.milliseconds(1))
        #expect(!visitor.channel.isActive)
    }

    @Test func `After the upgrade no time runs any more`() throws {
        let (door, visitor) = try visitor()
        try visitor.say(TestVisitor.upgrade)
        door.pass(.seconds(10))
        #expect(visitor.channel.isActive)
    }
}
