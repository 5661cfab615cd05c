import Identity

/// What a lookup is for: the parts of a SIP URI that it looks at (RFC 3263 §4).
struct ProxyDestination: Hashable, Sendable {
    enum Host: Hashable, Sendable {
        case address(IPAddress)
        case name(DNSName)
        /// Longer than any name may be.
        case impossible
    }

    let host: Host
    let port: UInt16?
    /// In lower case; not necessarily one that we know.
    let transport: String?
    /// `sips:`
    let isSecure: Bool
    /// As it is told in errors: without password, headers and other parameters.
    let text: String

    init(_ uri: SIPURI) {
        let literal = uri.host.first == "[" ? uri.host.dropFirst().dropLast() : uri.host[...]
        if let address = IPAddress(literal) {
            host = .address(address)
        } else {
            host = DNSName(uri.host).map { .name($0) } ?? .impossible
        }
        port = uri.port
        transport = uri.transport
        isSecure = uri.isSecure
        let user = uri.user.map { "\($0)@" } ?? ""
        let port = uri.port.map { ":\($0)" } ?? ""
        let transport = uri.transport.map { ";transport=\($0)" } ?? ""
        text = "\(uri.isSecure ? "sips" : "sip"):\(user)\(uri.host)\(port)\(transport)"
    }

    init(_ proxy: OutboundProxy) {
        switch proxy.host {
        case .address(let address): host = .address(address)
        case .name(let name): host = .name(name)
        }
        port = proxy.port
        transport = proxy.transport.rawValue
        isSecure = false
        text = "sip:\(proxy)"
    }
}
