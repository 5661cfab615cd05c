import NIOCore
import NIOWebSocket

extension WebSocketFrame {
    /// The payload without its mask (RFC 6455 §5.3), and whether it is all ASCII: in one pass, eight bytes at a time, because
    /// every message of every client comes through here.
    var unmaskedText: (bytes: [UInt8], isASCII: Bool) {
        let count = data.readableBytes
        // The key's bytes in the order of memory, whatever the order of the machine.
        let key = maskKey.map { key in
            withUnsafeBytes(of: (key[0], key[1], key[2], key[3])) { $0.loadUnaligned(as: UInt32.self) }
        }
        let mask = UInt64(key ?? 0) << 32 | UInt64(key ?? 0)
        var seen: UInt64 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { target, initialized in
            let target = UnsafeMutableRawBufferPointer(target)
            data.withUnsafeReadableBytes { source in
                var offset = 0
                while offset + 8 <= count {
                    let word = source.loadUnaligned(fromByteOffset: offset, as: UInt64.self) ^ mask
                    target.storeBytes(of: word, toByteOffset: offset, as: UInt64.self)
                    seen |= word
                    offset += 8
                }
                withUnsafeBytes(of: mask) { mask in
                    while offset < count {
                        let byte = source[offset] ^ mask[offset & 3]
                        target[offset] = byte
                        seen |= UInt64(byte)
                        offset += 1
                    }
                }
            }
            initialized = count
        }
        return (bytes, seen & 0x8080_8080_8080_8080 == 0)
    }
}
