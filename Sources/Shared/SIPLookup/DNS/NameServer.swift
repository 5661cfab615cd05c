import Identity

/// A name server that is asked.
public struct NameServer: Hashable, Sendable, CustomStringConvertible {
    public let address: IPAddress
    public let port: UInt16

    public static let standardPort: UInt16 = 53
    /// More would never be reached within the time of a question.
    public static let maximumCount = 8

    public init(_ address: IPAddress, port: UInt16 = standardPort) {
        self.address = address
        self.port = port
    }

    /// `192.0.2.53`, `192.0.2.53:5353`, `2001:db8::53`, `[2001:db8::53]:5353`.
    public init?(_ text: some StringProtocol) {
        if let address = IPAddress(text) {
            self.init(address)
        } else {
            guard let split = HostAndPort(text), let port = split.port, let address = IPAddress(split.host) else {
                return nil
            }
            self.init(address, port: port)
        }
    }

    public var description: String { "\(address.bracketed):\(port)" }
}
