import Identity

/// What a record of one of our types says.
public enum DNSRecord: Hashable, Sendable {
    case address(IPAddress)
    case service(SRVRecord)
    case naming(NAPTRRecord)
}

/// Where a service is (RFC 2782).
public struct SRVRecord: Hashable, Sendable {
    /// The lowest is tried first.
    public let priority: UInt16
    /// How often it comes first among those of its priority.
    public let weight: UInt16
    public let port: UInt16
    /// nil: the service is decidedly not there (target `.`), or its name is none that a host has.
    public let target: DNSName?

    public init(priority: UInt16, weight: UInt16, port: UInt16, target: DNSName?) {
        self.priority = priority
        self.weight = weight
        self.port = port
        self.target = target
    }
}

/// Which services a domain prefers (RFC 3403).
public struct NAPTRRecord: Hashable, Sendable {
    public let order: UInt16
    public let preference: UInt16
    /// In lower case, as the service is.
    public let flags: String
    public let service: String
    /// Such a record names nothing by itself (RFC 3403 §4.1).
    public let hasExpression: Bool
    public let replacement: DNSName?

    public init(
        order: UInt16, preference: UInt16, flags: String, service: String, hasExpression: Bool = false,
        replacement: DNSName?
    ) {
        self.order = order
        self.preference = preference
        self.flags = flags.lowercased()
        self.service = service.lowercased()
        self.hasExpression = hasExpression
        self.replacement = replacement
    }
}
