import NIOCore
import Telemetry

/// How a lookup ended.
enum ProxyLookupOutcome: Int, MetricLabel {
    case found, absent, notOffered, timedOut, unanswered, unsupported, overloaded, stopped

    static let label = "outcome"

    init(_ result: Result<[ProxyTarget], ProxyLookupError>) {
        self =
            switch result {
            case .success: .found
            case .failure(.noRoutes): .absent
            case .failure(.notOffered): .notOffered
            case .failure(.timedOut): .timedOut
            case .failure(.unanswered): .unanswered
            case .failure(.dictatedTransport), .failure(.requestedTransport): .unsupported
            case .failure(.overloaded): .overloaded
            case .failure(.stopped): .stopped
            }
    }
}

/// Where the answer to a question came from.
enum DNSQuestionSource: Int, MetricLabel {
    /// A name server, the answer to the same question that was under way, or what was known.
    case asked, joined, cached

    static let label = "source"
}

/// How lookups and their questions end. Confined to their loop.
public final class ProxyLookupMetrics {
    private var outcomes = CounterRow<ProxyLookupOutcome>()
    private var durations = Histogram(.requests)
    private var questions = CounterRow<DNSQuestionSource>()
    private var failures = CounterRow<DNSFailure>()
    private var refusals = Counter()

    public init() {}

    func ended(_ result: Result<[ProxyTarget], ProxyLookupError>, after duration: TimeAmount) {
        outcomes.add(ProxyLookupOutcome(result))
        durations.observe(duration)
    }

    func asked(_ source: DNSQuestionSource) { questions.add(source) }

    func answered(_ answer: DNSAnswer) {
        if case .failed(let reason) = answer { failures.add(reason) }
    }

    func targetFailed() { refusals.add() }

    /// - Parameter avoided: how many servers come last at present.
    func report(avoided: Int, to report: inout MetricsReport) {
        report.counter("gateway_worker_proxy_lookups_total", "Lookups of SIP proxies, by how they ended.", outcomes)
        report.histogram(
            "gateway_worker_proxy_lookup_duration_seconds", "Time from asking for a SIP proxy to its answer.", durations
        )
        report.counter(
            "gateway_worker_proxy_refusals_total",
            "SIP proxies that have refused, so that they are avoided for a while.",
            refusals)
        report.gauge("gateway_worker_proxies_avoided", "SIP proxies that are avoided for a while.", avoided)
        report.counter(
            "gateway_worker_dns_questions_total", "Questions to the DNS, by where their answer came from.", questions)
        report.counter(
            "gateway_worker_dns_failures_total", "Questions to name servers without a usable answer.", failures)
    }
}
