/// A SIP identity, `user@domain`, normalised once on arrival: no scheme, port, parameters or headers, the domain in lower
/// case, the user as it was written (RFC 3261 §19.1.4 compares users with case). Accounts, rooms and invitees are named
/// so (protocol page, D25).
public struct AddressOfRecord: Hashable, Sendable, CustomStringConvertible {
    public let user: String
    public let domain: String

    public static let maximumLength = 255

    public var description: String { "\(user)@\(domain)" }

    /// - Returns: nil unless `text` is a SIP URI with a user and a domain, of at most 255 bytes.
    public init?(_ text: String) {
        guard text.utf8.count <= Self.maximumLength, let uri = SIPURI(text), let user = uri.user else { return nil }
        self.user = user
        domain = uri.host.lowercased()
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
