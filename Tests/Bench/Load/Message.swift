import NIOCore

/// Where a server listens, and what is spoken there.
struct Address: Sendable {
    let host: String
    let port: Int
    let path: String
    let subprotocol: String

    /// - Parameter url: `ws://host:port/path`
    init?(_ url: String, subprotocol: String) {
        let rest = url.dropFirst("ws://".count)
        let authority = rest.prefix { $0 != "/" }.split(separator: ":")
        guard url.hasPrefix("ws://"), authority.count == 2, let port = Int(authority[1]) else { return nil }
        host = String(authority[0])
        self.port = port
        let path = rest.drop { $0 != "/" }
        self.path = path.isEmpty ? "/" : String(path)
        self.subprotocol = subprotocol
    }
}

/// A message from a server, in which single members are looked for: the generator must cost less than what it measures.
struct Message {
    let at = NIODeadline.now()
    let text: ByteBuffer

    init(_ text: ByteBuffer) { self.text = text }

    /// The first member of this name, wherever it stands: a string's content, or a number's digits. Texts are compact.
    func member(_ name: StaticString) -> String? {
        text.withUnsafeReadableBytes { bytes in
            let length = name.utf8CodeUnitCount
            var position = 0
            search: while position + length + 3 < bytes.count {
                defer { position += 1 }
                guard bytes[position] == UInt8(ascii: "\""), bytes[position + 1 + length] == UInt8(ascii: "\"") else {
                    continue
                }
                for offset in 0..<length where bytes[position + 1 + offset] != name.utf8Start[offset] {
                    continue search
                }
                // Without a colon it is a value.
                var start = position + length + 2
                guard start + 1 < bytes.count, bytes[start] == UInt8(ascii: ":") else { continue }
                start += 1
                let isString = bytes[start] == UInt8(ascii: "\"")
                if isString { start += 1 }
                var end = start
                while end < bytes.count {
                    let byte = bytes[end]
                    if isString ? byte == UInt8(ascii: "\"") : !(0x30...0x39).contains(byte) { break }
                    end += 1
                }
                return String(decoding: bytes[start..<end], as: UTF8.self)
            }
            return nil
        }
    }

    /// Of one of our requests, which have numbers.
    var transaction: Int? { member("transaction").flatMap { Int($0) } }

    /// Why a request was refused.
    var refusal: String? {
        if member("sylkrtc") == "error" { return member("error") ?? "error" }
        if member("janus") == "error" { return member("reason") ?? "error" }
        return member("error_code").map { "plugin error \($0)" }
    }
}
