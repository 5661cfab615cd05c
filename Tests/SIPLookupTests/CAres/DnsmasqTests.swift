import Logging
import NIOCore
import NIOPosix
import Testing

@testable import SIPLookup

/// Whole lookups: with c-ares, the cache and a real name server.
@Suite(.serialized) struct DnsmasqTests {
    private static let records = [
        "--naptr-record=example.com,50,50,s,SIPS+D2T,,_sips._tcp.example.com",
        "--naptr-record=example.com,90,50,s,SIP+D2T,,_sip._tcp.example.com",
        "--naptr-record=example.com,100,50,s,SIP+D2U,,_sip._udp.example.com",
        "--srv-host=_sips._tcp.example.com,server1.example.com,5061,1,10",
        "--srv-host=_sip._tcp.example.com,server1.example.com,5060,1,10",
        "--srv-host=_sip._tcp.example.com,server2.example.com,5070,2,10",
        "--srv-host=_sip._udp.example.com,server2.example.com,5060,1,10",
        "--srv-host=_sip._tcp.example.org,alias.example.org,5080,1,1", "--cname=alias.example.org,server2.example.com",
        "--srv-host=_sip._udp.example.net", "--host-record=example.net,192.0.2.9",
        "--host-record=server1.example.com,192.0.2.1,2001:db8::1", "--host-record=server2.example.com,192.0.2.2",
        "--host-record=plain.example,192.0.2.3",
    ]

    /// The records that do not fit into a datagram.
    private static let many = (0..<48).map { "--srv-host=_sip._udp.many.example,server\($0).many.example,5060,\($0),1" }

    /// On a loaded machine a name server may take longer than it is waited for; then it is asked again.
    private func look(_ settings: ProxyLookup.Settings, up destinations: [String]) throws -> [String] {
        var found: [String] = []
        for _ in 0..<5 {
            found = try lookOnce(settings, up: destinations)
            guard found.contains(where: { $0.contains("Timeout in") || $0.contains("do not answer") }) else { break }
        }
        return found
    }

    private func lookOnce(_ settings: ProxyLookup.Settings, up destinations: [String]) throws -> [String] {
        let dnsmasq = try Dnsmasq(
            Self.records + Self.many + (0..<48).map { "--host-record=server\($0).many.example,198.51.100.\($0)" })
        defer { dnsmasq.stop() }
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        defer { #expect(throws: Never.self) { try group.syncShutdownGracefully() } }
        let loop = group.next()
        let server = dnsmasq.server
        let lookup = try loop.submit {
            let lookup = try ProxyLookup.withDNS(
                settings, servers: [server], loop: loop,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            return NIOLoopBound(lookup, eventLoop: loop)
        }.wait()
        let futures = destinations.map { destination in
            let promise = loop.makePromise(of: String.self)
            loop.execute {
                lookup.value.proxies(for: uri(destination)) { result in
                    switch result {
                    case .success(let targets):
                        promise.succeed(targets.left.map(\.description).joined(separator: " "))
                    case .failure(let error): promise.succeed(error.text)
                    }
                }
            }
            return promise.futureResult
        }
        let texts = try futures.map { try $0.wait() }
        try loop.submit { lookup.value.stop() }.wait()
        return texts
    }

    @Test func `B29 Against a real name server each kind of destination leads where its records say`() throws {
        let expected = [
            ("bob@example.com", "sips:192.0.2.1:5061"),
            ("bob@example.com;transport=tcp", "sip:192.0.2.1;transport=tcp sip:192.0.2.2:5070;transport=tcp"),
            ("bob@example.com;transport=udp", "sip:192.0.2.2"), ("bob@example.org", "sip:192.0.2.2:5080;transport=tcp"),
            ("bob@example.net", "DNS lookup error: no results found"), ("bob@plain.example", "sip:192.0.2.3"),
            ("bob@plain.example:5090", "sip:192.0.2.3:5090"), ("bob@192.0.2.4", "sip:192.0.2.4"),
            ("bob@absent.example", "DNS lookup error: No routes found for SIP URI sip:bob@absent.example"),
        ]
        let found = try look(
            ProxyLookup.Settings(transports: SIPTransport.allCases), up: expected.map(\.0))
        for ((destination, targets), text) in zip(expected, found) { #expect(text == targets, "\(destination)") }
    }

    @Test func `B29 D54 Against a real name server addresses of IPv6 are found when they are wanted`() throws {
        let settings = ProxyLookup.Settings(transports: [.tls], families: [.version6, .version4])
        #expect(
            try look(settings, up: ["bob@example.com"]) == ["sips:[2001:db8::1]:5061 sips:192.0.2.1:5061"])
    }

    @Test func `B29 Against a real name server an answer too long for a datagram is whole`() throws {
        let targets = try look(ProxyLookup.Settings(), up: ["bob@many.example"])
        let first = (0..<ProxyLookupStateMachine.maximumServers).map { "sip:198.51.100.\($0)" }
        #expect(targets == [first.joined(separator: " ")])
    }
}
