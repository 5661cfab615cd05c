/// What SIP is carried by (RFC 3263 §4.1).
public enum SIPTransport: String, Hashable, Sendable, CaseIterable {
    case udp, tcp, tls

    public var standardPort: UInt16 {
        switch self {
        case .udp, .tcp: 5060
        case .tls: 5061
        }
    }

    /// In front of the domain whose SRV records are asked for.
    var serviceName: String {
        switch self {
        case .udp: "_sip._udp"
        case .tcp: "_sip._tcp"
        case .tls: "_sips._tcp"
        }
    }

    /// - Parameter namingService: the service field of a NAPTR record, in lower case.
    init?(namingService: String) {
        switch namingService {
        case "sip+d2u": self = .udp
        case "sip+d2t": self = .tcp
        case "sips+d2t": self = .tls
        default: return nil
        }
    }
}
