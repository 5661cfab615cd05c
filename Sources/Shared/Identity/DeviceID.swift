import COpenSSL

/// A client's connection, as the original names it in logs: `base64(md5(peer))` without `=` (protocol page, section 8.4). It
/// tells lines apart and guards nothing.
public struct DeviceID: Hashable, Sendable, CustomStringConvertible {
    public let description: String

    /// - Parameters:
    ///   - address: of IP, in its usual text form.
    ///   - isVersion4: it is one of IPv4.
    public init(address: String, port: UInt16, isVersion4: Bool) {
        let peer = Array("\(isVersion4 ? "tcp4" : "tcp6"):\(address):\(port)".utf8)
        var digest = [UInt8](repeating: 0, count: 16)
        guard EVP_Digest(peer, peer.count, &digest, nil, EVP_md5(), nil) == 1 else {
            // Where md5 is forbidden there are no device ids.
            description = "unknown"
            return
        }
        var text = [UInt8](repeating: 0, count: 25)
        EVP_EncodeBlock(&text, digest, Int32(digest.count))
        description = String(decoding: text.prefix(22), as: UTF8.self)
    }
}
