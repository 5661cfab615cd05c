import Testing

@testable import SIPLookup

/// The rounds of a lookup and what comes of them.
private struct Walk {
    private(set) var rounds: [[String]] = []
    private(set) var result: Result<ProxyRoutes, ProxyLookupError>?

    init(
        _ text: String, _ zone: Zone = Zone(), transports: [SIPTransport] = [.udp, .tcp, .tls],
        families: [AddressFamily] = [.version4]
    ) {
        var machine = ProxyLookupStateMachine(
            ProxyDestination(uri(text)), transports: transports, families: families)
        var action = machine.started()
        while true {
            switch action {
            case .await: return
            case .finish(let result):
                self.result = result
                return
            case .ask(let questions):
                rounds.append(questions.map(\.text))
                for question in questions { action = machine.answered(question, zone.answer(to: question)) }
            }
        }
    }

    /// Each as Janus is told it, in the order that they have without chance.
    var targets: [String] {
        guard case .success(let routes) = result else { return [] }
        return routes.servers.sorted { $0.priority < $1.priority }.flatMap { server in
            server.addresses.map { ProxyTarget(routes.transport, $0, server.port).description }
        }
    }

    var error: ProxyLookupError? {
        guard case .failure(let error) = result else { return nil }
        return error
    }
}

/// Protocol page, §7.1; RFC 3263 §4.
@Suite struct ProxyLookupStateMachineTests {
    /// The records of RFC 3263 §4.1 and §4.2, and addresses for the servers.
    private static var example: Zone {
        var zone = Zone()
        zone.say(
            .naming, "example.com",
            [
                naptr(100, 50, "SIP+D2U", "_sip._udp.example.com"), naptr(50, 50, "SIPS+D2T", "_sips._tcp.example.com"),
                naptr(90, 50, "SIP+D2T", "_sip._tcp.example.com"),
            ])
        zone.say(.service, "_sips._tcp.example.com", [srv(0, 0, 5061, "server1.example.com")])
        zone.say(
            .service, "_sip._tcp.example.com",
            [srv(0, 1, 5060, "server1.example.com"), srv(0, 2, 5060, "server2.example.com")])
        zone.say(.service, "_sip._udp.example.com", [srv(0, 0, 5060, "server2.example.com")])
        zone.say(.address4, "server1.example.com", a("192.0.2.1"))
        zone.say(.address4, "server2.example.com", a("192.0.2.2", "192.0.2.3"))
        return zone
    }

    // MARK: Hosts that say where they are

    @Test(
        arguments: [
            ("sip:bob@192.0.2.9", "sip:192.0.2.9"), ("sip:bob@192.0.2.9:5070", "sip:192.0.2.9:5070"),
            ("sip:bob@192.0.2.9;transport=TCP", "sip:192.0.2.9;transport=tcp"),
            ("sip:bob@192.0.2.9:5070;transport=tcp", "sip:192.0.2.9:5070;transport=tcp"),
            ("sip:bob@192.0.2.9;transport=tls", "sips:192.0.2.9:5061"), ("sips:bob@192.0.2.9", "sips:192.0.2.9:5061"),
            ("sips:bob@192.0.2.9:5060;transport=tcp", "sips:192.0.2.9:5060"),
            ("bob@[2001:db8::9]", "sip:[2001:db8::9]"), ("bob@[2001:DB8::9]:5070", "sip:[2001:db8::9]:5070"),
            ("sips:bob@[2001:db8::9]", "sips:[2001:db8::9]:5061"),
        ])
    func `B29 A numeric host is asked of nobody`(destination: String, target: String) {
        let walk = Walk(destination)
        #expect(walk.rounds.isEmpty)
        #expect(walk.targets == [target])
    }

    @Test(arguments: ["bob@0.0.0.0", "bob@224.0.0.5", "bob@255.255.255.255:5060", "bob@[::]", "bob@[ff02::1]"])
    func `B29 There is no server where nobody, or everybody, is`(destination: String) {
        #expect(Walk(destination).error == .noRoutes(uri: "sip:\(destination)"))
    }

    @Test(
        arguments: [
            ("sip:bob@server2.example.com:5070", ["sip:192.0.2.2:5070", "sip:192.0.2.3:5070"]),
            (
                "sip:bob@Server2.Example.COM.:5060;transport=tcp",
                ["sip:192.0.2.2;transport=tcp", "sip:192.0.2.3;transport=tcp"]
            ), ("sips:bob@server1.example.com:5065", ["sips:192.0.2.1:5065"]),
        ])
    func `B29 Of a host with a port only the addresses are asked for`(destination: String, targets: [String]) {
        let walk = Walk(destination, Self.example)
        #expect(walk.rounds.count == 1 && walk.rounds[0].allSatisfy { $0.hasPrefix("A server") })
        #expect(walk.targets == targets)
    }

    // MARK: Hosts with a transport

    @Test(
        arguments: [
            ("sip:bob@example.com;transport=udp", "_sip._udp", ["sip:192.0.2.2", "sip:192.0.2.3"]),
            (
                "sip:bob@example.com;x=y;Transport=TCP?a=b", "_sip._tcp",
                ["sip:192.0.2.1;transport=tcp", "sip:192.0.2.2;transport=tcp", "sip:192.0.2.3;transport=tcp"]
            ), ("sip:bob@example.com;transport=tls", "_sips._tcp", ["sips:192.0.2.1:5061"]),
            ("sips:bob@example.com;transport=tcp", "_sips._tcp", ["sips:192.0.2.1:5061"]),
        ])
    func `B29 Of a host with a transport that service is asked for`(
        destination: String, service: String, targets: [String]
    ) {
        let walk = Walk(destination, Self.example)
        #expect(walk.rounds.first == ["SRV \(service).example.com"])
        #expect(walk.rounds.count == 2)
        #expect(walk.targets == targets)
    }

    @Test func `B29 Without that service the host itself is the server, at the transport's port`() {
        var zone = Zone()
        zone.say(.address4, "example.org", a("192.0.2.4"))
        let walk = Walk("bob@example.org;transport=tls", zone)
        #expect(walk.rounds == [["SRV _sips._tcp.example.org"], ["A example.org"]])
        #expect(walk.targets == ["sips:192.0.2.4:5061"])
        #expect(Walk("bob@example.org;transport=tcp", zone).targets == ["sip:192.0.2.4;transport=tcp"])
    }

    // MARK: Plain hosts

    @Test func `B29 A domain's preferred transport is taken of those that are enabled`() {
        let tls = Walk("bob@example.com", Self.example)
        #expect(
            tls.rounds == [
                ["NAPTR example.com"],
                ["SRV _sips._tcp.example.com", "SRV _sip._tcp.example.com", "SRV _sip._udp.example.com"],
                ["A server1.example.com", "A server2.example.com"],
            ])
        #expect(tls.targets == ["sips:192.0.2.1:5061"])
        let tcp = Walk("bob@example.com", Self.example, transports: [.udp, .tcp])
        #expect(tcp.rounds[1] == ["SRV _sip._tcp.example.com", "SRV _sip._udp.example.com"])
        #expect(
            tcp.targets == [
                "sip:192.0.2.1;transport=tcp", "sip:192.0.2.2;transport=tcp", "sip:192.0.2.3;transport=tcp",
            ])
        #expect(
            Walk("bob@example.com", Self.example, transports: [.udp]).targets == ["sip:192.0.2.2", "sip:192.0.2.3"])
    }

    @Test func `B29 A sips URI is reached over TLS only`() {
        let walk = Walk("sips:bob@example.com", Self.example)
        #expect(walk.rounds[1] == ["SRV _sips._tcp.example.com"])
        #expect(walk.targets == ["sips:192.0.2.1:5061"])
        var zone = Zone()
        zone.say(.address4, "example.org", a("192.0.2.4"))
        let plain = Walk("sips:bob@example.org", zone)
        #expect(plain.rounds == [["NAPTR example.org"], ["SRV _sips._tcp.example.org"], ["A example.org"]])
        #expect(plain.targets == ["sips:192.0.2.4:5061"])
    }

    @Test func `B29 A replacement may be of another domain, and its servers of a third`() {
        var zone = Zone()
        zone.say(.naming, "example.com", [naptr(10, 10, "SIP+D2T", "_sip._tcp.provider.example")])
        zone.say(.service, "_sip._tcp.provider.example", [srv(1, 1, 5080, "edge.carrier.example")])
        zone.say(.address4, "edge.carrier.example", a("192.0.2.5"))
        #expect(Walk("bob@example.com", zone).targets == ["sip:192.0.2.5:5080;transport=tcp"])
    }

    @Test func `B29 Preferences order what has one order, and several services of a transport follow each other`() {
        var zone = Zone()
        zone.say(
            .naming, "example.com",
            [
                naptr(10, 30, "SIP+D2U", "_sip._udp.backup.example"),
                naptr(10, 20, "sip+d2u", "_sip._udp.main.example"),
                naptr(10, 20, "SIP+D2U", "_sip._udp.main.example"),
            ])
        zone.say(.service, "_sip._udp.backup.example", [srv(1, 1, 5060, "backup.example")])
        zone.say(.service, "_sip._udp.main.example", [srv(9, 1, 5060, "main.example")])
        zone.say(.address4, "backup.example", a("192.0.2.2"))
        zone.say(.address4, "main.example", a("192.0.2.1"))
        let walk = Walk("bob@example.com", zone)
        #expect(walk.rounds[1] == ["SRV _sip._udp.main.example", "SRV _sip._udp.backup.example"])
        #expect(walk.targets == ["sip:192.0.2.1", "sip:192.0.2.2"])
    }

    @Test func `B29 Preferences that name nothing of use are as good as none`() {
        var zone = Zone()
        let good = ("_sip._udp.elsewhere.example", "sip+d2u")
        let useless: [(String, String, Bool, String?)] = [
            ("u", good.1, false, good.0), ("a", good.1, false, good.0), ("", good.1, false, good.0),
            ("s", "E2U+sip", false, good.0), ("s", "SIP+D2S", false, good.0), ("s", "SIP+D2W", false, good.0),
            ("s", good.1, true, good.0), ("s", good.1, false, nil),
        ]
        zone.say(
            .naming, "example.com",
            useless.map { flags, service, hasExpression, replacement in
                .naming(
                    NAPTRRecord(
                        order: 1, preference: 1, flags: flags, service: service, hasExpression: hasExpression,
                        replacement: replacement.flatMap { DNSName($0) }))
            })
        zone.say(.address4, "example.com", a("192.0.2.1"))
        let walk = Walk("bob@example.com", zone)
        #expect(walk.rounds[1] == ["SRV _sip._udp.example.com", "SRV _sip._tcp.example.com"])
        #expect(walk.targets == ["sip:192.0.2.1"])
    }

    @Test func `B29 Without preferences the services are asked for, in the order of the enabled transports`() {
        var zone = Zone()
        zone.say(.service, "_sip._tcp.example.com", [srv(0, 0, 5080, "tcp.example.com")])
        zone.say(.address4, "tcp.example.com", a("192.0.2.1"))
        #expect(Walk("bob@example.com", zone).targets == ["sip:192.0.2.1:5080;transport=tcp"])
        zone.say(.service, "_sip._udp.example.com", [srv(0, 0, 5060, "udp.example.com")])
        zone.say(.address4, "udp.example.com", a("192.0.2.2"))
        #expect(Walk("bob@example.com", zone).targets == ["sip:192.0.2.2"])
        let walk = Walk("bob@example.com", zone, transports: [.tls, .tcp, .udp])
        #expect(walk.rounds[1] == ["SRV _sip._tcp.example.com", "SRV _sip._udp.example.com"], "TLS is not guessed")
        #expect(walk.targets == ["sip:192.0.2.1:5080;transport=tcp"])
        #expect(Walk("bob@example.com", zone, transports: [.tls]).rounds[1] == ["SRV _sips._tcp.example.com"])
    }

    @Test func `B29 Without services the host is a server of UDP`() {
        var zone = Zone()
        zone.say(.address4, "example.com", a("192.0.2.1", "192.0.2.2"))
        let walk = Walk("bob@example.com", zone)
        #expect(
            walk.rounds == [
                ["NAPTR example.com"], ["SRV _sip._udp.example.com", "SRV _sip._tcp.example.com"], ["A example.com"],
            ])
        #expect(walk.targets == ["sip:192.0.2.1", "sip:192.0.2.2"])
        #expect(Walk("bob@example.com", zone, transports: [.tcp]).targets.first == "sip:192.0.2.1;transport=tcp")
    }

    @Test func `B29 D54 Both families of addresses are asked for when both are enabled`() {
        var zone = Self.example
        zone.say(.address6, "server2.example.com", a("2001:db8::2"))
        let walk = Walk("bob@example.com", zone, transports: [.udp], families: [.version6, .version4])
        #expect(walk.rounds.last == ["AAAA server2.example.com", "A server2.example.com"])
        #expect(Set(walk.targets) == ["sip:192.0.2.2", "sip:192.0.2.3", "sip:[2001:db8::2]"])
        #expect(
            Walk("bob@server2.example.com:5060", zone, families: [.version6]).targets == ["sip:[2001:db8::2]"])
    }

    // MARK: What cannot be

    @Test(
        arguments: [
            ("bob@192.0.2.1;transport=tcp", ProxyLookupError.dictatedTransport("tcp")),
            ("bob@example.com:5060;transport=sctp", .dictatedTransport("sctp")),
            ("sips:bob@192.0.2.1", .dictatedTransport("tls")),
            ("bob@example.com;transport=tls", .requestedTransport("tls")),
            ("sips:bob@example.com;transport=udp", .requestedTransport("udp")),
            ("sips:bob@example.com", .requestedTransport("tls")),
        ])
    func `B29 A transport that is not enabled is refused before anybody is asked`(
        destination: String, error: ProxyLookupError
    ) {
        let walk = Walk(destination, Self.example, transports: [.udp])
        #expect(walk.rounds.isEmpty)
        #expect(walk.error == error)
    }

    @Test func `B29 A name longer than names may be is asked of nobody`() {
        let host = Array(repeating: "abcdefghi", count: 26).joined(separator: ".")
        let walk = Walk("b@\(host)")
        #expect(walk.rounds.isEmpty)
        #expect(walk.error == .noRoutes(uri: "sip:b@\(host)"))
    }

    @Test func `B29 A name too long for services is a server itself`() {
        let host = Array(repeating: "abcdefghi", count: 25).joined(separator: ".") + ".xy"
        var zone = Zone()
        zone.say(.address4, host, a("192.0.2.1"))
        let walk = Walk("b@\(host)", zone)
        #expect(walk.rounds == [["NAPTR \(host)"], ["A \(host)"]])
        #expect(walk.targets == ["sip:192.0.2.1"])
    }

    // MARK: What is not there, and what nobody says

    @Test func `B29 A name that is not there has no routes`() {
        #expect(Walk("sip:bob:secret@example.net;x=y?z=1").error == .noRoutes(uri: "sip:bob@example.net"))
        #expect(Walk("sips:example.net:5061").error == .noRoutes(uri: "sips:example.net:5061"))
    }

    @Test func `B29 A service that is decidedly not there is not looked for elsewhere`() {
        var zone = Zone()
        zone.say(.service, "_sip._udp.example.com", [srv(0, 0, 0, "")])
        zone.say(.address4, "example.com", a("192.0.2.1"))
        let walk = Walk("bob@example.com", zone)
        #expect(walk.rounds.count == 2)
        #expect(walk.error == .notOffered)
        zone.say(.service, "_sip._tcp.example.com", [srv(0, 0, 5060, "example.com")])
        #expect(Walk("bob@example.com", zone).targets == ["sip:192.0.2.1;transport=tcp"])
    }

    @Test(arguments: [
        (DNSFailure.timedOut, ProxyLookupError.timedOut(uri: "sip:bob@example.com")),
        (.refused, .unanswered(uri: "sip:bob@example.com")), (.malformed, .unanswered(uri: "sip:bob@example.com")),
        (.overloaded, .overloaded), (.stopped, .stopped),
    ])
    func `B29 A service that nobody tells is not looked for elsewhere, and the reason is told`(
        reason: DNSFailure, error: ProxyLookupError
    ) {
        var zone = Zone()
        zone.fail(.service, "_sip._udp.example.com", reason)
        zone.say(.address4, "example.com", a("192.0.2.1"))
        let walk = Walk("bob@example.com", zone)
        #expect(walk.rounds.count == 2)
        #expect(walk.error == error)
        var host = Zone()
        host.fail(.address4, "example.com", reason)
        #expect(Walk("bob@example.com", host).error == error)
    }

    @Test func `B29 Preferences that nobody tells are done without, another service and another server, too`() {
        var zone = Self.example
        zone.fail(.naming, "example.com", .timedOut)
        zone.fail(.service, "_sip._udp.example.com", .refused)
        zone.fail(.address4, "server1.example.com", .timedOut)
        #expect(
            Walk("bob@example.com", zone).targets == ["sip:192.0.2.2;transport=tcp", "sip:192.0.2.3;transport=tcp"])
    }

    @Test func `B29 That nobody answered in time outweighs that somebody would not`() {
        var zone = Zone()
        zone.fail(.naming, "example.com", .timedOut)
        zone.fail(.service, "_sip._udp.example.com", .refused)
        #expect(Walk("bob@example.com", zone).error == .timedOut(uri: "sip:bob@example.com"))
    }

    // MARK: Hostile answers

    @Test func `B29 Records beyond all measure are cut, useless ones left out`() {
        var zone = Zone()
        zone.say(.naming, "example.com", (0..<64).map { naptr(1, UInt16($0), "SIP+D2U", "_sip._udp.a\($0).example") })
        for number in 0..<64 {
            zone.say(
                .service, "_sip._udp.a\(number).example",
                [srv(0, 0, 0, "port.example"), srv(0, 0, 5060, "")]
                    + (0..<64).map { srv(UInt16($0), 1, 5060, "b\($0).a\(number).example") })
        }
        let walk = Walk("bob@example.com", zone)
        #expect(
            walk.rounds.map(\.count) == [
                1, ProxyLookupStateMachine.maximumServices, ProxyLookupStateMachine.maximumServers,
            ])
        #expect(!walk.rounds[2].contains("A port.example"))
        #expect(walk.error == .noRoutes(uri: "sip:bob@example.com"))
    }

    @Test func `B29 Records that refer to themselves come to an end`() {
        var zone = Zone()
        zone.say(.naming, "example.com", [naptr(1, 1, "SIP+D2U", "example.com")])
        zone.say(.service, "example.com", [srv(1, 1, 5060, "example.com"), srv(2, 1, 5060, "example.com")])
        let walk = Walk("bob@example.com", zone)
        #expect(walk.rounds == [["NAPTR example.com"], ["SRV example.com"], ["A example.com"]])
        #expect(walk.error == .noRoutes(uri: "sip:bob@example.com"))
    }

    // MARK: Time

    private static let destination = ProxyDestination(uri("bob@example.com"))

    @Test func `B29 When time is over, what is known is taken, and an answer that comes later changes nothing`() {
        var machine = ProxyLookupStateMachine(Self.destination, transports: [.udp], families: [.version4])
        let (naming, service) = (
            DNSQuestion(.naming, name("example.com")), DNSQuestion(.service, name("_sip._udp.example.com"))
        )
        let (one, other) = (DNSQuestion(.address4, name("one.example")), DNSQuestion(.address4, name("other.example")))
        #expect(machine.started() == .ask([naming]))
        #expect(machine.answered(one, .absent(lifetime: nil)) == .await, "nobody has asked that")
        #expect(machine.answered(naming, .absent(lifetime: nil)) == .ask([service]))
        #expect(machine.answered(naming, .absent(lifetime: nil)) == .await)
        let records = [srv(1, 0, 5060, "one.example"), srv(2, 0, 5060, "other.example")]
        #expect(machine.answered(service, .records(records, lifetime: 9)) == .ask([one, other]))
        #expect(machine.answered(other, .records(a("192.0.2.2"), lifetime: 9)) == .await)
        let server = ProxyRoutes.Server(priority: 2, weight: 0, port: 5060, addresses: [address("192.0.2.2")])
        #expect(machine.deadlinePassed() == .finish(.success(ProxyRoutes(transport: .udp, servers: [server]))))
        #expect(machine.answered(one, .records(a("192.0.2.1"), lifetime: 9)) == .await)
        #expect(machine.deadlinePassed() == .await)
    }

    @Test func `B29 When time is over and nothing is known, that is the reason`() {
        let error = ProxyLookupStateMachine.Action.finish(.failure(.timedOut(uri: "sip:bob@example.com")))
        var machine = ProxyLookupStateMachine(Self.destination, transports: [.udp], families: [.version4])
        _ = machine.started()
        #expect(machine.deadlinePassed() == error)
        machine = ProxyLookupStateMachine(Self.destination, transports: [.udp], families: [.version4])
        _ = machine.started()
        _ = machine.answered(DNSQuestion(.naming, name("example.com")), .absent(lifetime: nil))
        #expect(machine.deadlinePassed() == error)
        _ = machine.answered(DNSQuestion(.service, name("_sip._udp.example.com")), .absent(lifetime: nil))
        #expect(machine.deadlinePassed() == .await)
    }
}
