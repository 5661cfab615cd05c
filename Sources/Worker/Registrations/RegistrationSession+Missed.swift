import Identity
import Registry
import Sylkrtc

/// Calls that the client has not heard of and nobody took (E04), and what a successor needs to find such calls.
extension RegistrationSession {
    /// Janus has been asked about a predecessor's handle.
    ///
    /// - Parameters:
    ///   - calls: rows of calls that came in over the registration, over or not.
    ///   - before: whose call was the last that is dealt with, when Janus was asked.
    func compare(_ sip: SIPHandleInfo, on line: RegistrationLine, with calls: [SessionRow], before: String?) {
        guard sip.call == .idle else { return }
        let callers = calls.filter { $0.handle == line.handle.id }.compactMap(\.caller)
        guard trail.found(sip.peer, on: line.handle.id, dealtWith: Set(callers), before: before) else { return }
        telephony.metrics.callEnded(.incoming, .cancelled)
        telephony.missed(Caller(uri: sip.peer ?? "", displayName: ""), of: self)
    }

    /// What has changed is recorded; a successor compares with it.
    func recordTrail() {
        trail.keep(lines.handles)
        guard trail.seen != recordedTrail else { return }
        recordedTrail = trail.seen
        possession.recordSeenCalls(trail.seen, of: id)
    }

    /// A call that its client has not heard of is over, and nobody has taken it.
    ///
    /// - Parameter number: the call's, by which it is told once.
    func missed(_ caller: Caller, _ number: UInt64) {
        if let call = trail.missed(caller, number) { tell(call) }
    }

    /// Tells of each until the front door has it: that knows what it has been told before.
    func tellMissed() { for call in trail.untold { tell(call) } }

    func tell(_ call: CallTrail.Untold) {
        guard voice.isHeard else { return }
        voice.tell(.missedCall(call.caller, number: call.number))
        telephony.outbox.whenAcknowledged(by: id.connection.owner) { [weak self] in
            guard let self else { return }
            trail.told(call.number)
            recordTrail()
        }
    }
}
