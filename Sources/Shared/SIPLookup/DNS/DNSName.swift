/// A name that may be asked for (RFC 1035 §2.3.4): lower case, without its final dot, at most 253 characters; labels of 1 to
/// 63 letters, digits, `-` and `_`. Anything else that stands in an answer is no host of a SIP server.
public struct DNSName: Hashable, Sendable, CustomStringConvertible {
    public let description: String

    static let maximumLength = 253

    public init?(_ text: some StringProtocol) { self.init(bytes: Array(text.utf8)) }

    /// `_sip._udp` of `example.com`.
    init?(service: String, of domain: DNSName) { self.init("\(service).\(domain)") }

    init?(bytes: [UInt8]) {
        let bytes = bytes.last == UInt8(ascii: ".") ? bytes.dropLast() : bytes[...]
        guard (1...Self.maximumLength).contains(bytes.count) else { return nil }
        var lowered: [UInt8] = []
        lowered.reserveCapacity(bytes.count)
        var labelLength = 0
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "."):
                guard labelLength > 0 else { return nil }
                labelLength = -1
                lowered.append(byte)
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): lowered.append(byte | 0x20)
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
                UInt8(ascii: "_"):
                lowered.append(byte)
            default: return nil
            }
            labelLength += 1
            guard labelLength <= 63 else { return nil }
        }
        guard labelLength > 0 else { return nil }
        description = String(decoding: lowered, as: UTF8.self)
    }
}
