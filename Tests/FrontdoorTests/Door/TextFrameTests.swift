import NIOCore
import NIOEmbedded
import NIOWebSocket
import Testing

@testable import Frontdoor

@Suite struct TextFrameTests {
    @Test(arguments: [0, 1, 125, 126, 1000, 65535, 65536, 1 << 18])
    func `A frame is read as it was written, whatever its length`(length: Int) throws {
        let text = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let reader = EmbeddedChannel(handler: ByteToMessageHandler(WebSocketFrameDecoder(maxFrameSize: 1 << 20)))
        try reader.writeInbound(ByteBufferAllocator().textFrame(text))
        let frame = try #require(try reader.readInbound(as: WebSocketFrame.self))
        #expect(frame.fin)
        #expect(frame.opcode == .text)
        #expect(frame.maskKey == nil)
        #expect(Array(frame.data.readableBytesView) == text)
        _ = try reader.finish()
    }
}
