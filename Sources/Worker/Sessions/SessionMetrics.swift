import Telemetry

/// What a session is.
enum SessionKind: Int, MetricLabel {
    case publisher, feed

    static let label = "session"
}

/// How sessions end, and what is swept up behind them. Confined to the core loop.
final class SessionMetrics {
    private var ended = CounterRow<SessionKind>()
    private var sweeps = Counter()
    private var swept = Counter()

    func ended(_ kind: SessionKind) { ended.add(kind) }

    func swept(_ handles: Int) {
        sweeps.add()
        swept.add(handles)
    }

    func report(to report: inout MetricsReport) {
        report.counter("gateway_worker_sessions_ended_total", "Sessions that are over.", ended)
        report.counter("gateway_worker_sweeps_total", "Looks for what nobody owns in Janus.", sweeps)
        report.counter(
            "gateway_worker_swept_handles_total", "Handles that nobody owned, and that were detached.", swept)
    }
}
