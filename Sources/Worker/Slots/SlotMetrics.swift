import NIOCore
import Telemetry

/// The slot, and how long it took to carry on what was in it. Confined to the core loop.
final class SlotMetrics {
    private var takeovers = Histogram(.requests)
    private var lost = Counter()
    private var began: NIODeadline?

    /// The slot and Janus are there.
    func takeoverBegan(at now: NIODeadline) { began = began ?? now }

    /// Everything in it goes on.
    func takenOver(at now: NIODeadline) {
        guard let began else { return }
        takeovers.observe(now - began)
        self.began = nil
    }

    /// Janus, or its session, is gone.
    func janusLost() {
        lost.add()
        began = nil
    }

    func report(isHeld: Bool, to report: inout MetricsReport) {
        report.gauge("gateway_worker_slot_held", "Whether this process has a slot.", isHeld)
        report.histogram(
            "gateway_worker_takeover_duration_seconds",
            "Time from having slot and Janus to carrying on all that is in it.", takeovers)
        report.counter(
            "gateway_worker_sessions_lost_total", "Losses of the slot's Janus session or of its connection.", lost)
    }
}
