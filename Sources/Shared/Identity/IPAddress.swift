import Glibc

/// An address of IPv4 or IPv6, in numbers. An IPv4 address that is written as one of IPv6 (RFC 4291 §2.5.5.2), as on a
/// socket that takes both, is that IPv4 address.
public struct IPAddress: Hashable, Sendable {
    /// The 16 bytes of IPv6, in the order of the network.
    public let high: UInt64
    public let low: UInt64

    private static let mapped: UInt64 = 0xFFFF

    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// - Parameter number: the 4 bytes, in the order of the network, read as one number.
    public init(version4 number: UInt32) { self.init(high: 0, low: Self.mapped << 32 | UInt64(number)) }

    /// `192.0.2.1`, `2001:db8::1`, without brackets, port or zone.
    public init?(_ text: some StringProtocol) {
        guard text.utf8.count < Int(INET6_ADDRSTRLEN), !text.utf8.contains(0) else { return nil }
        let text = String(text)
        var bytes: (UInt64, UInt64) = (0, 0)
        if inet_pton(AF_INET, text, &bytes) == 1 {
            self.init(version4: UInt32(bigEndian: withUnsafeBytes(of: bytes) { $0.load(as: UInt32.self) }))
        } else if inet_pton(AF_INET6, text, &bytes) == 1 {
            self.init(high: UInt64(bigEndian: bytes.0), low: UInt64(bigEndian: bytes.1))
        } else {
            return nil
        }
    }

    /// The 4 bytes, read as one number; nil: it is one of IPv6.
    public var version4: UInt32? { high == 0 && low >> 32 == Self.mapped ? UInt32(low & 0xFFFF_FFFF) : nil }

    public var isVersion4: Bool { version4 != nil }

    /// Of this host itself: 127.0.0.0/8, ::1.
    public var isLoopback: Bool { version4.map { $0 >> 24 == 127 } ?? (high == 0 && low == 1) }

    /// Whom it belongs to: an address of IPv4, a /64 of IPv6.
    public var network: IPAddress { isVersion4 ? self : IPAddress(high: high, low: 0) }
}

extension IPAddress: CustomStringConvertible {
    public var description: String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        if let version4 {
            var address = version4.bigEndian
            inet_ntop(AF_INET, &address, &text, socklen_t(text.count))
        } else {
            var address = (high.bigEndian, low.bigEndian)
            inet_ntop(AF_INET6, &address, &text, socklen_t(text.count))
        }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
