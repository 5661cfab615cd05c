import Identity
import SIPLookup
import Sylkrtc

/// What the registrar says, and what is tried next.
extension RegistrationStateMachine {
    /// Events may overtake the acceptance of their cause.
    private mutating func accepted() -> [Action] { step == .asking ? registerAccepted() : [] }

    mutating func registering() -> [Action] {
        guard isInUse else { return keep(.registering) }
        let accepted = accepted()
        standing = .registering
        // Of its own tries a client hears only what they lead to.
        return cause == .request ? accepted + report.show(.registering) : accepted
    }

    /// - Parameter master: by what helpers share the handle's SIP stack.
    mutating func registered(master: UInt64?) -> [Action] {
        guard isInUse else { return keep(.registered, master: master) }
        let accepted = accepted()
        standing = .registered
        wasRegistered = true
        failures = 0
        cause = .retry
        var actions = accepted + report.show(.registered)
        if let master, master != self.master {
            self.master = master
            actions.append(.recordMaster(master))
        }
        return actions
    }

    /// After which Janus does nothing more.
    mutating func registrationFailed(code: Int, reason: String) -> [Action] {
        guard isInUse else { return keep(.failed, because: "\(code) \(reason)") }
        let accepted = accepted()
        guard step == .none else {
            // Another try is under way already.
            standing = .failed
            return accepted + report.show(.failed(reason: "\(code) \(reason)"))
        }
        if reason == Self.noTransport, !servers.isTransportKnown, knowsPassword, let server = servers.current {
            // A predecessor's handle, which has begun with another transport.
            standing = .failed
            return accepted + turn(to: server, isFreshNeeded: true)
        }
        guard Self.isOfServer(code, reason) else { return accepted + failed(with: "\(code) \(reason)") }
        let avoided = servers.current.map { [Action.avoid($0)] } ?? []
        guard knowsPassword, let next = servers.next() else {
            return accepted + avoided + failed(with: "\(code) \(reason)")
        }
        standing = .failed
        return accepted + avoided + turn(to: next, isFreshNeeded: reason == Self.noTransport)
    }

    /// Janus refused the `register` that it had taken (D16).
    mutating func refused(_ error: JanusError) -> [Action] {
        if error.code == Self.alreadyRegistered { return registered(master: nil) }
        guard isInUse else { return keep(.failed, because: "500 \(error.reason)") }
        let accepted = accepted()
        return accepted + failed(with: "500 \(error.reason)")
    }

    /// That a handle could not open the transport it was asked for, because it began with another one.
    static let noTransport = "No transport"
    private static let alreadyRegistered = 445

    /// Another server may do better (RFC 3263 §4.3).
    private static func isOfServer(_ code: Int, _ reason: String) -> Bool {
        code == 503 || code == 408 || reason == noTransport
    }

    mutating func failed(with reason: String) -> [Action] {
        standing = .failed
        guard knowsPassword || !wasRegistered else {
            // Nobody here can register again; who still wants it can.
            return end(Farewell(reason: reason, isLoss: true))
        }
        return report.show(.failed(reason: reason)) + retryLater()
    }

    private mutating func retryLater() -> [Action] {
        guard standing == .failed, wasRegistered, knowsPassword, step == .none, farewell == nil else { return [] }
        cause = .retry
        failures += 1
        return [.startRetryTimer(failures: failures)]
    }

    /// Whether what the handle says is of the registration that is wanted.
    private var isInUse: Bool {
        farewell == nil && life.usable != nil && step != .resuming && step != .unsettled
    }
}
