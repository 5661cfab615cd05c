import Bus
import Foundation
import Identity
import Logging
import NIOCore
import Registry
import Settings
import Sylkrtc
import Telemetry

/// The worker on its core loop: Janus, slot, conferences and links, in the order in which each needs the one before. All it
/// owns is confined to that loop.
final class WorkerCore: FrontdoorLinks.Delegate {
    /// How the process ends when it has to.
    enum End: Error {
        /// Waiting or trying again cannot mend it.
        case fatal(String)
        /// Somebody else has the slot: nothing more may be said or done.
        case superseded(String)
    }

    static let retryDelay = TimeAmount.milliseconds(500)
    /// How long a takeover waits for the admin API when Janus itself is there.
    static let adminPatience = TimeAmount.seconds(10)
    /// How long the replies under way are waited for when the process ends.
    static let stopPatience = TimeAmount.seconds(1)

    let configuration: WorkerConfiguration
    let loop: any EventLoop
    let network: any BusNetwork
    let registry: LoopRegistry
    let proxies: any ProxyFinding
    let metrics = WorkerMetrics()
    let lag: LoopLag
    let logger: Logger
    let janus: JanusLink
    let admin: JanusLink?
    let seeker: SlotSeeker
    let ended: (End) -> Void
    let heart: Heart
    let abandonment: SlotAbandonment
    let drained: DrainedSlots
    let frontdoorSweep: FrontdoorSweep
    var drain: SlotDrain?
    /// The slot is being emptied.
    var refusesRooms = false
    let faults: FaultPoints

    var lock: SlotLock?
    var row: SlotRow?
    var lease: SlotLease?
    var links: FrontdoorLinks?
    var session: JanusSlotSession?
    var conferences: Conferences?
    let endedSessions = EndedSessions()
    var absences = Absences()
    var takeover: SlotTakeover?
    var recovery: Recovery?
    /// The registry has lost the slot's rows while nothing could be said about them.
    var mustReassert = false
    var sweeper: RepeatedTask?
    var hasAwaitedAdmin = false
    /// Janus is dead: sessions are told so, and nothing else is served.
    var isMourning = false

    init(
        _ configuration: WorkerConfiguration, loop: any EventLoop, network: any BusNetwork,
        connector: any JanusConnector, registry: RegistryThread, proxies: any ProxyFinding, heart: Heart? = nil,
        faults: FaultPoints = FaultPoints(), trace: TraceWriter? = nil, logger: Logger,
        ended: @escaping (End) -> Void
    ) {
        self.configuration = configuration
        self.loop = loop
        self.network = network
        self.proxies = proxies
        self.registry = LoopRegistry(registry, loop: loop, metrics: metrics.registry)
        lag = LoopLag(on: loop)
        self.logger = logger
        self.ended = ended
        self.heart = heart ?? Heart(nil, logger: logger)
        drained = DrainedSlots(registry: self.registry, loop: loop, logger: logger)
        abandonment = SlotAbandonment(
            janus: configuration.janus.description, registry: self.registry, loop: loop, logger: logger)
        frontdoorSweep = FrontdoorSweep(registry: self.registry, loop: loop, logger: logger)
        self.faults = faults
        let life = String(UInt64.random(in: 0...UInt64.max), radix: 36)
        let requestTime = TimeAmount.seconds(Int64(configuration.janusRequestTime))
        janus = JanusLink(
            JanusLink.Settings(
                address: configuration.janus, subprotocol: "janus-protocol", secretName: "apisecret",
                secret: configuration.janusSecret, requestTime: requestTime),
            connector: connector, loop: loop, transactionPrefix: life, metrics: metrics.janus,
            trace: trace.map { JanusTrace($0, configuration.janus) }, logger: logger)
        admin = configuration.admin.map { [metrics] address in
            JanusLink(
                JanusLink.Settings(
                    address: address, subprotocol: "janus-admin-protocol", secretName: "admin_secret",
                    secret: configuration.adminSecret, requestTime: requestTime),
                connector: connector, loop: loop, transactionPrefix: "\(life)-admin", metrics: metrics.janus,
                logger: logger)
        }
        seeker = SlotSeeker(
            numbers: configuration.slots, directory: configuration.installation.busDirectory, loop: loop,
            logger: logger)
        seeker.isWanted = { [drained, node = configuration.installation.node] number in
            SlotID(node: node, number: number).map { !drained.slots.contains($0) } ?? false
        }
    }

    // MARK: Start and stop

    func start() {
        heart.start(on: loop)
        lag.start()
        abandonment.own = { [self] in row?.slot }
        abandonment.destroyRooms = { [self] rooms, done in
            guard let conferences, !isMourning else { return done() }
            conferences.possession.destroyRooms(rooms, completion: done)
        }
        abandonment.holdIfFree = { [installation = configuration.installation, logger] slot in
            guard slot.node == installation.node else { return .free(nil) }
            do throws(SlotLock.Failure) {
                return try SlotLock.take(slot.number, in: installation.busDirectory).map { .free($0) } ?? .held
            } catch {
                logger.warning("a slot's lock cannot be tried", metadata: .keyed([.error: "\(error)"]))
                return .held
            }
        }
        abandonment.start()
        frontdoorSweep.start()
        if configuration.janusSecret == WorkerConfiguration.publicSecret {
            logger.warning("[Janus] api_secret is the published default: change it here and in janus.jcfg")
        }
        janus.up = { [self] _ in janusUp() }
        janus.down = { [self] reason in janusDown(reason) }
        janus.dead = { [self] in mourn() }
        admin?.up = { [self] gateway in
            checkAdmin(gateway)
            hasAwaitedAdmin = false
            takeOver()
        }
        admin?.start()
        janus.start()
    }

    /// Stops serving. What is in Janus stays for the next holder of the slot, unless there is nothing.
    func stop(completion: @escaping () -> Void) {
        heart.stopping()
        lag.stop()
        seeker.stop()
        abandonment.stop()
        frontdoorSweep.stop()
        drained.stop()
        drain?.stop()
        cancelTakeover()
        sweeper?.cancel()
        lease?.stop()
        // Nothing more is begun. What is under way ends in Janus, where a successor will see it.
        links?.stop()
        conferences?.possession.give()
        let isIdle = conferences?.isForgotten ?? true
        awaitReplies(until: loop.now + Self.stopPatience) { [self] in
            if isIdle, conferences != nil, let session, let gateway = janus.gateway {
                session.destroy(over: gateway, patience: Self.stopPatience) { [self] _ in leave(completion) }
            } else {
                leave(completion)
            }
        }
    }

    func awaitReplies(until deadline: NIODeadline, completion: @escaping () -> Void) {
        guard let gateway = janus.gateway, gateway.underWay > 0, loop.now < deadline else { return completion() }
        let bound = NIOLoopBound((self, completion), eventLoop: loop)
        loop.scheduleTask(in: .milliseconds(5)) {
            bound.value.0.awaitReplies(until: deadline, completion: bound.value.1)
        }
    }

    func leave(_ completion: @escaping () -> Void) {
        session?.stop()
        admin?.stop()
        janus.stop()
        guard let owner = row?.owner else { return completion() }
        registry.submit { store throws(RegistryError) in
            try store.releaseSlot(owner)
        } then: { [self] _ in
            // The lease keeps the lock, too.
            lease = nil
            lock = nil
            completion()
        }
    }

    // MARK: Janus

    func janusUp() {
        guard let gateway = janus.gateway else { return }
        gateway.willFail = { [self] in conferences?.possession.give() }
        gateway.sessionTimedOut = { [self] session in
            if session == self.session?.id { sessionLost("Janus timed the session out") }
        }
        gateway.request("info") { [self] result in
            switch result {
            case .failure(.timedOut): janusHangs(.timedOut)
            case .failure(let error): retry("Janus did not say what it is: \(error.reason)")
            case .success(let reply):
                guard case .done(let root) = reply, let info = JanusServerInfo(root) else {
                    return retry("Janus did not say what it is")
                }
                check(info)
            }
        }
    }

    func check(_ info: JanusServerInfo) {
        for verdict in info.verdicts {
            switch verdict {
            case .unusable(let problem): return ended(.fatal(problem))
            case .degraded(let problem): logger.warning("\(problem)")
            }
        }
        logger.info("Janus", metadata: .keyed([.janus: "\(configuration.janus)", .value: info.version]))
        if admin == nil {
            logger.warning("calls will not survive a restart: [Janus] admin_url is not set")
        }
        guard lock == nil else { return takeOver() }
        seek()
    }

    /// Takes the first slot that is free, now or as soon as there is one.
    func seek() {
        drained.start()
        seeker.seek { [self] result in
            switch result {
            case .failure(let failure): ended(.fatal("\(failure)"))
            case .success(let lock):
                drained.stop()
                self.lock = lock
                takeSlot(lock)
            }
        }
        if lock == nil { heart.ready() }
    }

    func janusDown(_ reason: String) {
        seeker.stop()
        drained.stop()
        sessionLost(reason)
    }

    /// A wrong secret is a mistake to be mended, not to be met in the middle of a recovery.
    func checkAdmin(_ gateway: JanusGateway) {
        gateway.request("get_status") { [self] result in
            switch result {
            case .failure(.core(403, let reason)): ended(.fatal("Janus refuses [Janus] admin_secret: \(reason)"))
            case .failure(let error):
                logger.warning("the admin API does not answer", metadata: .keyed([.error: error.reason]))
            case .success: break
            }
        }
    }

    /// Janus says nothing any more, although the connection stands: a new one may be answered.
    func janusHangs(_ error: JanusError) {
        if error == .timedOut { janus.abandon("Janus does not answer") } else { sessionLost(error.reason) }
    }

    func cancelTakeover() {
        takeover?.cancel()
        takeover = nil
        recovery = nil
    }

    /// The Janus session is gone, or the connection to it. Whether Janus still has what was in it is found out by the next
    /// takeover, as after a crash: nothing is told before that.
    func sessionLost(_ reason: String) {
        session?.stop()
        cancelTakeover()
        sweeper?.cancel()
        metrics.slot.janusLost()
        metrics.requests.forget()
        links?.hold()
        if let lost = conferences {
            logger.error("Janus is lost", metadata: .keyed([.reason: reason, .value: "\(lost.load)"]))
            lost.close()
            conferences = nil
            links?.renew("Janus is lost")
            lease?.renew()
        }
        if janus.gateway != nil, lock != nil { retry(reason) }
    }
}
