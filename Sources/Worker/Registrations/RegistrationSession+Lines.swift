import Identity
import Logging
import NIOCore
import Sylkrtc
import Telemetry

/// Which handles a registration needs, and which it does not need any more.
extension RegistrationSession {
    /// An account that is registered always has one helper that waits for a call.
    func makeSpare() {
        guard !machine.isEnding, let number = machine.master, let handle = machine.life.usable,
            let master = lines[handle], !lines.hasSpare
        else { return }
        lines.attachSpare(of: master) { [self] result in
            guard case .success(let line) = result else { return logger.warning("an account has no spare handle") }
            guard !machine.isEnding, lines[handle] === master, master.role == .master else { return lines.close(line) }
            line.handle.message(.helper, body: SIPBody.helper(of: number, account: account.description)) { [self] in
                if case .failure = $0 { lines.close(line) }
            }
        }
    }

    /// A fresh spare is free at once, where Janus loses what comes in on an old one before it has cleared up; and it has no
    /// old caller to be taken for a missed one.
    func renew(_ spare: RegistrationLine) {
        lines.close(spare)
        makeSpare()
    }

    /// What waited for a call to end goes on, when it has.
    func look() {
        // Which calls there are is still being found out.
        guard machine.step != .resuming else { return }
        lines.closeDeserted()
        guard case .leaving = machine.life.state, !lines.haveCalls else { return }
        perform { $0.left() }
    }

    // MARK: A call that does not end

    /// How long Janus may take with a call that its client knows to be over: a BYE that nobody answers is given up after
    /// 32 s (RFC 3261 §17.1.2.2), and the first five have passed.
    static let endTime = TimeAmount.seconds(30)

    /// A call on a line does not end.
    func awaitEnd(on line: RegistrationLine) {
        logger.info("a call does not end yet")
        line.isStuck = true
        let bound = NIOLoopBound((self, line), eventLoop: possession.loop)
        possession.loop.scheduleTask(in: Self.endTime) {
            let (registration, line) = bound.value
            guard registration.possession.isHeld, line.isStuck, registration.lines[line.handle.id] === line else {
                return
            }
            // Janus names the call that a handle is in.
            line.handle.message(.ask, body: SIPBody.ask) {
                if case .failure = $0 { registration.stays(line) }
            }
        }
    }

    /// Only the end of the SIP stack ends such a call; everybody who is on it registers anew.
    func stays(_ line: RegistrationLine) {
        if line.role == .retired { look() } else { lose("a call does not end") }
    }

    /// Its call has ended after all.
    func unstick(_ line: RegistrationLine) {
        line.isStuck = false
        if line.role == .spare { renew(line) } else { line.handle.resetWhenCleared(possession) }
        look()
    }
}
