import NIOCore
import NIOWebSocket
import TestSupport
import Testing

@testable import Frontdoor

@Suite struct UnmaskedTextTests {
    @Test func `A payload loses its mask, whatever its length and its key`() {
        var generator = SeededGenerator(seed: 1)
        for length in 0...70 {
            let text = (0..<length).map { _ in UInt8.random(in: 0x20...0x7E, using: &generator) }
            let key = WebSocketMaskingKey.random(using: &generator)
            var data = ByteBuffer(bytes: text)
            data.webSocketMask(key)
            let frame = WebSocketFrame(fin: true, opcode: .text, maskKey: key, data: data)
            #expect(frame.unmaskedText.bytes == text)
            #expect(frame.unmaskedText.isASCII)
        }
    }

    @Test func `A payload that was joined from fragments has no mask any more`() {
        let frame = WebSocketFrame(fin: true, opcode: .text, data: ByteBuffer(string: "joined from three"))
        #expect(String(decoding: frame.unmaskedText.bytes, as: UTF8.self) == "joined from three")
    }

    @Test func `A byte beyond ASCII is seen wherever it stands`() {
        let key: WebSocketMaskingKey = [0x80, 0xFF, 0x00, 0x7F]
        for length in 1...20 {
            for position in 0..<length {
                var text = [UInt8](repeating: 0x61, count: length)
                text[position] = 0x80
                var data = ByteBuffer(bytes: text)
                data.webSocketMask(key)
                let frame = WebSocketFrame(fin: true, opcode: .text, maskKey: key, data: data)
                #expect(!frame.unmaskedText.isASCII)
            }
        }
    }
}
