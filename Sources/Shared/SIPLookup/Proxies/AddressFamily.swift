import Identity

/// The versions of IP. Janus binds its SIP to an address of one of them.
public enum AddressFamily: String, Sendable, CaseIterable {
    case version4 = "ipv4"
    case version6 = "ipv6"
}

/// Where a server is.
extension IPAddress {
    public var family: AddressFamily { isVersion4 ? .version4 : .version6 }

    /// nil: no server can be there; it is unspecified, or for many at once.
    var usable: IPAddress? {
        if let version4 { return version4 >> 24 == 0 || version4 >> 28 >= 0xE ? nil : self }
        return (high == 0 && low == 0) || high >> 56 == 0xFF ? nil : self
    }

    /// As it stands in a URI.
    var bracketed: String { isVersion4 ? description : "[\(self)]" }
}
