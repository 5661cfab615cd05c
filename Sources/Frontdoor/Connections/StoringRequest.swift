import Identity
import NIOCore
import Sylkrtc

/// A request about an account that waits for something to be stored.
struct StoringRequest {
    enum Subject {
        /// The account is the connection's from the moment it was asked for, and is undone if that cannot be recorded.
        case addition(SentAddress, userAgent: String?)
        /// The same account again, while it is not known yet whether the first one is recorded. It is answered behind that.
        case repeatedAddition(AccountAdd, behind: RequestSequence)
        case tokens
    }

    let transaction: String
    let kind: RequestKind
    var subject: Subject
    let deadline: NIODeadline
    /// Of the client's message.
    let bytes: Int
}
