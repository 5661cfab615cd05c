import Identity
import SIPLookup
import Sylkrtc
import Telemetry

/// An account's SIP registration on one connection (protocol page, section 4.3): from the request that begins it until its
/// handle is gone. The registrar is looked up, Janus registers there, and does so again before that expires; what it does not
/// do (another server, another try) is done here.
///
/// It can begin anywhere: a predecessor's begins with what Janus has of it (``observed(_:)``), and on every new link to its
/// front door it goes on from what the client has been told (``resynced(_:isPending:)``).
struct RegistrationStateMachine {
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

    private enum Cause {
        case request, retry
    }

    private struct Farewell {
        let reason: String
        /// Nobody has asked for it, and somebody has to know: told at once, because it may take long to come about.
        var isLoss = false
    }

    /// The reason of a registration that is over because nobody wants it any more.
    static let endedReason = "account unregistered"

    private(set) var standing = Standing.none
    private(set) var step: Step
    private(set) var life: HandleLife
    private(set) var server: ProxyTarget?
    /// The handle began with that server's transport, and stays with it.
    private var isTransportKnown = false
    /// The servers that have not been tried, in order.
    private var targets: [ProxyTarget] = []
    private var cause = Cause.request
    private var owesAnswer = false
    /// How the request that began it was answered.
    private(set) var creation: WorkerAnswer?
    /// What the client knows, or is being told; nil: nothing since it asked last (D26).
    private var shown: RegistrationState?
    private(set) var master: UInt64?
    private var farewell: Farewell?
    /// Registering is possible without the client: a predecessor's HA1 is gone with the predecessor.
    private var knowsPassword = false
    /// Why a predecessor's failed before its front door spoke.
    private var unseenFailure: String?
    /// The registrar has accepted it once: then it is worth trying again.
    private var wasRegistered = false
    private var failures = 0

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

    // MARK: Registering

    /// The client asks, for the first time or again.
    mutating func registerRequested() -> [Action] {
        guard farewell == nil, step != .over else { return [] }
        knowsPassword = true
        owesAnswer = true
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
            (server, targets) = (first, Array(servers.dropFirst()))
            isTransportKnown = true
            step = .opening
            return follow(life.begun())
        }
        let current = server ?? first
        if isUp, servers.contains(current) {
            // As it was: that disturbs no call.
            server = current
            targets = servers.filter { $0 != current }
            step = .asking
            return [.register(handle, current, isRefresh: true)]
        }
        targets = Array(servers.dropFirst())
        return turn(to: first, isFreshNeeded: isUp)
    }

    private var isUp: Bool { standing == .registering || standing == .registered }

    /// - Parameter isFreshNeeded: the handle cannot be used for that, or is in use; otherwise only another transport needs a
    ///   fresh one.
    private mutating func turn(to server: ProxyTarget, isFreshNeeded: Bool) -> [Action] {
        guard let handle = life.usable else { return [] }
        guard !isFreshNeeded, let old = self.server, old.transport == server.transport else {
            step = .replacing
            return [.attachReplacement(server)]
        }
        self.server = server
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
        self.server = server
        isTransportKnown = true
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
        guard owesAnswer else { return [] }
        shown = nil
        return answer(.ack)
    }

    /// Janus has not even taken it. A registration that is up stays up; one that has just begun is undone (D24).
    mutating func registerRefused(_ reason: String) -> [Action] {
        guard step == .asking, farewell == nil else { return [] }
        return gaveUp(reason)
    }

    /// The attempt is over before the registrar was asked.
    private mutating func gaveUp(_ reason: String) -> [Action] {
        step = .none
        guard owesAnswer else { return failed(with: "500 \(reason)") }
        guard creation != nil else { return end(Farewell(reason: reason)) }
        let answered = answer(.error(reason))
        return isUp ? answered : answered + failed(with: "500 \(reason)")
    }

    private mutating func answer(_ answer: WorkerAnswer) -> [Action] {
        owesAnswer = false
        if creation == nil { creation = answer }
        return [.answer(answer)]
    }

    // MARK: What the registrar says

    /// Events may overtake the acceptance of their cause.
    private mutating func accepted() -> [Action] { step == .asking ? registerAccepted() : [] }

    mutating func registering() -> [Action] {
        guard isInUse else { return keep(.registering) }
        let accepted = accepted()
        standing = .registering
        // Of its own tries a client hears only what they lead to.
        return cause == .request ? accepted + show(.registering) : accepted
    }

    /// - Parameter master: by what helpers share the handle's SIP stack.
    mutating func registered(master: UInt64?) -> [Action] {
        guard isInUse else { return keep(.registered, master: master) }
        let accepted = accepted()
        standing = .registered
        wasRegistered = true
        failures = 0
        cause = .retry
        var actions = accepted + show(.registered)
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
            return accepted + show(.failed(reason: "\(code) \(reason)"))
        }
        if reason == Self.noTransport, !isTransportKnown, knowsPassword, let server {
            // A predecessor's handle, which has begun with another transport.
            standing = .failed
            return accepted + turn(to: server, isFreshNeeded: true)
        }
        guard Self.isOfServer(code, reason) else { return accepted + failed(with: "\(code) \(reason)") }
        let avoided = server.map { [Action.avoid($0)] } ?? []
        guard knowsPassword, !targets.isEmpty else { return accepted + avoided + failed(with: "\(code) \(reason)") }
        standing = .failed
        return accepted + avoided + turn(to: targets.removeFirst(), isFreshNeeded: reason == Self.noTransport)
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

    private mutating func failed(with reason: String) -> [Action] {
        standing = .failed
        guard knowsPassword || !wasRegistered else {
            // Nobody here can register again; who still wants it can.
            return end(Farewell(reason: reason, isLoss: true))
        }
        return show(.failed(reason: reason)) + retryLater()
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

    /// Told once, however often it is so.
    private mutating func show(_ state: RegistrationState) -> [Action] {
        guard shown.map(ToldRegistration.Stage.init) != ToldRegistration.Stage(state) else { return [] }
        shown = state
        return [.tell(state)]
    }

    // MARK: Being taken over

    /// What a predecessor's has come to since Janus was asked is newer than Janus's word, and told when the front door has
    /// spoken.
    private mutating func keep(
        _ standing: Standing, because reason: String? = nil, master: UInt64? = nil
    ) -> [Action] {
        guard step == .unsettled, farewell == nil, life.usable != nil else { return [] }
        self.standing = standing
        unseenFailure = reason
        wasRegistered = wasRegistered || standing == .registered
        guard let master, master != self.master else { return [] }
        self.master = master
        return [.recordMaster(master)]
    }

    /// Janus has been asked about a predecessor's registration.
    mutating func observed(_ seen: Observation) -> [Action] {
        guard step == .resuming else { return [] }
        if let handle = seen.handle { life.found(handle) }
        step = .unsettled
        standing = seen.handle == nil ? .none : seen.standing
        master = seen.master
        wasRegistered = standing == .registered
        guard farewell == nil else { return follow(life.end(leavingFirst: true)) }
        return []
    }

    /// The front door says what its client has been told: what is missing follows, and nothing else. Not before
    /// ``observed(_:)``.
    ///
    /// - Parameters:
    ///   - isPending: the client still waits for the answer to the request that began it.
    ///   - isRenewing: … to another one, which is carried out now: what there was before is no news, and its answer precedes
    ///     what follows from it.
    mutating func resynced(_ told: ToldRegistration, isPending: Bool, isRenewing: Bool = false) -> [Action] {
        if told.isAcked { creation = creation ?? .ack }
        guard step != .unsettled else { return settle(told, isPending: isPending, isRenewing: isRenewing) }
        var actions: [Action] = []
        if isPending, let creation { actions.append(.answerAgain(creation)) }
        guard creation == .ack else { return actions }
        if let farewell { return actions + (farewell.isLoss && step != .over ? [.tellLost] : []) }
        if !isRenewing, let shown, ToldRegistration.Stage(shown) != told.stage { actions.append(.tellAgain(shown)) }
        return actions
    }

    private mutating func settle(_ told: ToldRegistration, isPending: Bool, isRenewing: Bool) -> [Action] {
        if let farewell { return farewell.isLoss && step != .over ? [.tellLost] : [] }
        step = .none
        switch standing {
        case .registering, .registered:
            creation = .ack
            let state: RegistrationState = standing == .registered ? .registered : .registering
            shown = state
            cause = standing == .registered ? .retry : .request
            let answer: [Action] = isPending ? [.answerAgain(.ack)] : []
            let isKnown = isRenewing || told.stage == ToldRegistration.Stage(state)
            return answer + (isKnown ? [] : [.tell(state)])
        case .none, .failed: break
        }
        if isPending {
            // Whether Janus has heard of it or not: once more does no harm.
            creation = nil
            return registerRequested()
        }
        if let unseenFailure, !wasRegistered, told.stage == .nothing || told.stage == .registering {
            creation = .ack
            return isRenewing ? [] : show(.failed(reason: unseenFailure))
        }
        guard told.stage == .failed, life.usable != nil else {
            return end(Farewell(reason: PublisherStateMachine.unseenReason, isLoss: true))
        }
        standing = .failed
        shown = .failed(reason: "")
        return []
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
        let said = farewell == nil ? [Action.stopRetryTimer] + (creation == .ack ? [.tellLost] : []) : []
        farewell = farewell ?? Farewell(reason: reason, isLoss: true)
        return said + follow(life.vanished())
    }

    /// No call is left on its handles.
    mutating func left() -> [Action] { follow(life.left()) }

    mutating func detached() -> [Action] { follow(life.detached()) }

    mutating func marked() -> [Action] { follow(life.marked()) }

    private mutating func end(_ farewell: Farewell) -> [Action] {
        guard self.farewell == nil, step != .over else { return [] }
        self.farewell = farewell
        // A predecessor's waits until it is known what there is to undo.
        guard step != .resuming else { return [] }
        let said: [Action] = farewell.isLoss && creation == .ack ? [.tellLost] : []
        return [.stopRetryTimer] + said + follow(life.end(leavingFirst: true))
    }

    private mutating func follow(_ action: HandleLife.Action) -> [Action] {
        switch action {
        case .none: return []
        case .record: return [.record]
        case .attach: return [.attach]
        case .ready(let handle):
            guard let server else { return [] }
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
        return (owesAnswer ? answer(.error(farewell?.reason ?? Self.endedReason)) : []) + [.finish]
    }
}
