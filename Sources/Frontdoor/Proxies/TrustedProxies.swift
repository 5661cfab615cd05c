import Identity
import NIOHTTP1

/// `[Frontdoor] trusted_proxies`: whose word is taken for the address of a client.
struct TrustedProxies: Equatable, Sendable {
    /// A network in CIDR notation, or a single address.
    struct Network: Equatable, Sendable {
        private let address: IPAddress
        private let highMask: UInt64
        private let lowMask: UInt64

        /// `192.0.2.1`, `192.0.2.0/24`, `2001:db8::/32`. Bits behind the network's own must be 0: one of the two is a mistake.
        init?(_ text: some StringProtocol) {
            let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
            guard let address = IPAddress(parts[0]) else { return nil }
            let isVersion4 = !parts[0].contains(":")
            let width = isVersion4 ? 32 : 128
            var length = width
            if parts.count == 2 {
                guard let given = Int(parts[1]), parts[1].allSatisfy(\.isNumber), (0...width).contains(given) else {
                    return nil
                }
                length = given
            }
            if isVersion4 { length += 96 }
            highMask = length >= 64 ? .max : ~(UInt64.max >> UInt64(length))
            lowMask = length <= 64 ? 0 : ~(length == 128 ? 0 : UInt64.max >> UInt64(length - 64))
            guard address.high & ~highMask == 0, address.low & ~lowMask == 0 else { return nil }
            self.address = address
        }

        func contains(_ other: IPAddress) -> Bool {
            other.high & highMask == address.high && other.low & lowMask == address.low
        }
    }

    static let legal = "addresses and networks, as 192.0.2.1, 10.0.0.0/8 or 2001:db8::/32"

    static let none = TrustedProxies(networks: [])

    let networks: [Network]

    private init(networks: [Network]) { self.networks = networks }

    /// nil: one of them is none.
    init?(_ texts: [String]) {
        let networks = texts.compactMap { Network($0) }
        guard networks.count == texts.count else { return nil }
        self.networks = networks
    }

    func contains(_ address: IPAddress) -> Bool { networks.contains { $0.contains(address) } }

    /// What can be said of a client from the request that came over a socket.
    enum Account: Equatable {
        /// The socket is the client's own, or its proxy names nobody.
        case peer
        case forwarded(Hop)
        /// A trusted proxy's words are not understood: nobody is believed.
        case malformed
    }

    /// Who asked a trusted proxy: the last hop that is not one itself; if all are, the first. Both headers may be there as
    /// long as they agree; a proxy sets only one of them, and the other may be the client's invention.
    func account(of headers: HTTPHeaders, from peer: IPAddress) -> Account {
        guard contains(peer) else { return .peer }
        let accounts = [
            account(headers["forwarded"], ForwardedHeader.hops),
            account(headers["x-forwarded-for"], ForwardedHeader.plainHops),
        ].filter { $0 != .peer }
        guard let first = accounts.first else { return .peer }
        guard case .forwarded(let hop) = first else { return .malformed }
        let isAgreed = accounts.allSatisfy { account in
            if case .forwarded(let other) = account { other.address == hop.address } else { false }
        }
        return isAgreed ? first : .malformed
    }

    /// Only as much is understood as has to be: what comes before is the client's own word.
    private func account(_ fields: [String], _ hops: (String) -> [Hop?]) -> Account {
        var last: Hop?
        for field in fields.reversed() {
            for hop in hops(field).reversed() {
                guard let hop else { return .malformed }
                guard contains(hop.address) else { return .forwarded(hop) }
                last = hop
            }
        }
        return last.map { .forwarded($0) } ?? .peer
    }
}
