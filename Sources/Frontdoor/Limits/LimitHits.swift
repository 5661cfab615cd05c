import Logging
import NIOConcurrencyHelpers
import NIOCore
import Telemetry

/// Counts how often clients run into each limit, and says so in the log, at most once a second of each kind. One for the
/// whole process: whoever runs into limits is the exception, so its lock is not on the way of any message.
final class LimitHits: Sendable {
    private struct Record {
        var count = 0
        var gate = LogGate()
    }

    private let records = NIOLockedValueBox<[LimitKind: Record]>([:])
    private let logger: Logger

    init(logger: Logger) { self.logger = logger }

    /// - Parameter client: who it was, as it stands in log records.
    func hit(_ kind: LimitKind, by client: @autoclosure () -> Logger.Metadata, at now: NIODeadline = .now()) {
        let stopped = records.withLockedValue { records -> Int? in
            records[kind, default: Record()].count += 1
            return records[kind]?.gate.passes(at: now)
        }
        guard let stopped else { return }
        let what = Logger.Metadata.keyed([.limit: kind.rawValue, .suppressed: "\(stopped)"])
        logger.log(level: kind.level, "limit", metadata: what.merging(client()) { own, _ in own })
    }

    /// Since the start.
    func count(of kind: LimitKind) -> Int { records.withLockedValue { $0[kind]?.count ?? 0 } }
}
