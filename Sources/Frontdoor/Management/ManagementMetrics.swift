import NIOHTTP1
import Telemetry

/// How a request at the management interface was answered.
enum ManagementOutcome: Int, MetricLabel {
    case success, unauthorized, unknownPath, wrongMethod, unusable, tooLarge
    /// The device tokens cannot be read or stored.
    case unavailable

    static let label = "outcome"
}

/// What is asked at the management interface. Confined to its loop.
final class ManagementMetrics {
    private var requests = CounterGrid<ManagementEndpoint, ManagementOutcome>()

    func answered(_ endpoint: ManagementEndpoint, _ outcome: ManagementOutcome) { requests.add(endpoint, outcome) }

    func report(to report: inout MetricsReport) {
        report.counter(
            "gateway_frontdoor_management_requests_total", "Requests of the SIP infrastructure, by their answers.",
            requests)
    }
}
