import NIOCore
import NIOEmbedded
import Telemetry
import Testing

@testable import SIPLookup

@Suite struct CachingResolverTests {
    private let question = DNSQuestion(.address4, name("example.com"))
    private let loop = EmbeddedEventLoop()
    private let inner = ScriptedResolver()
    private let metrics = ProxyLookupMetrics()

    private func make() -> CachingResolver { CachingResolver(inner, loop: loop, metrics: metrics) }

    private func lines() -> Set<Substring> {
        var report = MetricsReport()
        metrics.report(avoided: 0, to: &report)
        return Set(PrometheusText.text(report).split(separator: "\n"))
    }

    @Test func `One question is asked once for all who ask it at a time, and not again while its answer holds`() {
        let resolver = make()
        inner.zone.say(.address4, "example.com", a("192.0.2.1"))
        inner.isHolding = true
        var answers: [DNSAnswer] = []
        for _ in 0..<3 { resolver.resolve(question) { answers.append($0) } }
        #expect(answers.isEmpty)
        inner.answerHeld()
        resolver.resolve(question) { answers.append($0) }
        #expect(answers == Array(repeating: .records(a("192.0.2.1"), lifetime: 300), count: 4))
        #expect(inner.asked == ["A example.com"])
        for line in [#"{source="asked"} 1"#, #"{source="joined"} 2"#, #"{source="cached"} 1"#] {
            #expect(lines().contains("gateway_worker_dns_questions_total\(line)"))
        }
    }

    @Test func `Records that have changed are seen when the old ones are over`() {
        let resolver = make()
        inner.zone.say(.address4, "example.com", a("192.0.2.1"))
        var answers: [DNSAnswer] = []
        resolver.resolve(question) { answers.append($0) }
        inner.zone.say(.address4, "example.com", a("192.0.2.2"))
        loop.advanceTime(by: .seconds(299))
        resolver.resolve(question) { answers.append($0) }
        loop.advanceTime(by: .seconds(1))
        resolver.resolve(question) { answers.append($0) }
        #expect(answers == ["192.0.2.1", "192.0.2.1", "192.0.2.2"].map { .records(a($0), lifetime: 300) })
    }

    @Test func `A question that is not answered in time has failed, and its late answer is of use to the next`() {
        let resolver = make()
        inner.zone.say(.address4, "example.com", a("192.0.2.1"))
        inner.isHolding = true
        var answers: [DNSAnswer] = []
        resolver.resolve(question) { answers.append($0) }
        loop.advanceTime(by: CachingResolver.questionTime)
        #expect(answers == [.failed(.timedOut)])
        inner.answerHeld()
        resolver.resolve(question) { answers.append($0) }
        #expect(answers == [.failed(.timedOut), .records(a("192.0.2.1"), lifetime: 300)])
        #expect(inner.asked.count == 1)
        #expect(lines().contains(#"gateway_worker_dns_failures_total{reason="timed_out"} 1"#))
    }

    @Test func `A late answer does not end the same question when it has been asked again`() {
        let resolver = make()
        inner.isHolding = true
        var answers: [DNSAnswer] = []
        resolver.resolve(question) { answers.append($0) }
        loop.advanceTime(by: CachingResolver.questionTime)
        inner.zone.fail(.address4, "example.com", .refused)
        resolver.resolve(question) { answers.append($0) }
        inner.answerHeld()
        #expect(answers == [.failed(.timedOut), .failed(.refused)])
        loop.advanceTime(by: CachingResolver.questionTime)
        #expect(answers.count == 2)
    }

    @Test func `Stopping answers what is under way and everything after, once`() {
        let resolver = make()
        inner.isHolding = true
        var answers: [DNSAnswer] = []
        resolver.resolve(question) { answers.append($0) }
        resolver.stop()
        resolver.stop()
        resolver.resolve(question) { answers.append($0) }
        loop.advanceTime(by: .seconds(60))
        #expect(answers == [.failed(.stopped), .failed(.stopped)])
        #expect(inner.stops == 1)
    }
}
