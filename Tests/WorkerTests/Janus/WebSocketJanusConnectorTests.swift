import NIOCore
import NIOEmbedded
import NIOHTTP1
import NIOWebSocket
import Testing

@testable import Worker

@Suite struct WebSocketJanusConnectorTests {
    private final class Heard {
        var texts: [String] = []
        var socket: (any JanusSocket)?
        var losses: [JanusLoss] = []
    }

    private func bytes(_ channel: EmbeddedChannel) throws -> ByteBuffer {
        var bytes = ByteBuffer()
        while var next = try channel.readOutbound(as: ByteBuffer.self) { bytes.writeBuffer(&next) }
        return bytes
    }

    /// Somebody who becomes a WebSocket.
    private func server(_ loop: EmbeddedEventLoop) throws -> EmbeddedChannel {
        let channel = EmbeddedChannel(loop: loop)
        let upgrader = NIOWebSocketServerUpgrader(
            shouldUpgrade: { channel, _ in
                channel.eventLoop.makeSucceededFuture(["Sec-WebSocket-Protocol": "janus-protocol"])
            },
            upgradePipelineHandler: { channel, _ in channel.eventLoop.makeSucceededVoidFuture() })
        try channel.pipeline.syncOperations.configureHTTPServerPipeline(
            withServerUpgrade: (upgraders: [upgrader], completionHandler: { _ in }))
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 2)).wait()
        return channel
    }

    @Test func `what Janus says together with its consent is heard`() throws {
        let loop = EmbeddedEventLoop()
        let heard = Heard()
        let client = EmbeddedChannel(loop: loop)
        try WebSocketJanusConnector.configure(
            client, address: try #require(JanusAddress("ws://janus:8188")), subprotocol: "janus-protocol",
            events: JanusSocketEvents(
                opened: { heard.socket = $0 }, received: { heard.texts.append(String(decoding: $0, as: UTF8.self)) },
                readCompleted: { nil },
                closed: { heard.losses.append($0) }))
        try client.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        loop.run()
        let server = try server(loop)
        try server.writeInbound(try bytes(client))
        loop.run()
        var consent = try bytes(server)
        #expect(String(buffer: consent).hasPrefix("HTTP/1.1 101 "))
        for text in ["first", "second"] {
            consent.writeMultipleIntegers(UInt8(0x81), UInt8(text.utf8.count))
            consent.writeString(text)
        }
        try client.writeInbound(consent)
        loop.run()
        #expect(heard.socket != nil)
        #expect(heard.texts == ["first", "second"])
        #expect(heard.losses.isEmpty)
        _ = try? client.finish(acceptAlreadyClosed: true)
        _ = try? server.finish(acceptAlreadyClosed: true)
    }
}
