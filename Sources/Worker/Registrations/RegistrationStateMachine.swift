import Identity
import SIPLookup
import Sylkrtc

/// An account's SIP registration on one connection (protocol page, section 4.3): from the request that begins it until its
/// handle is gone. The registrar is looked up, Janus registers there, and does so again before that expires; what it does not
/// do (another server, another try) is done here.
///
/// It can begin anywhere: a predecessor's begins with what Janus has of it (``observed(_:)``), and on every new link to its
/// front door it goes on from what the client has been told (``resynced(_:isPending:)``).
struct RegistrationStateMachine {
    enum Cause {
        case request, retry
    }

    struct Farewell {
        let reason: String
        /// Nobody has asked for it, and somebody has to know: told at once, because it may take long to come about.
        var isLoss = false
    }

    /// The reason of a registration that is over because nobody wants it any more.
    static let endedReason = "account unregistered"

    var standing = Standing.none
    var step: Step
    var life: HandleLife
    var servers = RegistrationServers()
    var report = RegistrationReport()
    var cause = Cause.request
    var master: UInt64?
    var farewell: Farewell?
    /// Registering is possible without the client: a predecessor's HA1 is gone with the predecessor.
    var knowsPassword = false
    /// Why a predecessor's failed before its front door spoke.
    var unseenFailure: String?
    /// The registrar has accepted it once: then it is worth trying again.
    var wasRegistered = false
    var failures = 0

    init() {
        step = .none
        life = HandleLife()
    }

    /// A predecessor's, whose row is there.
    static var inherited: RegistrationStateMachine {
        var machine = RegistrationStateMachine()
        machine.step = .resuming
        machine.life = .inherited
        return machine
    }

    var isEnding: Bool { farewell != nil }
    /// How the request that began it was answered.
    var creation: WorkerAnswer? { report.creation }

    // MARK: Registering

    /// The client asks, for the first time or again.
    mutating func registerRequested() -> [Action] {
        guard farewell == nil, step != .over else { return [] }
        knowsPassword = true
        report.asked()
        return find(.request)
    }

    /// It has failed, and some time has passed.
    mutating func retryDue() -> [Action] {
        guard standing == .failed, step == .none, farewell == nil else { return [] }
        return find(.retry)
    }

    private mutating func find(_ cause: Cause) -> [Action] {
        self.cause = cause
        step = .finding
        return [.stopRetryTimer, .find]
    }

    /// - Parameter servers: the registrar's, in the order in which they are to be tried; at least one.
    mutating func found(_ servers: [ProxyTarget]) -> [Action] {
        guard step == .finding, farewell == nil, let first = servers.first else { return [] }
        guard let handle = life.usable else {
            self.servers.use(first, isFresh: true)
            self.servers.keep(Array(servers.dropFirst()))
            step = .opening
            return follow(life.begun())
        }
        let current = self.servers.current ?? first
        if isUp, servers.contains(current) {
            // As it was: that disturbs no call.
            self.servers.use(current)
            self.servers.keep(servers.filter { $0 != current })
            step = .asking
            return [.register(handle, current, isRefresh: true)]
        }
        self.servers.keep(Array(servers.dropFirst()))
        return turn(to: first, isFreshNeeded: isUp)
    }

    private var isUp: Bool { standing == .registering || standing == .registered }

    /// - Parameter isFreshNeeded: the handle cannot be used for that, or is in use; otherwise only another transport needs a
    ///   fresh one.
    mutating func turn(to server: ProxyTarget, isFreshNeeded: Bool) -> [Action] {
        guard let handle = life.usable else { return [] }
        guard !isFreshNeeded, let old = servers.current, old.transport == server.transport else {
            step = .replacing
            return [.attachReplacement(server)]
        }
        servers.use(server)
        step = .asking
        return [.register(handle, server, isRefresh: false)]
    }

    mutating func notFound(_ text: String) -> [Action] {
        guard step == .finding, farewell == nil else { return [] }
        return gaveUp(text)
    }

    mutating func recorded() -> [Action] { follow(life.recorded()) }

    mutating func recordingFailed(_ reason: String) -> [Action] {
        farewell = farewell ?? Farewell(reason: reason)
        return follow(life.recordingFailed())
    }

    mutating func attached(_ handle: JanusHandleID) -> [Action] { follow(life.attached(handle)) }

    mutating func attachFailed(_ reason: String) -> [Action] {
        farewell = farewell ?? Farewell(reason: reason)
        return follow(life.attachFailed())
    }

    mutating func replacementAttached(_ handle: JanusHandleID, for server: ProxyTarget) -> [Action] {
        guard step == .replacing, farewell == nil, let old = life.replaced(by: handle) else { return [.retire(handle)] }
        servers.use(server, isFresh: true)
        master = nil
        standing = .none
        step = .asking
        return [.retire(old), .register(handle, server, isRefresh: false)]
    }

    mutating func replacementFailed(_ reason: String) -> [Action] {
        guard step == .replacing, farewell == nil else { return [] }
        return gaveUp(reason)
    }

    /// Janus has taken the `register`.
    mutating func registerAccepted() -> [Action] {
        guard step == .asking, farewell == nil else { return [] }
        step = .none
        standing = .registering
        guard report.owesAnswer else { return [] }
        report.shown = nil
        return report.answer(.ack)
    }

    /// Janus has not even taken it. A registration that is up stays up; one that has just begun is undone (D24).
    mutating func registerRefused(_ reason: String) -> [Action] {
        guard step == .asking, farewell == nil else { return [] }
        return gaveUp(reason)
    }

    /// The attempt is over before the registrar was asked.
    private mutating func gaveUp(_ reason: String) -> [Action] {
        step = .none
        guard report.owesAnswer else { return failed(with: "500 \(reason)") }
        guard report.creation != nil else { return end(Farewell(reason: reason)) }
        let answered = report.answer(.error(reason))
        return isUp ? answered : answered + failed(with: "500 \(reason)")
    }

    // MARK: Ending

    /// The client asks for it, and is answered at once: its answered calls go on (architecture page, "SIP").
    mutating func unregisterRequested() -> [Action] {
        end(Farewell(reason: Self.endedReason))
    }

    /// Nobody is there any more who could be told.
    mutating func released() -> [Action] {
        farewell?.isLoss = false
        return end(Farewell(reason: Self.endedReason))
    }

    /// Nobody has asked for the end, and whoever wants to be registered registers anew.
    mutating func lost(_ reason: String) -> [Action] { end(Farewell(reason: reason, isLoss: true)) }

    mutating func handleVanished(_ reason: String) -> [Action] {
        let said = farewell == nil ? [Action.stopRetryTimer] + (report.creation == .ack ? [.tellLost] : []) : []
        farewell = farewell ?? Farewell(reason: reason, isLoss: true)
        return said + follow(life.vanished())
    }

    /// No call is left on its handles.
    mutating func left() -> [Action] { follow(life.left()) }

    mutating func detached() -> [Action] { follow(life.detached()) }

    mutating func marked() -> [Action] { follow(life.marked()) }

    mutating func end(_ farewell: Farewell) -> [Action] {
        guard self.farewell == nil, step != .over else { return [] }
        self.farewell = farewell
        // A predecessor's waits until it is known what there is to undo.
        guard step != .resuming else { return [] }
        let said: [Action] = farewell.isLoss && report.creation == .ack ? [.tellLost] : []
        return [.stopRetryTimer] + said + follow(life.end(leavingFirst: true))
    }

    mutating func follow(_ action: HandleLife.Action) -> [Action] {
        switch action {
        case .none: return []
        case .record: return [.record]
        case .attach: return [.attach]
        case .ready(let handle):
            guard let server = servers.current else { return [] }
            step = .asking
            return [.register(handle, server, isRefresh: false)]
        case .leave(let handle): return [.leave(handle)]
        case .detach(let handle): return [.detach(handle)]
        case .markEnded: return [.markEnded]
        case .over: return sayFarewell()
        }
    }

    private mutating func sayFarewell() -> [Action] {
        guard step != .over else { return [] }
        step = .over
        return (report.owesAnswer ? report.answer(.error(farewell?.reason ?? Self.endedReason)) : []) + [.finish]
    }
}
