import NIOCore
import Sylkrtc

/// A request about an account that waits for something to be stored.
struct StoringRequest {
    enum Subject {
        /// The account is the connection's from the moment it was asked for, and is undone if that cannot be recorded.
        case addition(SentAddress, userAgent: String?)
        case tokens
    }

    let transaction: String
    let kind: RequestKind
    let subject: Subject
    let deadline: NIODeadline
    /// Of the client's message.
    let bytes: Int
}
