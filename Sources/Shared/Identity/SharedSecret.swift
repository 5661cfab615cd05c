import COpenSSL

/// The SHA-256 of a text.
public struct TextDigest: Equatable, Sendable {
    /// 32 of them.
    public let bytes: [UInt8]

    public init(of text: String) {
        let text = Array(text.utf8)
        var digest = [UInt8](repeating: 0, count: 32)
        guard EVP_Digest(text, text.count, &digest, nil, EVP_sha256(), nil) == 1 else {
            preconditionFailure("OpenSSL has no SHA-256")
        }
        bytes = digest
    }

    /// In lower case.
    public var hexadecimal: String {
        bytes.map { String($0 >> 4, radix: 16) + String($0 & 0xF, radix: 16) }.joined()
    }
}

/// What somebody must know to be let in. Only its digest is kept, and comparing takes the same time whatever is compared with
/// it, so that nobody finds it out byte by byte (D55).
public struct SharedSecret: Sendable {
    private let digest: TextDigest

    public init(_ text: String) { digest = TextDigest(of: text) }

    public func equals(_ text: String) -> Bool {
        let other = TextDigest(of: text)
        return CRYPTO_memcmp(digest.bytes, other.bytes, digest.bytes.count) == 0
    }
}
