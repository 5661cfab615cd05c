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
    static let adminPatience = TimeAmount.seconds(2)
    /// How long the replies under way are waited for when the process ends.
    static let stopPatience = TimeAmount.seconds(1)

    private let configuration: WorkerConfiguration
    private let loop: any EventLoop
    private let network: any BusNetwork
    private let registry: LoopRegistry
    private let logger: Logger
    private let janus: JanusLink
    private let admin: JanusLink?
    private let seeker: SlotSeeker
    private let ended: (End) -> Void

    private var lock: SlotLock?
    private var row: SlotRow?
    private var lease: SlotLease?
    private var links: FrontdoorLinks?
    private var session: JanusSlotSession?
    private var conferences: Conferences?
    private let endedSessions = EndedSessions()
    private var absences = Absences()
    private var takeover: SlotTakeover?
    private var recovery: Recovery?
    private var sweeper: RepeatedTask?
    private var hasAwaitedAdmin = false

    init(
        _ configuration: WorkerConfiguration, loop: any EventLoop, network: any BusNetwork,
        connector: any JanusConnector, registry: RegistryThread, logger: Logger, ended: @escaping (End) -> Void
    ) {
        self.configuration = configuration
        self.loop = loop
        self.network = network
        self.registry = LoopRegistry(registry, loop: loop)
        self.logger = logger
        self.ended = ended
        let life = String(UInt64.random(in: 0...UInt64.max), radix: 36)
        janus = JanusLink(
            JanusLink.Settings(
                address: configuration.janus, subprotocol: "janus-protocol", secretName: "apisecret",
                secret: configuration.janusSecret),
            connector: connector, loop: loop, transactionPrefix: life, logger: logger)
        admin = configuration.admin.map { address in
            JanusLink(
                JanusLink.Settings(
                    address: address, subprotocol: "janus-admin-protocol", secretName: "admin_secret",
                    secret: configuration.adminSecret),
                connector: connector, loop: loop, transactionPrefix: "\(life)-admin", logger: logger)
        }
        seeker = SlotSeeker(
            numbers: configuration.slots, directory: configuration.installation.busDirectory, loop: loop,
            logger: logger)
    }

    // MARK: Start and stop

    func start() {
        if configuration.janusSecret == WorkerConfiguration.publicSecret {
            logger.warning("[Janus] api_secret is the published default: change it here and in janus.jcfg")
        }
        janus.up = { [self] _ in janusUp() }
        janus.down = { [self] reason in janusDown(reason) }
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
        seeker.stop()
        cancelTakeover()
        sweeper?.cancel()
        lease?.stop()
        // Nothing more is begun. What is under way ends in Janus, where a successor will see it.
        links?.stop()
        conferences?.possession.give()
        let isIdle = conferences?.isEmpty ?? true
        awaitReplies(until: loop.now + Self.stopPatience) { [self] in
            if isIdle, conferences != nil, let session, let gateway = janus.gateway {
                session.destroy(over: gateway) { [self] _ in leave(completion) }
            } else {
                leave(completion)
            }
        }
    }

    private func awaitReplies(until deadline: NIODeadline, completion: @escaping () -> Void) {
        guard let gateway = janus.gateway, gateway.underWay > 0, loop.now < deadline else { return completion() }
        let bound = NIOLoopBound((self, completion), eventLoop: loop)
        loop.scheduleTask(in: .milliseconds(5)) {
            bound.value.0.awaitReplies(until: deadline, completion: bound.value.1)
        }
    }

    private func leave(_ completion: @escaping () -> Void) {
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

    private func janusUp() {
        guard let gateway = janus.gateway else { return }
        gateway.willFail = { [self] in conferences?.possession.give() }
        gateway.sessionTimedOut = { [self] session in
            if session == self.session?.id { sessionLost("Janus timed the session out") }
        }
        gateway.request("info") { [self] result in
            switch result {
            case .failure(let error): retry("Janus did not say what it is: \(error.reason)")
            case .success(let reply):
                guard case .done(let root) = reply, let info = JanusServerInfo(root) else {
                    return retry("Janus did not say what it is")
                }
                check(info)
            }
        }
    }

    private func check(_ info: JanusServerInfo) {
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
        seeker.seek { [self] result in
            switch result {
            case .failure(let failure): ended(.fatal("\(failure)"))
            case .success(let lock):
                self.lock = lock
                takeSlot(lock)
            }
        }
    }

    private func janusDown(_ reason: String) {
        seeker.stop()
        sessionLost(reason)
    }

    /// A wrong secret is a mistake to be mended, not to be met in the middle of a recovery.
    private func checkAdmin(_ gateway: JanusGateway) {
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
    private func janusHangs(_ error: JanusError) {
        if error == .timedOut { janus.abandon("Janus does not answer") } else { sessionLost(error.reason) }
    }

    private func cancelTakeover() {
        takeover?.cancel()
        takeover = nil
        recovery = nil
    }

    /// The Janus session is gone, or the connection to it. Whether Janus still has what was in it is found out by the next
    /// takeover, as after a crash: nothing is told before that.
    private func sessionLost(_ reason: String) {
        session?.stop()
        cancelTakeover()
        sweeper?.cancel()
        links?.hold()
        if let lost = conferences {
            logger.error("Janus is lost", metadata: .keyed([.reason: reason, .value: "\(lost.load)"]))
            lost.possession.give()
            conferences = nil
            links?.renew("Janus is lost")
            lease?.renew()
        }
        if janus.gateway != nil, lock != nil { retry(reason) }
    }

    // MARK: The slot

    private func takeSlot(_ lock: SlotLock) {
        let installation = configuration.installation
        guard let slot = SlotID(node: installation.node, number: lock.number) else {
            return ended(.fatal("slot \(lock.number) is out of range"))
        }
        let endpoint = "ipc://\(installation.busDirectory)/slot-\(lock.number).ipc"
        let janus = configuration.janus.description
        let wallClock = UInt64(Date().timeIntervalSince1970 * 1000)
        registry.submit { store throws(RegistryError) -> SlotRow in
            let lease = LeaseInstant.now().advanced(byMilliseconds: SlotLease.length)
            let incarnation = try store.takeSlot(
                slot, endpoint: endpoint, janus: janus, weight: 1, wallClock: wallClock, lease: lease)
            return SlotRow(
                slot: slot, incarnation: incarnation, endpoint: endpoint, janus: janus, leaseUntil: lease, load: 0,
                draining: false, weight: 1, servesJanus: false)
        } then: { [self] result in
            switch result {
            case .failure(let error):
                logger.error("the slot cannot be taken", metadata: .keyed([.error: "\(error)"]))
                let bound = NIOLoopBound((self, lock), eventLoop: loop)
                loop.scheduleTask(in: Self.retryDelay) { bound.value.0.takeSlot(bound.value.1) }
            case .success(let row): slotTaken(row, lock)
            }
        }
    }

    private func slotTaken(_ row: SlotRow, _ lock: SlotLock) {
        self.row = row
        logger.notice(
            "slot taken", metadata: .keyed([.slot: "\(row.slot)", .incarnation: "\(row.incarnation)"]))
        let lease = SlotLease(row, lock: lock, registry: registry, loop: loop, logger: logger)
        lease.state = { [self] in (conferences?.load ?? 0, conferences != nil) }
        lease.lost = { [self] reason in ended(.superseded(reason)) }
        lease.restored = { [self] in conferences?.reassertRows() }
        lease.start()
        self.lease = lease
        guard openLinks() else { return }
        takeOver()
    }

    private func takeOver() {
        guard let row, let gateway = janus.gateway, takeover == nil, conferences == nil else { return }
        guard hasAwaitedAdmin || admin == nil || admin?.gateway != nil else { return awaitAdmin() }
        let deployment = configuration.installation.deployment
        let session = JanusSlotSession(.of(row.slot, in: deployment), loop: loop, logger: logger)
        session.lost = { [self] error in janusHangs(error) }
        self.session?.stop()
        self.session = session
        let logger = logger.with([.slot: "\(row.slot)"])
        let takeover = SlotTakeover(
            owner: row.owner, deployment: deployment, session: session, gateway: gateway, admin: admin?.gateway,
            registry: registry, loop: loop, logger: logger
        ) { [self] result in
            self.takeover = nil
            switch result {
            case .success(let (possession, inheritance)): serve(possession, inheritance)
            case .failure(.registry(.superseded)): ended(.superseded("a write was refused"))
            case .failure(.registry(let error)): retry("registry: \(error)")
            case .failure(.janus(.core(403, let reason))):
                ended(.fatal("Janus refuses [Janus] api_secret: \(reason)"))
            case .failure(.janus(let error)): retry(error.reason)
            }
        }
        self.takeover = takeover
        takeover.start()
    }

    /// Without the admin API nothing that is there can be taken over: it is given the time to connect.
    private func awaitAdmin() {
        hasAwaitedAdmin = true
        let bound = NIOLoopBound(self, eventLoop: loop)
        loop.scheduleTask(in: Self.adminPatience) { bound.value.takeOver() }
    }

    /// Tries again soon, on the connection of then.
    private func retry(_ reason: String) {
        logger.warning("not serving yet", metadata: .keyed([.reason: reason]))
        guard let gateway = janus.gateway else { return }
        let bound = NIOLoopBound((self, gateway), eventLoop: loop)
        loop.scheduleTask(in: Self.retryDelay) {
            let (core, gateway) = bound.value
            // A newer connection has begun anew by itself.
            guard core.janus.gateway === gateway else { return }
            if core.row == nil { core.janusUp() } else { core.takeOver() }
        }
    }

    // MARK: Serving

    private func serve(_ possession: SlotPossession, _ inheritance: Inheritance) {
        guard possession.gateway.isOpen, conferences == nil, let links else { return }
        possession.superseded = { [self] in ended(.superseded("a write was refused")) }
        let conferences = Conferences(
            possession: possession, outbox: links, ended: endedSessions, rules: configuration.rooms)
        conferences.admin = { [self] in admin?.gateway }
        conferences.isAway = { [self] owner in absences.isAway(owner, at: loop.now) }
        self.conferences = conferences
        let recovery = Recovery(conferences, inheritance: inheritance, admin: admin?.gateway) { [self] result in
            recovered(result, conferences)
        }
        self.recovery = recovery
        recovery.start()
        guard self.conferences === conferences else { return }
        lease?.renew()
        logger.notice("serving", metadata: .keyed([.slot: "\(possession.owner.slot)"]))
        links.unhold()
    }

    private func recovered(_ result: Result<Void, Recovery.Failure>, _ conferences: Conferences) {
        guard self.conferences === conferences else { return }
        recovery = nil
        switch result {
        case .success: sweepRegularly(conferences)
        case .failure(.foreign(let problem)): ended(.fatal(problem))
        case .failure(.janus(let error)): janusHangs(error)
        }
    }

    private func sweepRegularly(_ conferences: Conferences) {
        let bound = NIOLoopBound((self, conferences), eventLoop: loop)
        sweeper = loop.scheduleRepeatedTask(initialDelay: JanusSweep.interval, delay: JanusSweep.interval) { _ in
            let (core, conferences) = bound.value
            guard core.conferences === conferences, let admin = core.admin?.gateway else { return }
            conferences.sweep(admin: admin)
        }
    }

    /// - Returns: false when the process has to end.
    private func openLinks() -> Bool {
        guard let row else { preconditionFailure("links without a slot") }
        let links = FrontdoorLinks(incarnation: row.incarnation, loop: loop, logger: logger)
        links.delegate = self
        links.hold()
        do throws(BusError) {
            try links.start(network, at: row.endpoint)
        } catch {
            ended(.fatal("\(row.endpoint): \(error)"))
            return false
        }
        self.links = links
        return true
    }

    var status: WorkerStatus {
        guard let row else { preconditionFailure("links without a slot") }
        return WorkerStatus(slot: row.slot, load: conferences?.load ?? 0, isJanusUp: conferences != nil)
    }

    func received(_ request: WorkerRequest, from connection: ConnectionID, sequence: RequestSequence) {
        conferences?.submit(request, from: connection, sequence: sequence)
    }

    func released(_ session: SessionID) { conferences?.release(session) }

    func gone(_ connection: ConnectionID) { conferences?.release(connection) }

    func listed(_ listing: Listing, by owner: FrontdoorLoopID) { conferences?.resync(listing, of: owner) }

    func lost(_ owner: FrontdoorLoopID) {
        absences.lost(owner, at: loop.now)
        conferences?.suspend(owner)
    }

    func timerFired(at now: NIODeadline) {
        guard let conferences, let links else { return }
        for owner in absences.look(at: now, owners: conferences.owners, isPresent: links.isPresent) {
            logger.notice("a front door stays away: its sessions end", metadata: .keyed([.frontdoor: "\(owner)"]))
            links.close(owner)
            conferences.release { $0.connection.owner == owner }
        }
    }
}
