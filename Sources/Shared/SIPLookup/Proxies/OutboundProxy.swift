import Identity

/// `[General] outbound_sip_proxy`: where every SIP request goes (protocol page, §9).
public struct OutboundProxy: Hashable, Sendable, CustomStringConvertible {
    enum Host: Hashable, Sendable {
        case address(IPAddress)
        case name(DNSName)
    }

    static let standardPort: UInt16 = 5060

    let host: Host
    let port: UInt16
    public let transport: SIPTransport

    /// `host`, `host:port` or `[IPv6]:port`, and perhaps `;transport=udp`, `tcp` or `tls`. Without port 5060, without
    /// transport UDP.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ";", omittingEmptySubsequences: false).map { part in
            part.drop { $0 == " " || $0 == "\t" }.reversed().drop { $0 == " " || $0 == "\t" }.reversed()
        }.map { String($0) }
        guard (1...2).contains(parts.count), let split = HostAndPort(parts[0]) else { return nil }
        if let address = IPAddress(split.host) {
            host = .address(address)
        } else {
            guard !split.host.contains(":"), let name = DNSName(split.host) else { return nil }
            host = .name(name)
        }
        port = split.port ?? Self.standardPort
        guard parts.count == 2 else {
            transport = .udp
            return
        }
        let parameter = parts[1].lowercased()
        guard parameter.hasPrefix("transport="), let transport = SIPTransport(rawValue: String(parameter.dropFirst(10)))
        else { return nil }
        self.transport = transport
    }

    public var description: String {
        switch host {
        case .address(let address): "\(address.bracketed):\(port);transport=\(transport)"
        case .name(let name): "\(name):\(port);transport=\(transport)"
        }
    }
}
