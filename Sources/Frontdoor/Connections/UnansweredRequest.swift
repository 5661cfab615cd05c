import Identity
import NIOCore
import Sylkrtc

/// A request that waits for a worker: whom to answer, what was asked, and how far it has come.
struct UnansweredRequest {
    /// How far a request has come towards one worker.
    struct Delivery: Equatable {
        /// It is not on the link that there is now: the link is lost, or what it depends on is out of sync.
        var isHeld = true
        /// It left on some link to that worker, and may have arrived.
        var wasSent = false
    }

    /// nil: the gateway asks by itself, and answers nobody.
    let transaction: String?
    let kind: RequestKind
    var request: WorkerRequest
    let deadline: NIODeadline
    /// Of the client's message.
    var bytes = 0
    /// Whose registration it is about: other requests about that one wait until it is answered.
    var turn: AddressOfRecord?
    /// The answer when its session turns out not to exist, in the words of its request.
    var unknownText = "unknown session"
    /// Who has to answer: nobody while a worker is being looked for, several when an account is removed, otherwise one.
    var workers: [SlotID: Delivery] = [:]
    var attempts = 0
    /// The registry has to answer, too, whatever it says.
    var isInRegistry = false

    /// The request's name in logs.
    var name: String { kind.name }

    var isHeld: Bool { workers.values.allSatisfy(\.isHeld) }

    var createsSession: Bool { request.createsSession }

    /// The registration that must be there already.
    var registration: RequestSequence? {
        switch request {
        case .register(let register): register.registration
        case .unregister(let registration): registration
        case .join, .feedAttach, .feedAnswer, .feedDetach, .trickle, .update, .terminate, .configureRoom,
            .releaseAccount, .invite, .call, .accept:
            nil
        }
    }

    /// The session that must be in sync before this may leave.
    ///
    /// - Parameter sequence: its own number.
    func dependency(as sequence: RequestSequence) -> RequestSequence? {
        switch request {
        case .join, .call: sequence
        case .register(let register): register.registration ?? sequence
        case .unregister(let registration): registration
        case .feedAttach(let base, _, _): base
        case .feedAnswer(let feed, _), .feedDetach(let feed): feed
        case .trickle(let session, _), .update(let session, _, _, _), .terminate(let session),
            .configureRoom(let session, _), .invite(let session, _), .accept(let session, _):
            session
        case .releaseAccount: nil
        }
    }

    /// The session without which it has no meaning. What needs no other session than its own always waits
    /// for its own answer.
    func subject(as sequence: RequestSequence) -> RequestSequence? {
        switch request {
        case .join, .releaseAccount, .register, .unregister, .call: nil
        case .feedAttach: sequence
        case .feedAnswer, .feedDetach, .trickle, .update, .terminate, .configureRoom, .invite, .accept:
            dependency(as: sequence)
        }
    }
}
