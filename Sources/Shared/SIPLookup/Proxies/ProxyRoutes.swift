import Identity

/// What a lookup has found, before chance orders it.
struct ProxyRoutes: Equatable, Sendable {
    struct Server: Equatable, Sendable {
        /// The lowest is tried first: an SRV record's own, below the rank of its service.
        let priority: Int
        let weight: UInt16
        let port: UInt16
        let addresses: [IPAddress]
    }

    /// What a caller may be told; nobody tries more.
    static let maximumTargets = 16

    let transport: SIPTransport
    let servers: [Server]

    /// By priority, among equals by weight (RFC 2782); a server's addresses by family, otherwise in any order, so that each
    /// has its share. Nothing stands there twice.
    ///
    /// - Parameter families: in the order in which they are tried.
    func ordered(
        _ families: [AddressFamily], using random: inout some RandomNumberGenerator
    ) -> [ProxyTarget] {
        var targets: [ProxyTarget] = []
        for priority in Set(servers.map(\.priority)).sorted() {
            for server in Self.drawn(servers.filter { $0.priority == priority }, using: &random) {
                let shuffled = server.addresses.shuffled(using: &random)
                let known = families.flatMap { family in shuffled.filter { $0.family == family } }
                for address in known + shuffled.filter({ !families.contains($0.family) }) {
                    let target = ProxyTarget(transport, address, server.port)
                    if !targets.contains(target) { targets.append(target) }
                    if targets.count == Self.maximumTargets { return targets }
                }
            }
        }
        return targets
    }

    /// The draw of RFC 2782, "Weight": those of weight 0 stand first, so that they have a very small chance.
    private static func drawn(_ servers: [Server], using random: inout some RandomNumberGenerator) -> [Server] {
        var left = servers.filter { $0.weight == 0 }.shuffled(using: &random) + servers.filter { $0.weight > 0 }
        var drawn: [Server] = []
        while !left.isEmpty {
            let number = Int.random(in: 0...left.reduce(0) { $0 + Int($1.weight) }, using: &random)
            var sum = 0
            let chosen = left.firstIndex { server in
                sum += Int(server.weight)
                return sum >= number
            }
            drawn.append(left.remove(at: chosen ?? 0))
        }
        return drawn
    }
}
