import Glibc

/// The address of a Unix socket: a path, or `@` and a name in the kernel's abstract name space, which leaves no file.
public struct UnixAddress: Sendable {
    private let address: sockaddr_un
    private let length: socklen_t

    /// - Parameter text: begins with `/` or `@`; at most 107 bytes.
    public init?(_ text: String) {
        var bytes = Array(text.utf8)
        guard let first = bytes.first, first == UInt8(ascii: "/") || first == UInt8(ascii: "@"),
            (2...107).contains(bytes.count)
        else { return nil }
        if first == UInt8(ascii: "@") { bytes[0] = 0 }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        self.address = address
        // A path ends with a zero, an abstract name does not: it would be part of the name.
        let end = first == UInt8(ascii: "@") ? 0 : 1
        length = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count + end)
    }

    public func withSocketAddress<Value>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Value) -> Value {
        withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
        }
    }
}
