import Logging
import NIOConcurrencyHelpers
import NIOCore
import Telemetry

/// Counts how often clients run into each limit, and says so in the log, at most once a second of each kind. One for the
/// whole process: whoever runs into limits is the exception, so its lock is not on the way of any message.
final class LimitHits: Sendable {
    private struct Records {
        var counts = CounterRow<LimitKind>()
        var gates: [LimitKind: LogGate] = [:]
    }

    private let records = NIOLockedValueBox(Records())
    private let logger: Logger

    init(logger: Logger) { self.logger = logger }

    /// - Parameter client: who it was, as it stands in log records.
    func hit(_ kind: LimitKind, by client: @autoclosure () -> Logger.Metadata, at now: NIODeadline = .now()) {
        let stopped = records.withLockedValue { records -> Int? in
            records.counts.add(kind)
            return records.gates[kind, default: LogGate()].passes(at: now)
        }
        guard let stopped else { return }
        let what = Logger.Metadata.keyed([.limit: kind.text, .suppressed: "\(stopped)"])
        logger.log(level: kind.level, "limit reached", metadata: what.merging(client()) { own, _ in own })
    }

    /// Since the start.
    func count(of kind: LimitKind) -> Int { Int(clamping: records.withLockedValue { $0.counts[kind] }) }

    func report(to report: inout MetricsReport) {
        let counts = records.withLockedValue(\.counts)
        report.counter("gateway_frontdoor_limits_total", "Limits that clients have run into.", counts)
    }
}
