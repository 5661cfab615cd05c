import NIOCore
import NIOEmbedded

@testable import Telemetry

/// Somebody who sends bytes to a process that answers one request.
struct Asker {
    let channel = EmbeddedChannel()

    init(_ answerer: any WholeRequestAnswering) throws {
        try WholeRequestHandler.configure(channel, answerer)
        channel.connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: 1), promise: nil)
    }

    func send(_ bytes: String) throws {
        try channel.writeInbound(ByteBuffer(string: bytes))
        channel.embeddedEventLoop.run()
    }

    /// What has come back since it was asked last.
    func answer() throws -> String {
        var text = ""
        while let bytes = try channel.readOutbound(as: ByteBuffer.self) { text += String(buffer: bytes) }
        return text
    }
}
