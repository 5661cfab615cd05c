import Identity
import Sylkrtc

/// A handle of a registration, on which calls come in one at a time.
final class RegistrationLine {
    enum Role: Equatable {
        /// It is registered. Its helpers end when it is detached.
        case master
        /// A helper of the master: takes the call that comes in while the master is busy, which it is for up to a second after
        /// a call (architecture page, "SIP").
        case spare
        /// A master or helper of one that was replaced: it waits for its call to end.
        case retired
    }

    let handle: JanusHandle<SIPMessage>
    var role: Role
    /// Its call is over for the client, and not yet in Janus.
    var isStuck = false
    /// Whose helper it is.
    let master: RegistrationLine?
    /// It has its SIP stack: to register again costs nobody anything.
    var isWarm: Bool
    var turn: RegisterPace.Turn?
    /// Of a predecessor's that was replaced: what may be its helpers, in a call that would end with it.
    var supported: [RegistrationLine] = []
    var call: IncomingCallSession?
    /// A call was declined that is nobody's; a handle may stay busy with it for ever.
    var isTurningAway = false
    /// Who calls, and with what, on a handle that nobody looked after for a while.
    var unclaimed: (caller: Caller, offer: SessionDescription?)?

    init(_ handle: JanusHandle<SIPMessage>, _ role: Role, of master: RegistrationLine? = nil, isWarm: Bool = false) {
        self.handle = handle
        self.role = role
        self.master = master
        self.isWarm = isWarm
    }

    /// Janus has gone on with what others waited for.
    func warmed() {
        isWarm = true
        turn?.over()
        turn = nil
    }
}
