/// The types of records that lead to a SIP server (RFC 3263).
public enum DNSType: Hashable, Sendable, CaseIterable {
    case address4
    case address6
    case service
    case naming

    /// As on the wire: A, AAAA (RFC 3596), SRV (RFC 2782), NAPTR (RFC 3403).
    var number: UInt16 {
        switch self {
        case .address4: 1
        case .address6: 28
        case .service: 33
        case .naming: 35
        }
    }
}

/// What a name server is asked, in the class of the internet.
public struct DNSQuestion: Hashable, Sendable {
    public let name: DNSName
    public let type: DNSType

    public init(_ type: DNSType, _ name: DNSName) {
        self.type = type
        self.name = name
    }
}
