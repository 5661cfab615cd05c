import NIOCore

extension JanusHandle<SIPMessage> {
    /// Janus tells of an INVITE before it has noted what to answer it with. Whoever declines or accepts within that moment is
    /// acknowledged, and the caller never hears of it (Janus 1.1.2: `janus_sip_sofia_callback` pushes `incomingcall`, and
    /// sets the `s_nh_i` that `decline` and `accept` answer with afterwards). A moment is under a millisecond; a busy machine
    /// may make it some.
    static var inviteTime: TimeAmount { .milliseconds(100) }

    /// A call has come in: it is answered when Janus can.
    func awaitInvite() { rest(Self.inviteTime) }
}
