import Logging
import NIOCore
import Settings
import Telemetry

/// What a worker tells its operator.
extension WorkerService {
    func openTrace() throws -> TraceWriter? {
        guard configuration.tracesJanus else { return nil }
        let path = "\(configuration.installation.traceDirectory)/webrtc_janus_trace.log"
        let trace: TraceWriter
        do throws(TraceFailure) {
            trace = try TraceWriter(path, logger: logger)
        } catch {
            throw WorkerCore.End.fatal("[Janus] trace_janus: \(error)")
        }
        reload.whenAsked { trace.reopen() }
        logger.notice("Janus's messages are traced", metadata: .keyed([.path: path]))
        return trace
    }

    static func source(_ core: NIOLoopBound<WorkerCore>) -> ManagementPages.Source {
        ManagementPages.Source(
            name: "core loop", loop: core.eventLoop, readiness: { core.value.readiness }, metrics: { core.value.report }
        )
    }

    /// What belongs to no loop.
    static func report(_ trace: TraceWriter?) -> MetricsReport {
        var report = MetricsReport()
        report.gauge(
            "gateway_worker_build_info", "What this process is built from.", 1,
            labels: [MetricsReport.Label("version", productVersion)])
        report.counter(
            "gateway_worker_trace_lost_messages_total", "Messages that the trace left out.", Double(trace?.lost ?? 0))
        return report
    }
}
