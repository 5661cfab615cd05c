import Telemetry

/// How a question ended.
public enum DNSAnswer: Hashable, Sendable {
    /// At least one, at the end of the question's aliases.
    ///
    /// - Parameter lifetime: seconds; the shortest of the records and aliases.
    case records([DNSRecord], lifetime: UInt32)
    /// The name is not there, or has no such record.
    ///
    /// - Parameter lifetime: seconds; nil: it was not said how long that holds (RFC 2308 §5).
    case absent(lifetime: UInt32?)
    /// It is not known whether there are any.
    case failed(DNSFailure)
}

/// Why a question has no answer.
public enum DNSFailure: Int, MetricLabel {
    /// No server has answered in time.
    case timedOut
    /// Servers cannot or will not answer: SERVFAIL, REFUSED, nobody listening.
    case refused
    /// An answer that cannot be understood.
    case malformed
    /// Too many questions are under way here.
    case overloaded
    /// We are ending.
    case stopped

    public static let label = "reason"
}
