import Telemetry

/// What became of a push.
enum PushResult: Int, MetricLabel, CaseIterable {
    case delivered, rejected, deadToken, failed, unreachable, expired, dropped
    /// There is no push server.
    case notConfigured

    static let label = "outcome"

    init(_ ending: PushQueueStateMachine.Ending) {
        self =
            switch ending {
            case .answered(.delivered): .delivered
            case .answered(.rejected): .rejected
            case .answered(.deadToken): .deadToken
            case .answered(.failed): .failed
            case .answered(.unreachable): .unreachable
            case .expired: .expired
            case .dropped: .dropped
            }
    }
}

/// Push messages to devices. Confined to the loop of the sender.
final class PushMetrics {
    private var pushes = CounterRow<PushResult>()
    private var retries = Counter()

    func ended(_ result: PushResult) { pushes.add(result) }

    func restsBeforeNextTry() { retries.add() }

    func report(waiting: Int, to report: inout MetricsReport) {
        report.counter("gateway_frontdoor_pushes_total", "Push messages, one for each device.", pushes)
        report.counter(
            "gateway_frontdoor_push_retries_total",
            "Tries to push that did not reach the push server and are repeated.",
            retries)
        report.gauge("gateway_frontdoor_pushes_pending", "Push messages that are under way or wait.", waiting)
    }
}
