import Logging
import Telemetry

/// Every limit that a client can run into, under the name of its configuration key where it has one.
enum LimitKind: Int, MetricLabel {
    case messageSize
    /// Frames of one message.
    case fragments
    /// A field of a request that is too long, or has too many elements.
    case requestField
    case accounts
    case sessions
    case unansweredRequests
    case unansweredBytes
    case requestHeaders
    case handshakeTime
    case closingTime
    case pongTime
    case unsentBytes
    case unwritableTime
    case requestTime
    case connections
    case connectionsPerAddress
    case handshakesPerAddress
    /// The process or the system has no descriptor left for another client.
    case descriptors

    static let label = "kind"

    /// Slowing down a client that asks a lot at once is the ordinary course of things, and whoever sent a broken frame is
    /// not heard any more when he closes.
    var level: Logger.Level {
        switch self {
        case .unansweredRequests, .unansweredBytes, .closingTime: .debug
        case .descriptors: .error
        case .messageSize, .fragments, .requestField, .accounts, .sessions, .requestHeaders, .handshakeTime, .pongTime,
            .unsentBytes, .unwritableTime, .requestTime, .connections,
            .connectionsPerAddress, .handshakesPerAddress:
            .warning
        }
    }
}
