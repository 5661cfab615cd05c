import Identity
import SIPLookup
import Sylkrtc

extension OutgoingCallStateMachine {
    enum State: Equatable {
        /// Where to send it is being looked up. Nothing is recorded. → opening
        case lookingUp
        /// The row is being written, and a handle taken from those that wait. → identifying
        case opening
        /// The handle is told who calls. Timer `identify`. → noting
        case identifying
        /// The registry is told that the INVITE is about to leave. → dialling
        case noting
        /// `call` is on its way to Janus. → inviting
        case dialling
        /// Janus has it: the client has its ack. Timer `ring`. → answered; → opening, when the server refuses and there is
        /// another one
        case inviting
        /// The client has the answer.
        case answered
        /// A predecessor's: Janus is being asked. → inviting, answered, unsettled
        case resuming
        /// A predecessor's, and not to be seen in Janus. What the client was told decides. → lookingUp, over
        case unsettled
        case over
    }

    enum Timer: CaseIterable, Equatable {
        /// Bounds `identifying`.
        case identify
        /// A hangup before the first answer of the proxy is lost in Janus, which then rings for ever. Not every first
        /// answer is told of; after this time there has been one.
        case settle
        /// Bounds `inviting`: there are answers after which Janus says nothing any more.
        case ring
        /// Bounds a hangup: Janus ignores some without a word (D35).
        case hangup
    }

    enum Action: Equatable {
        case lookUp
        case record
        /// A handle that speaks over this transport.
        case attach(SIPTransport)
        /// Detach it: another one takes its place.
        case discard(JanusHandleID)
        case identify(ProxyTarget)
        case noteSent(JanusHandleID)
        case dial
        /// Once: the answer to session-create.
        case answerCall(WorkerAnswer)
        /// It was answered, but the answer was lost on its way.
        case answerCallAgain(WorkerAnswer)
        case tell(CallState)
        case hangUp
        /// To every session-terminate that waits.
        case answerTerminates
        case proxyFailed(ProxyTarget)
        case start(Timer)
        case stop(Timer)
        case detach(JanusHandleID)
        case markEnded
        case finish
    }

    /// What Janus has of a predecessor's call.
    struct Observation: Equatable {
        enum Phase: Equatable {
            /// Nothing: it is over, or has never begun.
            case idle
            case inviting
            case inCall(answer: SessionDescription?, isMediaUp: Bool)
            /// Janus has forgotten to end it.
            case stuck
        }

        var handle: JanusHandleID?
        var phase = Phase.idle
    }
}
