import Identity
import Sylkrtc

/// A request that waits for a worker: whom to answer, where it went, and what its answer means for the connection.
struct UnansweredRequest {
    enum Kind: Equatable {
        case join(WorkerRequest.Join)
        /// Creates a session, too.
        case feedAttach
        case feedDetach(RequestSequence)
        case terminate(RequestSequence)
        /// Waits for every worker the account was used on.
        case releaseAccount(AddressOfRecord, waitingFor: Set<SlotID>)
        case other
    }

    let transaction: String
    /// The request's name in logs.
    let name: String
    let kind: Kind
    /// The answer when its session turns out not to exist, in the words of its request.
    var unknownText = "unknown session"
    var slot: SlotID?
    var attempts = 0

    var createsSession: Bool {
        switch kind {
        case .join, .feedAttach: true
        case .feedDetach, .terminate, .releaseAccount, .other: false
        }
    }
}
