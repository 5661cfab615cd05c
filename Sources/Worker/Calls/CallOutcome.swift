import Registry
import Telemetry

/// Who has called, seen from the client.
enum CallDirection: Int, MetricLabel {
    static let label = "direction"

    case incoming, outgoing

    /// - Parameter row: of a call.
    init(_ row: SessionRow) { self = row.parent == nil ? .outgoing : .incoming }
}

/// What a call has come to.
enum CallOutcome: Int, MetricLabel {
    static let label = "outcome"

    /// Whoever was called has taken it, however it ended then.
    case answered
    /// Whoever was called did not want it, could not take it, or is not there.
    case declined
    /// Whoever called gave it up, or somebody else took it.
    case cancelled
    /// Something between the two failed: Janus, the registry, a server; or nobody saw how it ended.
    case failed

    /// What the end of a call that is not known to have been answered says of it.
    ///
    /// - Parameter code: of a final response (RFC 3261 §21): of whoever was called, or of what is on the way. A BYE counts
    ///   as 200, and ends only what was answered.
    init(code: Int) {
        self =
            switch code {
            case 200..<300: .answered
            case 487: .cancelled
            case 408: .failed
            case 400..<500, 600..<700: .declined
            default: .failed
            }
    }
}
