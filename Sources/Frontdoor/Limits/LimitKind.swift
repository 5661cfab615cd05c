import Logging

/// Every limit that a client can run into, under the name of its configuration key where it has one.
enum LimitKind: String, CaseIterable, Sendable {
    case messageSize = "message_size"
    /// Frames of one message.
    case fragments
    /// A field of a request that is too long, or has too many elements.
    case requestField = "request_field"
    case accounts
    case sessions
    case unansweredRequests = "unanswered_requests"
    case requestHeaders = "request_headers"
    case handshakeTime = "handshake_time"
    case closingTime = "closing_time"
    case pongTime = "pong_time"
    case unsentBytes = "unsent_bytes"
    case unwritableTime = "unwritable_time"
    case requestTime = "request_time"
    case connections
    case connectionsPerAddress = "connections_per_address"
    case handshakesPerAddress = "handshakes_per_address"
    /// The process or the system has no descriptor left for another client.
    case descriptors

    /// Slowing down a client that asks a lot at once is the ordinary course of things.
    var level: Logger.Level {
        switch self {
        case .unansweredRequests: .debug
        case .descriptors: .error
        case .messageSize, .fragments, .requestField, .accounts, .sessions, .requestHeaders, .handshakeTime,
            .closingTime, .pongTime, .unsentBytes, .unwritableTime, .requestTime, .connections,
            .connectionsPerAddress, .handshakesPerAddress:
            .warning
        }
    }
}
