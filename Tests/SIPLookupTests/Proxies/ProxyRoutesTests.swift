import Identity
import TestSupport
import Testing

@testable import SIPLookup

/// RFC 2782, "Priority" and "Weight".
@Suite struct ProxyRoutesTests {
    private func server(_ priority: Int, _ weight: UInt16, _ addresses: String...) -> ProxyRoutes.Server {
        ProxyRoutes.Server(
            priority: priority, weight: weight, port: 5060, addresses: addresses.map { address($0) })
    }

    private func orders(
        _ servers: [ProxyRoutes.Server], _ families: [AddressFamily] = [.version4], count: Int = 4000
    ) -> [[String]] {
        var random = SeededGenerator(seed: 7)
        let routes = ProxyRoutes(transport: .udp, servers: servers)
        return (0..<count).map { _ in routes.ordered(families, using: &random).map(\.address.description) }
    }

    private func share(_ orders: [[String]], _ first: String) -> Double {
        Double(orders.count { $0.first == first }) / Double(orders.count)
    }

    @Test func `B29 D54 Servers of a higher priority always come first`() {
        let orders = orders([server(20, 65_535, "192.0.2.3"), server(5, 0, "192.0.2.1"), server(10, 9, "192.0.2.2")])
        #expect(orders.allSatisfy { $0 == ["192.0.2.1", "192.0.2.2", "192.0.2.3"] })
    }

    /// The example of RFC 2782: a fast box gets three times what the old one gets.
    @Test func `B29 D54 Among equals the weight is the share`() {
        let orders = orders([server(0, 1, "192.0.2.1"), server(0, 3, "192.0.2.2")])
        // The draw is 0...4, so that the first of the list gets two of five numbers.
        #expect(abs(share(orders, "192.0.2.1") - 0.4) < 0.03)
        #expect(orders.allSatisfy { Set($0) == ["192.0.2.1", "192.0.2.2"] })
        let heavy = self.orders([server(0, 100, "192.0.2.1"), server(0, 300, "192.0.2.2"), server(0, 600, "192.0.2.3")])
        #expect(abs(share(heavy, "192.0.2.1") - 0.1) < 0.02)
        #expect(abs(share(heavy, "192.0.2.2") - 0.3) < 0.03)
        #expect(abs(share(heavy, "192.0.2.3") - 0.6) < 0.03)
    }

    @Test func `B29 D54 A weight of none is a very small chance, and an equal one if all have none`() {
        let small = orders([server(0, 999, "192.0.2.1"), server(0, 0, "192.0.2.2")], count: 20_000)
        #expect((0.0001...0.004).contains(share(small, "192.0.2.2")))
        let equal = orders([server(0, 0, "192.0.2.1"), server(0, 0, "192.0.2.2"), server(0, 0, "192.0.2.3")])
        for address in ["192.0.2.1", "192.0.2.2", "192.0.2.3"] { #expect(abs(share(equal, address) - 1 / 3) < 0.03) }
    }

    @Test func `B29 D54 A server's addresses have equal shares, by family`() {
        let servers = [server(0, 0, "192.0.2.1", "2001:db8::1", "192.0.2.2"), server(1, 0, "192.0.2.3")]
        let orders = orders(servers, [.version6, .version4])
        #expect(orders.allSatisfy { $0[0] == "2001:db8::1" && $0[3] == "192.0.2.3" })
        #expect(abs(Double(orders.count { $0[1] == "192.0.2.1" }) / Double(orders.count) - 0.5) < 0.03)
        #expect(self.orders(servers, [.version4]).allSatisfy { $0[2] == "2001:db8::1" }, "as in a numeric host")
    }

    @Test func `B29 The same server is tried once, and no more than sixteen are told`() {
        #expect(orders([server(0, 1, "192.0.2.1"), server(1, 1, "192.0.2.1", "192.0.2.2")], count: 1)[0].count == 2)
        let many = (0..<64).map { server($0, 1, "192.0.2.\($0 + 1)") }
        #expect(orders(many, count: 1)[0] == (1...16).map { "192.0.2.\($0)" })
    }

    @Test func `One seed draws one order`() {
        let servers = (0..<16).map { server(0, UInt16($0), "192.0.2.\($0 + 1)") }
        #expect(orders(servers, count: 3) == orders(servers, count: 3))
        #expect(Set(orders(servers, count: 50)).count > 40)
    }
}
