import Identity
import SIPLookup
import Sylkrtc
import Telemetry

extension RegistrationStateMachine {
    /// How the account stands with its registrar, as far as is known.
    enum Standing: Int, MetricLabel {
        static let label = "state"

        /// Janus has not been asked yet. → registering
        case none
        /// → registered, failed
        case registering
        /// → registering, failed
        case registered
        /// → registering
        case failed
    }

    /// What is under way.
    enum Step: Equatable {
        case none
        /// The registrar's servers are looked up. → opening, replacing, asking, none
        case finding
        /// The row and the handle are made. → asking
        case opening
        /// A fresh handle for another server is made, while the old one is in use. → asking, none
        case replacing
        /// `register` is on its way to Janus. → none
        case asking
        /// A predecessor's: Janus is being asked. → unsettled
        case resuming
        /// A predecessor's. What the client was told decides. → none, finding
        case unsettled
        case over
    }

    enum Action: Equatable {
        case find
        case record
        case attach
        /// For another server, beside the one in use.
        case attachReplacement(ProxyTarget)
        case register(JanusHandleID, ProxyTarget, isRefresh: Bool)
        /// Once for each request to register.
        case answer(WorkerAnswer)
        /// The request that began it was answered, but the answer was lost on its way.
        case answerAgain(WorkerAnswer)
        case tell(RegistrationState)
        /// It was told, but got lost on its way.
        case tellAgain(RegistrationState)
        case tellLost
        /// Comes last in later lookups.
        case avoid(ProxyTarget)
        /// Tries again later; the longer the more often it has failed.
        case startRetryTimer(failures: Int)
        case stopRetryTimer
        /// By what helpers share the handle's SIP stack.
        case recordMaster(UInt64)
        /// The handle is not in use any more, and is detached when its last call has ended.
        case retire(JanusHandleID)
        /// Calls that ring end now; `left()` when those that were answered have ended.
        case leave(JanusHandleID)
        case detach(JanusHandleID)
        case markEnded
        case finish
    }

    /// What Janus has of a predecessor's registration.
    struct Observation: Equatable {
        var handle: JanusHandleID?
        /// As `handle_info` says; a failed one is none.
        var standing = Standing.none
        /// By what helpers share the handle's SIP stack; nil: nobody knows.
        var master: UInt64?
    }
}
