import NIOCore
import NIOEmbedded
import NIOWebSocket
import Testing

@testable import Worker

@Suite struct MaskedFrameTests {
    @Test(arguments: [0, 1, 7, 8, 9, 125, 126, 1000, 65535, 65536])
    func `A frame is read as it was written, whatever its length`(length: Int) throws {
        let text = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let reader = EmbeddedChannel(handler: ByteToMessageHandler(WebSocketFrameDecoder(maxFrameSize: 1 << 20)))
        try reader.writeInbound(ByteBufferAllocator().maskedFrame(text, key: 0xA1B2_C3D4))
        let frame = try #require(try reader.readInbound(as: WebSocketFrame.self))
        #expect(frame.fin)
        #expect(frame.opcode == .text)
        #expect(frame.maskKey != nil)
        #expect(Array(frame.unmaskedData.readableBytesView) == text)
        _ = try reader.finish()
    }

    @Test func `Masking keys are drawn many at a time and do not come again`() {
        var keys = MaskingKeys()
        // Of so few out of four billion two are the same once in a million runs.
        let drawn = (0..<90).map { _ in keys.next() }
        #expect(Set(drawn).count == drawn.count)
    }
}
