import NIOCore

extension ByteBufferAllocator {
    /// A whole text message in one frame that is not masked (RFC 6455 §5.2).
    func textFrame(_ text: [UInt8]) -> ByteBuffer {
        var frame = buffer(capacity: 10 + text.count)
        switch text.count {
        case ..<126: frame.writeInteger(0x8100 | UInt16(text.count))
        case ..<65536: frame.writeInteger(0x817E_0000 | UInt32(text.count))
        default: frame.writeMultipleIntegers(0x817F as UInt16, UInt64(text.count))
        }
        frame.writeBytes(text)
        return frame
    }
}
