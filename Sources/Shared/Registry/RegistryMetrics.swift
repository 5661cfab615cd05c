import NIOCore
import Telemetry

/// How the registry serves one loop. Confined to that loop.
public final class RegistryMetrics {
    private var durations = Histogram(.latencies)
    private var failures = Counter()

    public init() {}

    func answered<Value>(_ result: Result<Value, RegistryError>, after duration: TimeAmount) {
        durations.observe(duration)
        if case .failure = result { failures.add() }
    }

    /// - Parameter process: `frontdoor` or `worker`.
    public func report(_ process: String, to report: inout MetricsReport) {
        report.histogram(
            "gateway_\(process)_registry_duration_seconds",
            "Time from asking the registry to its answer on the loop.", durations)
        report.counter(
            "gateway_\(process)_registry_failures_total", "Operations that the registry refused or could not do.",
            failures)
    }
}
