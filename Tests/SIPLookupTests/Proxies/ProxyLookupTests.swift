import Identity
import Logging
import NIOCore
import NIOEmbedded
import Telemetry
import TestSupport
import Testing

@testable import SIPLookup

@Suite struct ProxyLookupTests {
    private let loop = EmbeddedEventLoop()
    private let resolver = ScriptedResolver()
    private let metrics = ProxyLookupMetrics()

    private func make(_ settings: ProxyLookup.Settings = ProxyLookup.Settings()) -> ProxyLookup {
        ProxyLookup(
            settings, resolver: CachingResolver(resolver, loop: loop, metrics: metrics), loop: loop,
            random: SeededGenerator(seed: 1), metrics: metrics,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    private final class Answers {
        var all: [Result<ProxyTargets, ProxyLookupError>] = []

        /// Of the last, as Janus is told them.
        var targets: [String] { (try? all.last?.get())?.left.map(\.description) ?? [] }
    }

    private func ask(_ lookup: ProxyLookup, _ text: String = "bob@example.com") -> Answers {
        let answers = Answers()
        lookup.proxies(for: uri(text)) { answers.all.append($0) }
        #expect(answers.all.isEmpty, "never before asking returns")
        loop.run()
        return answers
    }

    private func twoServers() {
        resolver.zone.say(
            .service, "_sip._udp.example.com", [srv(1, 0, 5060, "one.example.com"), srv(2, 0, 5070, "two.example.com")])
        resolver.zone.say(.address4, "one.example.com", a("192.0.2.1"))
        resolver.zone.say(.address4, "two.example.com", a("192.0.2.2"))
    }

    @Test func `B29 Servers are told in order, and known without asking while their records hold`() {
        twoServers()
        let lookup = make()
        #expect(ask(lookup).targets == ["sip:192.0.2.1", "sip:192.0.2.2:5070"])
        let questions = resolver.asked.count
        #expect(ask(lookup).targets == ["sip:192.0.2.1", "sip:192.0.2.2:5070"])
        #expect(resolver.asked.count == questions)
        resolver.zone.say(.service, "_sip._udp.example.com", [srv(1, 0, 5060, "two.example.com")])
        loop.advanceTime(by: .seconds(300))
        #expect(ask(lookup).targets == ["sip:192.0.2.2"])
        lookup.stop()
    }

    @Test func `B29 Many lookups of one domain at a time ask once, and each is answered`() {
        twoServers()
        resolver.isHolding = true
        let lookup = make()
        let asking = (0..<200).map { _ in ask(lookup) }
        for _ in 0..<3 { resolver.answerHeld() }
        loop.run()
        #expect(asking.allSatisfy { $0.all.count == 1 && $0.targets.count == 2 })
        #expect(
            resolver.asked == [
                "NAPTR example.com", "SRV _sip._udp.example.com", "SRV _sip._tcp.example.com", "A one.example.com",
                "A two.example.com",
            ])
        lookup.stop()
    }

    @Test func `B29 A server that has failed comes last for a while, for every destination`() throws {
        twoServers()
        let lookup = make()
        var targets = try ask(lookup).all[0].get()
        let (first, second) = (targets.next(), targets.next())
        lookup.failed(try #require(first))
        #expect(second?.description == "sip:192.0.2.2:5070", "the caller's next")
        #expect(ask(lookup).targets == ["sip:192.0.2.2:5070", "sip:192.0.2.1"])
        #expect(ask(lookup, "carol@192.0.2.1").targets == ["sip:192.0.2.1"], "when there is no other")
        loop.advanceTime(by: .seconds(30))
        #expect(ask(lookup).targets == ["sip:192.0.2.1", "sip:192.0.2.2:5070"])
        lookup.stop()
    }

    @Test func `B29 An outbound proxy takes the place of every destination`() throws {
        resolver.zone.say(.address4, "proxy.example.net", a("192.0.2.8"))
        let lookup = make(ProxyLookup.Settings(outboundProxy: OutboundProxy("proxy.example.net;transport=tcp")))
        for destination in ["bob@example.com", "bob@192.0.2.1", "sips:bob@example.org;transport=udp"] {
            #expect(ask(lookup, destination).targets == ["sip:192.0.2.8;transport=tcp"])
        }
        #expect(resolver.asked == ["A proxy.example.net"])
        let literal = make(ProxyLookup.Settings(outboundProxy: OutboundProxy("[2001:db8::8]:5070")))
        #expect(ask(literal).targets == ["sip:[2001:db8::8]:5070"])
        let absent = make(ProxyLookup.Settings(outboundProxy: OutboundProxy("gone.example.net")))
        #expect(ask(absent).all == [.failure(.noRoutes(uri: "sip:gone.example.net:5060;transport=udp"))])
        for lookup in [lookup, literal, absent] { lookup.stop() }
    }

    @Test func `B29 Name servers that never answer cost three seconds a round, and never more than the time there is`()
    {
        resolver.isHolding = true
        let lookup = make()
        let patient = ask(lookup)
        for round in 1...2 {
            loop.advanceTime(by: .seconds(3) - .nanoseconds(1))
            #expect(patient.all.isEmpty, "round \(round)")
            loop.advanceTime(by: .nanoseconds(1))
        }
        #expect(patient.all == [.failure(.timedOut(uri: "sip:bob@example.com"))], "no addresses without services")
        lookup.stop()
        let hasty = make(ProxyLookup.Settings(time: .seconds(1)))
        let answers = ask(hasty)
        loop.advanceTime(by: .seconds(1))
        #expect(answers.all == [.failure(.timedOut(uri: "sip:bob@example.com"))])
        resolver.answerHeld()
        loop.advanceTime(by: .seconds(60))
        #expect(answers.all.count == 1)
        hasty.stop()
    }

    @Test func `Stopping answers every lookup once, those to come at once, and leaves no timer`() {
        resolver.isHolding = true
        let lookup = make()
        let answers = (0..<3).map { _ in ask(lookup) }
        lookup.stop()
        lookup.stop()
        let late = ask(lookup)
        #expect((answers + [late]).allSatisfy { $0.all == [.failure(.stopped)] })
        #expect(resolver.stops == 1)
        loop.advanceTime(by: .seconds(60))
        #expect((answers + [late]).allSatisfy { $0.all.count == 1 })
    }

    @Test func `A lookup that is stopped keeps nothing alive`() {
        resolver.isHolding = true
        weak var forgotten: ProxyLookup?
        do {
            let lookup = make()
            forgotten = lookup
            _ = ask(lookup)
            lookup.stop()
            loop.run()
        }
        #expect(forgotten == nil)
    }

    @Test func `Beyond the bound of lookups the next fails at once`() {
        resolver.isHolding = true
        let lookup = make()
        let answers = Answers()
        for _ in 0..<ProxyLookup.maximumUnderWay {
            lookup.proxies(for: uri("bob@example.com")) { answers.all.append($0) }
        }
        #expect(ask(lookup).all == [.failure(.overloaded)])
        #expect(answers.all.isEmpty)
        lookup.stop()
        loop.run()
        #expect(answers.all.count == ProxyLookup.maximumUnderWay)
    }

    @Test func `Lookups are counted by how they ended, and timed`() throws {
        twoServers()
        let lookup = make()
        var targets = try ask(lookup).all[0].get()
        let first = targets.next()
        lookup.failed(try #require(first))
        _ = ask(lookup, "bob@example.net")
        _ = ask(lookup, "bob@192.0.2.1;transport=tls")
        resolver.zone.fail(.address4, "example.org", .refused)
        _ = ask(lookup, "bob@example.org")
        resolver.isHolding = true
        _ = ask(lookup, "bob@example.info")
        loop.advanceTime(by: .seconds(6))
        lookup.stop()
        var report = MetricsReport()
        lookup.report(to: &report)
        let lines = Set(PrometheusText.text(report).split(separator: "\n"))
        for (outcome, count) in [
            ("found", 1), ("absent", 1), ("unsupported", 1), ("unanswered", 1), ("timed_out", 1), ("not_offered", 0),
            ("overloaded", 0), ("stopped", 0),
        ] {
            #expect(lines.contains("gateway_worker_proxy_lookups_total{outcome=\"\(outcome)\"} \(count)"), "\(outcome)")
        }
        #expect(lines.contains("gateway_worker_proxy_lookup_duration_seconds_sum 6"))
        #expect(lines.contains("gateway_worker_proxy_lookup_duration_seconds_count 5"))
        #expect(lines.contains("gateway_worker_proxy_refusals_total 1"))
        #expect(lines.contains("gateway_worker_proxies_avoided 1"))
    }
}
