import Identity

/// `[General] http_management_interface`: where the SIP infrastructure finds us, at one address of the host that all its front
/// doors share.
enum ManagementInterface: Equatable, Sendable, CustomStringConvertible {
    case none
    case address(ListenAddress)

    static let standardPort = 20888
    static let standard = ManagementInterface.address(ListenAddress(host: "127.0.0.1", port: standardPort))

    /// `IP`, `IP:port`, `[IPv6]`, `[IPv6]:port`, `none`. Ports from 1 to 65535.
    init?(_ text: String) {
        guard text.lowercased() != "none" else {
            self = .none
            return
        }
        let host: Substring
        let rest: Substring
        if text.first == "[" {
            guard let end = text.firstIndex(of: "]") else { return nil }
            host = text[text.index(after: text.startIndex)..<end]
            rest = text[text.index(after: end)...]
        } else {
            host = text.prefix { $0 != ":" }
            rest = text[host.endIndex...]
        }
        guard IPAddress(host) != nil, host.contains(":") == (text.first == "[") else { return nil }
        var port = Self.standardPort
        if !rest.isEmpty {
            let digits = rest.dropFirst()
            guard rest.first == ":", digits.utf8.count <= 5, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                let number = Int(digits), (1...65_535).contains(number)
            else { return nil }
            port = number
        }
        self = .address(ListenAddress(host: String(host), port: port))
    }

    /// Nobody but this host's own users can reach it.
    var isLoopback: Bool {
        switch self {
        case .none: true
        case .address(let address): IPAddress(address.host)?.isLoopback ?? false
        }
    }

    var description: String {
        switch self {
        case .none: "none"
        case .address(let address): address.description
        }
    }
}
