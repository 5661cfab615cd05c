import NIOCore
import Sylkrtc
import Telemetry

/// How a request ended for its client.
enum RequestOutcome: Int, MetricLabel, Equatable {
    case ack, error
    /// An error, too: nobody had answered in time.
    case timeout

    static let label = "outcome"
}

extension RequestKind: MetricLabel {
    public static let label = "type"
    public var text: String { name }
}

/// What clients ask and how it ends. Confined to the door's loop.
final class RequestMetrics {
    private var outcomes = CounterGrid<RequestKind, RequestOutcome>()
    private var durations = HistogramRow<RequestKind>(.requests)

    /// - Parameter duration: from the request's arrival on.
    func answered(_ kind: RequestKind, _ outcome: RequestOutcome, after duration: TimeAmount) {
        outcomes.add(kind, outcome)
        durations.observe(kind, duration)
    }

    func report(to report: inout MetricsReport) {
        report.counter("gateway_frontdoor_requests_total", "Clients' requests that were answered.", outcomes)
        report.histogram(
            "gateway_frontdoor_request_duration_seconds", "Time from a client's request to its answer.", durations)
    }
}
