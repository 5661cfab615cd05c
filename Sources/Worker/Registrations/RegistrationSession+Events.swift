import Identity
import Logging
import Sylkrtc
import Telemetry

/// What Janus says on a registration's handles.
extension RegistrationSession {
    func received(_ event: JanusEvent, _ message: SIPMessage?, on line: RegistrationLine) {
        switch event.kind {
        case .plugin: received(plugin: event, message, on: line)
        case .detached: vanished(line)
        case .webrtcUp, .hangup, .media, .slowLink: line.call?.received(event, message)
        case .other(let kind): logger.warning("unknown event", metadata: .keyed([.event: kind]))
        }
    }

    private func received(plugin event: JanusEvent, _ message: SIPMessage?, on line: RegistrationLine) {
        guard event.plugin == JanusServerInfo.sipPlugin, let data = event.data else {
            return logger.warning("event of another plugin", metadata: .keyed([.value: event.plugin ?? "none"]))
        }
        let isMaster = line.role == .master && line.handle.id == machine.life.usable
        switch SIPEvent(data) {
        case .registering:
            line.warmed()
            if isMaster { perform { $0.registering() } }
        case .registered(let isSent, let master, let isHelper):
            line.warmed()
            if isMaster, isSent, !isHelper { perform { $0.registered(master: master) } }
        case .registrationFailed(let code, let reason):
            line.warmed()
            if isMaster { perform { $0.registrationFailed(code: code, reason: reason) } }
        case .incomingCall(let incoming):
            line.handle.awaitInvite()
            line.isTurningAway = false
            line.isStuck = false
            let offer = event.description(of: "offer").map { SessionDescription($0) }
            self.incoming(incoming, offer: offer, on: line)
            look()
        case .unreadableCall:
            logger.warning("a call that cannot be read")
            line.handle.awaitInvite()
            line.isTurningAway = false
            line.isStuck = false
            let stale = line.call
            line.call = nil
            stale?.supersede()
            decline(400, on: line)
            look()
        // Janus has turned it away as busy.
        case .missedCall(let caller):
            telephony.metrics.callEnded(.incoming, .declined)
            telephony.turnedAway(caller, of: self)
        case .failed(let error, let callID): failed(error, callID, message, event, on: line)
        case .unknown(let kind): logger.warning("unknown event", metadata: .keyed([.event: kind]))
        case .hangup(let hangup) where line.call == nil && line.isStuck: if hangup.callID != nil { unstick(line) }
        case .hangup(let hangup) where line.call == nil && line.isTurningAway:
            // Without a name it may be another call's.
            line.isTurningAway = hangup.callID == nil
            if line.isTurningAway || line.role != .spare {
                line.handle.resetWhenCleared(possession)
            } else {
                renew(line)
            }
        case .declining, .hangingUp:
            trail.ended(on: line.handle.id)
            recordTrail()
            line.call?.received(event, message)
        case .unregistered, .calling, .ringing, .proceeding, .progress, .accepted, .hangup, .reset, .confirmation:
            // Without a call a hangup is about one that Janus has turned away.
            line.call?.received(event, message)
        }
    }

    private func failed(
        _ error: JanusError, _ callID: String?, _ message: SIPMessage?, _ event: JanusEvent, on line: RegistrationLine
    ) {
        switch message {
        case .register:
            line.warmed()
            logger.warning("refused", metadata: .keyed([.error: error.reason]))
            if line.handle.id == machine.life.usable { perform { $0.refused(error) } }
        case .helper:
            logger.warning("an account has no spare handle", metadata: .keyed([.error: error.reason]))
            lines.close(line)
        case .ask where line.isStuck: if callID == nil { unstick(line) } else { stays(line) }
        case .ask:
            line.call?.received(event, message)
            // It may have found that another call has taken its place.
            if line.call == nil { named(callID, on: line) }
            line.unclaimed = nil
            look()
        case .unregister, .call, .accept, .decline, .hangup, .reset, nil: line.call?.received(event, message)
        }
    }

    private func vanished(_ line: RegistrationLine) {
        lines.vanished(line)
        line.call?.vanish("handle detached")
        line.call = nil
        if line.handle.id == machine.life.usable {
            perform { $0.handleVanished("handle detached") }
        } else if line.role == .spare {
            makeSpare()
        }
        look()
    }

    // MARK: Calls

    private func incoming(_ incoming: SIPEvent.IncomingCall, offer: SessionDescription?, on line: RegistrationLine) {
        trail.came(from: incoming.caller.uri, on: line.handle.id)
        recordTrail()
        line.unclaimed = nil
        if let stale = line.call {
            // Janus has one call on a handle: what we know is out of date (D29).
            line.call = nil
            stale.supersede()
        }
        guard line.role != .retired, !isEnding else { return decline(480, on: line) }
        guard telephony.isFree(account, on: id.connection) else {
            // One call at a time, for a client that cannot show two.
            decline(486, on: line)
            return telephony.turnedAway(incoming.caller, of: self)
        }
        logger.info("incoming call", metadata: .keyed([.value: incoming.caller.uri]))
        guard let call = telephony.incoming(incoming, on: line.handle, of: self) else {
            return decline(480, on: line)
        }
        line.call = call
        if line.role == .spare { makeSpare() }
        call.ring(offer)
    }

    /// Turns away a call that nobody is offered.
    private func decline(_ code: Int, on line: RegistrationLine) {
        telephony.metrics.callEnded(.incoming, .declined)
        line.isTurningAway = true
        line.handle.message(.decline, body: SIPBody.decline(code)) { [logger] result in
            if case .failure(let error) = result {
                logger.warning("a call was not declined", metadata: .keyed([.error: error.reason]))
            }
        }
    }

    /// The call on one of its handles is over.
    func returned(_ handle: JanusHandleID, from call: SessionID, _ use: HandleUse) {
        guard let line = lines[handle], line.call?.id == call else { return }
        line.call = nil
        if use != .taken { line.unclaimed = nil }
        switch use {
        case .free where line.role == .spare: renew(line)
        case .free: break
        // Another call is there already, or about to be.
        case .taken: return
        // It ends with its handle, which is not needed any more.
        case .stuck where line.role == .retired || isEnding: break
        case .stuck: awaitEnd(on: line)
        }
        look()
    }

    // MARK: What happened while nobody looked

    /// A handle of a predecessor's that is in a call of which there is no row: Janus presented it to nobody.
    func catchUp(_ line: RegistrationLine, _ sip: SIPHandleInfo, offer: SessionDescription?) {
        switch sip.call {
        case .invited:
            line.unclaimed = sip.peer.map { (Caller(uri: $0, displayName: ""), offer) }
            // Which call it is Janus tells only together with an error.
            line.handle.message(.ask, body: SIPBody.ask) { [self] in
                guard case .failure = $0 else { return }
                missedUnclaimed(on: line)
                decline(480, on: line)
            }
        case .idle where sip.isEstablishing: line.handle.resetWhenCleared(possession)
        case .incall, .inviting, .closing: line.handle.message(.hangup, body: SIPBody.hangup) { _ in }
        case .idle, nil: break
        }
    }

    private func named(_ callID: String?, on line: RegistrationLine) {
        guard let (caller, offer) = line.unclaimed else { return }
        guard let callID else {
            missedUnclaimed(on: line)
            // It is over, and Janus ignores this, or nobody can be told which it is.
            return decline(400, on: line)
        }
        line.unclaimed = nil
        incoming(
            SIPEvent.IncomingCall(caller: caller, callID: callID, callee: account.description), offer: offer, on: line)
    }

    private func missedUnclaimed(on line: RegistrationLine) {
        guard let (caller, _) = line.unclaimed else { return }
        line.unclaimed = nil
        telephony.missed(caller, of: self)
        tell(trail.unseen(caller.uri, on: line.handle.id))
    }
}
