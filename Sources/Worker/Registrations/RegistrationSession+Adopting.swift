import Identity
import Registry
import Sylkrtc

/// What Janus has of a predecessor's registration.
extension RegistrationSession {
    /// Janus has been asked about a predecessor's handles.
    ///
    /// - Parameters:
    ///   - info: of the handle; nil: there is none.
    ///   - spare: of its helper. When its master's number was not recorded there is none until the account registers again:
    ///     Janus tells it only then, and that needs the password.
    ///   - retired: of handles that only wait for a call to end.
    ///   - calls: rows of calls that came in over it, over or not.
    func observed(
        _ info: HandleInfo?, spare: HandleInfo?, retired: [HandleInfo], master: UInt64?, calls: [SessionRow]
    ) {
        let standing: RegistrationStateMachine.Standing =
            switch info?.sip?.registration {
            case .registered: .registered
            case .registering: .registering
            case .unregistered, .disabled, nil: .none
            }
        let adopted = info.map { (info: $0, line: lines.adopt($0.handle, .master)) }
        let helper = spare.map { (info: $0, line: lines.adopt($0.handle, .spare, of: adopted?.line)) }
        let others = retired.map { (info: $0, line: lines.adopt($0.handle, .retired)) }
        let all = [adopted, helper].compactMap { $0 } + others
        // Calls first: whether there are any decides when the registration can go.
        for (info, line) in all {
            guard let call = telephony.inheritedCall(on: info.handle, of: id) else { continue }
            line.call = call
            trail.came(from: call.caller.uri, on: line.handle.id)
            // Another call may have taken its handle.
            line.unclaimed = info.sip?.peer.map { (Caller(uri: $0, displayName: ""), info.local) }
            call.observed(info, on: line.handle)
        }
        for (_, line) in others {
            line.supported = all.map(\.line).filter { $0 !== line && $0.role != .master && $0.call != nil }
        }
        perform {
            $0.observed(
                RegistrationStateMachine.Observation(handle: info?.handle, standing: standing, master: master))
        }
        for (info, line) in all where lines[info.handle] === line {
            let before = trail[line.handle.id]
            line.handle.receiveEvents()
            guard let sip = info.sip, line.role != .retired else { continue }
            compare(sip, on: line, with: calls, before: before)
            if line.call == nil { catchUp(line, sip, offer: info.local) }
        }
        makeSpare()
        look()
        recordTrail()
        resyncIfWaiting()
    }
}
