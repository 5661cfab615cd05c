import Logging
import NIOCore
import Settings
import Telemetry

/// What a front door tells its operator.
extension FrontdoorService {
    func openTrace() throws -> TraceWriter? {
        guard configuration.tracesClients else { return nil }
        let path = "\(configuration.installation.traceDirectory)/webrtc_client_trace.log"
        let trace: TraceWriter
        do throws(TraceFailure) {
            trace = try TraceWriter(path, logger: logger)
        } catch {
            throw Failure(problem: "[General] trace_client: \(error)")
        }
        reload.whenAsked { trace.reopen() }
        logger.notice("clients' messages are traced", metadata: .keyed([.path: path]))
        return trace
    }

    static func sources(_ doors: [ObjectIdentifier: NIOLoopBound<DoorLoop>]) -> [ManagementPages.Source] {
        doors.values.enumerated().map { number, door in
            ManagementPages.Source(
                name: "loop \(number + 1)", loop: door.eventLoop, readiness: { door.value.readiness },
                metrics: { door.value.report })
        }
    }

    /// What belongs to no loop.
    static func report(_ hits: LimitHits, _ trace: TraceWriter?) -> MetricsReport {
        var report = MetricsReport()
        hits.report(to: &report)
        report.gauge(
            "gateway_frontdoor_build_info", "What this process is built from.", 1,
            labels: [MetricsReport.Label("version", productVersion)])
        report.counter(
            "gateway_frontdoor_trace_lost_messages_total", "Messages that the trace left out.", Double(trace?.lost ?? 0)
        )
        return report
    }
}
