/// A SIP identity, `user@domain`, normalised once on arrival (protocol page, D25, D41): no scheme, port, parameters or
/// headers; the domain in lower case and without a final dot; in the user, escapes of characters that need none are
/// resolved and others are in upper case, so that one identity has one spelling (RFC 3261 §19.1.4). Users keep their case.
public struct AddressOfRecord: Hashable, Sendable, CustomStringConvertible {
    public let user: String
    public let domain: String

    public static let maximumLength = 255

    public var description: String { "\(user)@\(domain)" }

    /// - Returns: nil unless `text` is a SIP URI with a user and a domain, of at most 255 bytes.
    public init?(_ text: String) {
        guard text.utf8.count <= Self.maximumLength, let uri = SIPURI(text), let user = uri.user else { return nil }
        self.user = Self.unescaped(user)
        let host = uri.host.lowercased()
        domain = host.hasSuffix(".") ? String(host.dropLast()) : host
    }

    private static func unescaped(_ user: String) -> String {
        guard user.utf8.contains(UInt8(ascii: "%")) else { return user }
        var result: [UInt8] = []
        var bytes = user.utf8.makeIterator()
        while let byte = bytes.next() {
            guard byte == UInt8(ascii: "%"), let high = bytes.next(), let low = bytes.next() else {
                result.append(byte)
                continue
            }
            let digits = String(decoding: [high, low], as: UTF8.self).uppercased()
            if let value = UInt8(digits, radix: 16), value.isAlphanumeric || "-_.!~*'()".utf8.contains(value) {
                result.append(value)
            } else {
                result += "%\(digits)".utf8
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}

/// The name of a video conference: the address its participants join.
public struct RoomURI: Hashable, Sendable, CustomStringConvertible {
    public let address: AddressOfRecord

    public init(_ address: AddressOfRecord) { self.address = address }

    public init?(_ text: String) {
        guard let address = AddressOfRecord(text) else { return nil }
        self.address = address
    }

    public var description: String { address.description }
}
