/// Where a process answers its operator: `host:port`, `host:first-last` (several processes share one configuration; each
/// takes the first port that is free), or `none`. An IPv6 address stands in brackets.
public enum ManagementAddress: Equatable, Sendable {
    case none
    /// - Parameter ports: 0 alone: any free one.
    case ports(host: String, ClosedRange<Int>)

    public static let legal = "host:port, host:first-last, or none"

    public init?(_ text: String) {
        guard text.lowercased() != "none" else {
            self = .none
            return
        }
        guard let colon = text.lastIndex(of: ":") else { return nil }
        let numbers = text[text.index(after: colon)...].split(separator: "-", omittingEmptySubsequences: false)
        let ports = numbers.compactMap { $0.allSatisfy { ("0"..."9").contains($0) } ? Int($0) : nil }
        guard ports.count == numbers.count, ports.count <= 2, let first = ports.first, let last = ports.last,
            first <= last, last <= 65535, first > 0 || last == 0
        else { return nil }
        var host = text[..<colon]
        if host.first == "[", host.last == "]" { host = host.dropFirst().dropLast() }
        guard !host.isEmpty else { return nil }
        self = .ports(host: String(host), first...last)
    }

    /// The front doors' standard.
    public static let frontdoors = ManagementAddress.ports(host: "127.0.0.1", 20860...20869)
    /// The workers' standard.
    public static let workers = ManagementAddress.ports(host: "127.0.0.1", 20870...20885)
}
