import Identity
import Testing

@testable import Frontdoor

@Suite struct AddressCensusTests {
    private let anna = IPAddress(high: 0x2001_0db8_0000_0001, low: 1)
    private let bela = IPAddress(version4: 1)

    @Test func `B36 An address has so many handshakes at a time and no more`() {
        var census = AddressCensus(handshakes: 2, connections: 0, sockets: 100)
        #expect(census.came(anna) == nil && census.came(anna) == nil)
        #expect(census.came(anna) == .handshakesPerAddress)
        #expect(census.came(bela) == nil, "another address")
        #expect(census.came(nil) == nil, "a proxy's clients are not counted here")
        #expect(census.count == 4, "who was refused does not count")
        census.handshakeEnded(anna)
        #expect(census.came(anna) == nil)
    }

    @Test func `B36 An address has so many connections and no more`() {
        var census = AddressCensus(handshakes: 0, connections: 2, sockets: 100)
        #expect(census.connected(anna) == nil && census.connected(anna) == nil)
        #expect(census.connected(anna) == .connectionsPerAddress)
        #expect(census.connected(bela) == nil)
        census.disconnected(anna)
        #expect(census.connected(anna) == nil)
    }

    @Test func `B36 All together have so many sockets and no more`() {
        var census = AddressCensus(handshakes: 1, connections: 0, sockets: 2)
        #expect(census.came(nil) == nil && census.came(bela) == nil)
        #expect(census.came(anna) == .connections && census.came(nil) == .connections)
        census.left()
        #expect(census.came(anna) == nil)
    }

    @Test func `B36 0 is any number`() {
        var census = AddressCensus(handshakes: 0, connections: 0, sockets: .max)
        for _ in 0..<5000 { #expect(census.came(bela) == nil && census.connected(bela) == nil) }
    }

    @Test func `The addresses of one IPv6 network are one client`() {
        var census = AddressCensus(handshakes: 1, connections: 1, sockets: 9)
        let neighbour = IPAddress(high: anna.high, low: 2)
        let stranger = IPAddress(high: anna.high + 1, low: 1)
        #expect(census.came(anna) == nil && census.connected(anna) == nil)
        #expect(
            census.came(neighbour) == .handshakesPerAddress && census.connected(neighbour) == .connectionsPerAddress)
        #expect(census.came(stranger) == nil && census.connected(stranger) == nil)
    }

    @Test func `Who has left is forgotten`() {
        var census = AddressCensus(handshakes: 3, connections: 3, sockets: 9)
        _ = census.came(anna)
        _ = census.connected(anna)
        census.handshakeEnded(anna)
        #expect(census.addresses == 1)
        census.disconnected(anna)
        census.left()
        #expect(census.addresses == 0 && census.count == 0)
    }
}

@Suite struct GateTests {
    private func gate(_ limits: (inout Limits) -> Void = { _ in }, descriptors: Int = 100) throws -> Gate {
        var settings = Limits()
        settings.handshakesPerAddress = 2
        settings.connectionsPerAddress = 2
        limits(&settings)
        return Gate(
            settings, descriptors: descriptors, proxies: try #require(TrustedProxies(["10.0.0.0/8"])),
            hits: LimitHits(logger: .silent))
    }

    private let client = IPAddress(version4: 0xCB00_7101)
    private let proxy = IPAddress(version4: 0x0A00_0001)

    @Test func `A visit gives its place back once, however often it ends`() throws {
        let gate = try gate()
        let first = try #require(gate.admit(client)), second = try #require(gate.admit(client))
        #expect(gate.admit(client) == nil)
        #expect(gate.hits.count(of: .handshakesPerAddress) == 1)
        first.end()
        first.end()
        let third = try #require(gate.admit(client))
        #expect(gate.admit(client) == nil)
        for visit in [second, third] { visit.end() }
        #expect(gate.withCensus { $0.count } == 0 && gate.withCensus { $0.addresses } == 0)
    }

    @Test func `A WebSocket is no handshake any more`() throws {
        let gate = try gate()
        let visits = try (0..<2).map { _ in try #require(gate.admit(client)) }
        for visit in visits { #expect(visit.connect(client) == nil) }
        let third = try #require(gate.admit(client))
        #expect(third.connect(client) == .connectionsPerAddress)
        #expect(gate.admit(client) != nil, "one is a handshake still")
        #expect(gate.admit(client) == nil)
        visits[0].end()
        #expect(third.connect(client) == nil)
    }

    @Test func `A proxy's clients are counted when they are known`() throws {
        let gate = try gate()
        let visits = try (0..<10).map { _ in try #require(gate.admit(proxy)) }
        #expect(visits[0].connect(client) == nil && visits[1].connect(client) == nil)
        #expect(visits[2].connect(client) == .connectionsPerAddress)
        #expect(visits[3].connect(IPAddress(version4: 7)) == nil)
        #expect(visits[4].connect(nil) == nil)
        for visit in visits { visit.end() }
        #expect(gate.withCensus { $0.count } == 0 && gate.withCensus { $0.addresses } == 0)
        #expect(visits[0].connect(client) == nil, "it is over, and counts nowhere")
        #expect(gate.withCensus { $0.addresses } == 0)
    }

    @Test func `B36 There are never more sockets than descriptors`() throws {
        let few = try gate(descriptors: 1)
        #expect(few.admit(proxy) != nil && few.admit(proxy) == nil)
        let configured = try gate { $0.connections = 1 }
        #expect(configured.admit(proxy) != nil && configured.admit(proxy) == nil)
        #expect(configured.hits.count(of: .connections) == 1)
        #expect(DescriptorLimit.forClients(of: 65_536) == 65_536 - DescriptorLimit.reserve)
        #expect(DescriptorLimit.forClients(of: 256) == 128 && DescriptorLimit.forClients(of: 1) == 1)
        #expect(DescriptorLimit.raise() > 0)
    }
}
