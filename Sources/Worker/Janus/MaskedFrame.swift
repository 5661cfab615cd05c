import Glibc
import NIOCore

/// The keys that a client masks its frames with: unpredictable (RFC 6455 §5.3), and drawn from the kernel many at a time.
struct MaskingKeys {
    private static let count = 64

    private var keys: [UInt32] = []

    /// In the order of memory.
    mutating func next() -> UInt32 {
        if let key = keys.popLast() { return key }
        var drawn = [UInt32](repeating: 0, count: Self.count)
        // It has no more than 256 bytes a call, and waits for nothing once the system is up (getentropy(3)).
        let outcome = getentropy(&drawn, Self.count * MemoryLayout<UInt32>.size)
        precondition(outcome == 0, "the kernel has no random numbers")
        keys = drawn
        return keys.removeLast()
    }
}

extension ByteBufferAllocator {
    /// A whole text message in one masked frame (RFC 6455 §5.2, §5.3), masked eight bytes at a time.
    ///
    /// - Parameter key: four bytes in the order of memory.
    func maskedFrame(_ text: [UInt8], key: UInt32) -> ByteBuffer {
        var frame = buffer(capacity: 14 + text.count)
        frame.writeInteger(0x81 as UInt8)
        switch text.count {
        case ..<126: frame.writeInteger(0x80 | UInt8(text.count))
        case ..<65536: frame.writeMultipleIntegers(0x80 | 126 as UInt8, UInt16(text.count))
        default: frame.writeMultipleIntegers(0x80 | 127 as UInt8, UInt64(text.count))
        }
        frame.writeInteger(key, endianness: .host)
        frame.writeWithUnsafeMutableBytes(minimumWritableBytes: text.count) { target in
            text.withUnsafeBytes { source in
                let mask = UInt64(key) << 32 | UInt64(key)
                var offset = 0
                while offset + 8 <= text.count {
                    let word = source.loadUnaligned(fromByteOffset: offset, as: UInt64.self) ^ mask
                    target.storeBytes(of: word, toByteOffset: offset, as: UInt64.self)
                    offset += 8
                }
                withUnsafeBytes(of: key) { key in
                    while offset < text.count {
                        target[offset] = source[offset] ^ key[offset & 3]
                        offset += 1
                    }
                }
            }
            return text.count
        }
        return frame
    }
}
