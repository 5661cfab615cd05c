import Identity
import NIOCore
import NIOEmbedded

@testable import Frontdoor

/// Somebody who has connected and speaks HTTP, in bytes, with the listener's own pipeline.
final class TestVisitor {
    static let upgrade = request(
        Handshake.path,
        [
            "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Version: 13", "Sec-WebSocket-Protocol: sylkRTC-1",
        ])

    let channel: EmbeddedChannel
    /// What came behind the head that was heard last.
    private(set) var rest: ByteBuffer?
    private let test: TestDoor

    /// - Parameter peer: where it comes from.
    init(_ test: TestDoor, from peer: String = "192.0.2.1") throws {
        self.test = test
        channel = EmbeddedChannel(loop: test.loop)
        let address = try SocketAddress(ipAddress: peer, port: 4711)
        let listener = Listener(
            files: try PageFiles(),
            doors: [ObjectIdentifier(test.loop): NIOLoopBound(test.door, eventLoop: test.loop)], gate: test.gate,
            limits: test.door.limits, tls: nil, logger: .silent)
        guard let visit = IPAddress(address).flatMap({ test.gate.admit($0) }) else { throw NotAdmitted() }
        try listener.configure(channel, visit)
        channel.connect(to: address, promise: nil)
    }

    /// Closed before a word was said.
    struct NotAdmitted: Error {}

    static func request(_ uri: String, _ headers: [String] = [], method: String = "GET") -> String {
        (["\(method) \(uri) HTTP/1.1", "Host: gateway.example.org"] + headers + ["", ""]).joined(separator: "\r\n")
    }

    func say(_ text: String, _ more: ByteBuffer = ByteBuffer()) throws {
        var bytes = ByteBuffer(string: text)
        bytes.writeImmutableBuffer(more)
        try channel.writeInbound(bytes)
    }

    /// The next head, its end included; empty when there is none.
    func heard() throws -> String {
        test.loop.run()
        var bytes = ByteBuffer()
        while var next = try channel.readOutbound(as: ByteBuffer.self) { bytes.writeBuffer(&next) }
        guard let end = bytes.readableBytesView.firstRange(of: Array("\r\n\r\n".utf8)) else { return "" }
        let head = bytes.readString(length: end.upperBound - bytes.readerIndex) ?? ""
        rest = bytes.readableBytes > 0 ? bytes : nil
        return head
    }
}
