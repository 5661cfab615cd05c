import Identity
import NIOCore
import Sylkrtc
import Telemetry

/// What front doors ask of a worker.
enum WorkerRequestKind: Int, MetricLabel {
    case join, feedAttach, feedAnswer, feedDetach, trickle, update, configureRoom, invite, terminate, releaseAccount
    case register, unregister, call, accept

    static let label = "type"

    init(_ request: WorkerRequest) {
        self =
            switch request {
            case .join: .join
            case .feedAttach: .feedAttach
            case .feedAnswer: .feedAnswer
            case .feedDetach: .feedDetach
            case .trickle: .trickle
            case .update: .update
            case .configureRoom: .configureRoom
            case .invite: .invite
            case .terminate: .terminate
            case .releaseAccount: .releaseAccount
            case .register: .register
            case .unregister: .unregister
            case .call: .call
            case .accept: .accept
            }
    }
}

/// How a worker answers.
enum WorkerOutcome: Int, MetricLabel {
    case ack, error, unknownSession
    /// The room lives elsewhere.
    case notOwner

    static let label = "outcome"

    init(_ answer: WorkerAnswer) {
        self =
            switch answer {
            case .ack: .ack
            case .error: .error
            case .unknownSession: .unknownSession
            case .notOwner: .notOwner
            }
    }
}

/// Requests from their arrival to their answer. Confined to the core loop.
final class RequestMetrics {
    /// Beyond this many that wait for an answer nothing more is known of them: their clients are long gone.
    private static let maximumOpen = 65_536

    private typealias Open = (kind: WorkerRequestKind, since: NIODeadline)
    private var open: [ConnectionID: [RequestSequence: Open]] = [:]
    private var openCount = 0
    private var outcomes = CounterGrid<WorkerRequestKind, WorkerOutcome>()
    private var durations = HistogramRow<WorkerRequestKind>(.requests)
    private var joins = CounterRow<WorkerOutcome>()

    /// A request has come. One that comes again goes on waiting.
    func began(_ request: WorkerRequest, _ connection: ConnectionID, _ sequence: RequestSequence, at now: NIODeadline) {
        if openCount >= Self.maximumOpen { forget() }
        guard open[connection]?[sequence] == nil else { return }
        open[connection, default: [:]][sequence] = (WorkerRequestKind(request), now)
        openCount += 1
    }

    func answered(_ answer: WorkerAnswer, _ connection: ConnectionID, _ sequence: RequestSequence, at now: NIODeadline)
    {
        guard let (kind, since) = open[connection]?.removeValue(forKey: sequence) else { return }
        if open[connection]?.isEmpty == true { open[connection] = nil }
        openCount -= 1
        outcomes.add(kind, WorkerOutcome(answer))
        durations.observe(kind, now - since)
        if kind == .join { joins.add(WorkerOutcome(answer)) }
    }

    /// Nobody is answered any more: what front doors still want they will say again.
    func forget() {
        open = [:]
        openCount = 0
    }

    /// The same, for one front door's loop.
    func forget(_ owner: FrontdoorLoopID) {
        for connection in open.keys where connection.owner == owner { forget(connection) }
    }

    /// A client is gone.
    func forget(_ connection: ConnectionID) { openCount -= open.removeValue(forKey: connection)?.count ?? 0 }

    func report(to report: inout MetricsReport) {
        report.counter("gateway_worker_joins_total", "Joins that were answered.", joins)
        report.counter("gateway_worker_requests_total", "Requests of front doors that were answered.", outcomes)
        report.histogram(
            "gateway_worker_request_duration_seconds", "Time from a front door's request to its answer.", durations)
        report.gauge("gateway_worker_unanswered_requests", "Requests of front doors that wait.", openCount)
    }
}
