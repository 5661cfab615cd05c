import Identity

/// A server that SIP requests may be sent to, looked up completely.
public struct ProxyTarget: Hashable, Sendable, CustomStringConvertible {
    public let transport: SIPTransport
    public let address: IPAddress
    public let port: UInt16

    public init(_ transport: SIPTransport, _ address: IPAddress, _ port: UInt16) {
        self.transport = transport
        self.address = address
        self.port = port
    }

    /// As Janus is told it, as `proxy` and as `outbound_proxy` (protocol page, §7.1).
    public var description: String {
        let port = port == 5060 ? "" : ":\(port)"
        return switch transport {
        case .udp: "sip:\(address.bracketed)\(port)"
        case .tcp: "sip:\(address.bracketed)\(port);transport=tcp"
        case .tls: "sips:\(address.bracketed):\(self.port)"
        }
    }
}

/// Servers in the order in which they are to be tried; one at least when it is fresh.
public struct ProxyTargets: Equatable, Sendable {
    public private(set) var left: [ProxyTarget]

    public init(_ targets: [ProxyTarget]) { left = targets }

    /// - Returns: the one to try now; nil: all have been.
    public mutating func next() -> ProxyTarget? { left.isEmpty ? nil : left.removeFirst() }
}
