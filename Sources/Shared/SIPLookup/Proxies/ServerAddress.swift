import Glibc

/// The versions of IP. Janus binds its SIP to an address of one of them.
public enum AddressFamily: String, Sendable, CaseIterable {
    case version4 = "ipv4"
    case version6 = "ipv6"
}

/// Where a server is. An address of IPv6 that stands for one of IPv4 (RFC 4291 §2.5.5.2) is that one.
public enum ServerAddress: Hashable, Sendable, CustomStringConvertible {
    /// In the order of the network, read as one number.
    case version4(UInt32)
    case version6(high: UInt64, low: UInt64)

    init(version4 number: UInt32) { self = .version4(number) }

    init(high: UInt64, low: UInt64) {
        self = high == 0 && low >> 32 == 0xFFFF ? .version4(UInt32(low & 0xFFFF_FFFF)) : .version6(high: high, low: low)
    }

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

    public var family: AddressFamily {
        switch self {
        case .version4: .version4
        case .version6: .version6
        }
    }

    /// nil: no server can be there; it is unspecified, or for many at once.
    var usable: ServerAddress? {
        switch self {
        case .version4(let number): number >> 24 == 0 || number >> 28 >= 0xE ? nil : self
        case .version6(let high, let low): (high == 0 && low == 0) || high >> 56 == 0xFF ? nil : self
        }
    }

    public var description: String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        switch self {
        case .version4(let number):
            var address = number.bigEndian
            inet_ntop(AF_INET, &address, &text, socklen_t(text.count))
        case .version6(let high, let low):
            var address = (high.bigEndian, low.bigEndian)
            inet_ntop(AF_INET6, &address, &text, socklen_t(text.count))
        }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// As it stands in a URI.
    var bracketed: String {
        switch self {
        case .version4: description
        case .version6: "[\(self)]"
        }
    }
}
