import Glibc
import NIOCore

/// An address of IPv4 or IPv6, in numbers. An IPv4 address that is written as one of IPv6 (RFC 4291 §2.5.5.2), as on a
/// socket that takes both, is that IPv4 address.
struct IPAddress: Hashable, Sendable {
    /// The 16 bytes of IPv6, in the order of the network.
    let high: UInt64
    let low: UInt64

    private static let mapped: UInt64 = 0xFFFF

    init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    init(version4 number: UInt32) { self.init(high: 0, low: Self.mapped << 32 | UInt64(number)) }

    /// `192.0.2.1`, `2001:db8::1`, without brackets, port or zone.
    init?(_ text: some StringProtocol) {
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

    /// nil: not of IP.
    init?(_ address: SocketAddress?) {
        guard let text = address?.ipAddress else { return nil }
        self.init(text)
    }

    /// The other end of a socket; nil: there is none any more.
    init?(peerOf descriptor: Int32) {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let isKnown = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getpeername(descriptor, $0, &length) == 0 }
        }
        guard isKnown else { return nil }
        // The layouts of ip(7) and ipv6(7): the family, the port; the address, or the flow and the address.
        let address = withUnsafeBytes(of: storage) { bytes -> IPAddress? in
            switch Int32(storage.ss_family) {
            case AF_INET: IPAddress(version4: UInt32(bigEndian: bytes.load(fromByteOffset: 4, as: UInt32.self)))
            case AF_INET6:
                IPAddress(
                    high: UInt64(bigEndian: bytes.load(fromByteOffset: 8, as: UInt64.self)),
                    low: UInt64(bigEndian: bytes.load(fromByteOffset: 16, as: UInt64.self)))
            default: nil
            }
        }
        guard let address else { return nil }
        self = address
    }

    var isVersion4: Bool { high == 0 && low >> 32 == Self.mapped }

    /// Of this host itself: 127.0.0.0/8, ::1.
    var isLoopback: Bool { isVersion4 ? low >> 24 & 0xFF == 127 : high == 0 && low == 1 }

    /// Whom it belongs to: an address of IPv4, a /64 of IPv6.
    var network: IPAddress { isVersion4 ? self : IPAddress(high: high, low: 0) }
}

extension IPAddress: CustomStringConvertible {
    var description: String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        if isVersion4 {
            var address = UInt32(truncatingIfNeeded: low).bigEndian
            inet_ntop(AF_INET, &address, &text, socklen_t(text.count))
        } else {
            var address = (high.bigEndian, low.bigEndian)
            inet_ntop(AF_INET6, &address, &text, socklen_t(text.count))
        }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
