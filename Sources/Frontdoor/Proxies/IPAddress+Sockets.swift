import Glibc
import Identity
import NIOCore

/// Who is at the other end.
extension IPAddress {
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
}
