import NIOCore
import Telemetry

/// The requests we make of Janus, as far as they are told apart.
enum JanusRequestKind: Int, MetricLabel {
    case attach, claim, create, destroy, detach, keepalive, message, trickle
    /// Of the admin API.
    case handleInfo, listHandles
    case other

    static let label = "request"

    private static let names: [StaticString] = [
        "attach", "claim", "create", "destroy", "detach", "keepalive", "message", "trickle", "handle_info",
        "list_handles",
    ]

    /// - Parameter name: as Janus is told.
    init(_ name: StaticString) {
        let bytes = UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)
        for (number, known) in Self.names.enumerated() where known.utf8CodeUnitCount == bytes.count {
            let isSame = bytes.elementsEqual(UnsafeBufferPointer(start: known.utf8Start, count: bytes.count))
            if isSame { self = Self(rawValue: number) ?? .other; return }
        }
        self = .other
    }
}

/// Whence a failure of a request came.
enum JanusErrorKind: Int, MetricLabel {
    case core, plugin, timedOut, linkLost, malformed

    static let label = "kind"

    init(_ error: JanusError) {
        self =
            switch error {
            case .core: .core
            case .plugin: .plugin
            case .timedOut: .timedOut
            case .linkLost: .linkLost
            case .malformed: .malformed
            }
    }
}

/// How Janus serves this worker, over both of its APIs. Confined to the core loop.
final class JanusMetrics {
    private var durations = HistogramRow<JanusRequestKind>(.latencies)
    private var errors = CounterRow<JanusErrorKind>()
    private var reconnects = Counter()
    private var unknown = Counter()

    func answered(_ kind: JanusRequestKind, _ result: Result<JanusReply, JanusError>, after duration: TimeAmount) {
        durations.observe(kind, duration)
        if case .failure(let error) = result { errors.add(JanusErrorKind(error)) }
    }

    /// A connection that was lost is there again.
    func reconnected() { reconnects.add() }

    /// An event of a handle that is not ours.
    func unknownHandle() { unknown.add() }

    /// - Parameter isUp: of the API.
    func report(isUp: Bool, to report: inout MetricsReport) {
        report.gauge("gateway_worker_janus_up", "Whether Janus is connected.", isUp)
        report.histogram(
            "gateway_worker_janus_request_duration_seconds",
            "Time from a request to Janus to its reply, or to its failure.", durations)
        report.counter("gateway_worker_janus_errors_total", "Requests to Janus that failed.", errors)
        report.counter(
            "gateway_worker_janus_reconnects_total", "Connections to Janus, admin API included, that were made anew.",
            reconnects)
        report.counter(
            "gateway_worker_janus_unknown_events_total", "Events of handles that are not this worker's.", unknown)
    }
}
