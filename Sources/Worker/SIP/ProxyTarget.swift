/// What SIP is carried by (RFC 3263 §4.1). A handle of Janus stays with the one it began with.
enum SIPTransport: String, Hashable, Sendable, CaseIterable {
    case udp, tcp, tls
}

/// Where a server is.
enum ServerAddress: Hashable, Sendable {
    /// In the order of the network, read as one number.
    case version4(UInt32)

    var bracketed: String {
        switch self {
        case .version4(let number):
            stride(from: 24, through: 0, by: -8).map { String(number >> UInt32($0) & 255) }.joined(separator: ".")
        }
    }
}

/// A server that SIP requests may be sent to, looked up completely.
struct ProxyTarget: Hashable, Sendable, CustomStringConvertible {
    let transport: SIPTransport
    let address: ServerAddress
    let port: UInt16

    init(_ transport: SIPTransport, _ address: ServerAddress, _ port: UInt16) {
        self.transport = transport
        self.address = address
        self.port = port
    }

    /// As Janus is told it, as `proxy` and as `outbound_proxy`.
    var description: String {
        let port = port == 5060 ? "" : ":\(port)"
        return switch transport {
        case .udp: "sip:\(address.bracketed)\(port)"
        case .tcp: "sip:\(address.bracketed)\(port);transport=tcp"
        case .tls: "sips:\(address.bracketed):\(self.port)"
        }
    }
}
