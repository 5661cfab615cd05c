import Bus
import Identity
import Logging
import NIOCore
import Registry
import Settings
import Sylkrtc
import Telemetry

/// Serving: the Janus session is taken over, what is in it is carried on, and front doors are heard.
extension WorkerCore {
    func serve(_ possession: SlotPossession, _ inheritance: Inheritance) {
        guard possession.gateway.isOpen, conferences == nil, let links else { return }
        possession.superseded = { [self] in ended(.superseded("a write was refused")) }
        possession.faults = faults
        let conferences = Conferences(
            possession: possession, outbox: links, ended: endedSessions, rules: configuration.rooms,
            proxies: proxies)
        conferences.refusesRooms = refusesRooms
        conferences.metrics = metrics.sessions
        conferences.phoneMetrics = metrics.phones
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
        absences = Absences()
        links.unhold()
        heart.ready()
    }

    /// Janus is dead, and everything in it: that is told without waiting for the next one.
    func mourn() {
        guard let row, conferences == nil else { return }
        let slot = row.slot
        registry.submit(.read) { store throws(RegistryError) in
            Inheritance(sessions: try store.sessions(of: slot), rooms: try store.rooms(of: slot))
        } then: { [self] result in
            switch result {
            case .failure(let error):
                logger.error("rows cannot be read", metadata: .keyed([.error: "\(error)"]))
                let bound = NIOLoopBound(self, eventLoop: loop)
                loop.scheduleTask(in: Self.retryDelay) { if bound.value.janus.gateway == nil { bound.value.mourn() } }
            case .success(let inheritance):
                guard janus.gateway == nil, conferences == nil, let links else { return }
                let deployment = configuration.installation.deployment
                let possession = SlotPossession(
                    owner: row.owner, deployment: deployment, janusSession: .of(slot, in: deployment),
                    gateway: .closed(on: loop, logger: logger), registry: registry, loop: loop,
                    roomHandle: JanusHandleID(rawValue: 0), logger: logger)
                possession.superseded = { [self] in ended(.superseded("a write was refused")) }
                let conferences = Conferences(
                    possession: possession, outbox: links, ended: endedSessions, rules: configuration.rooms,
                    proxies: proxies)
                conferences.phoneMetrics = metrics.phones
                self.conferences = conferences
                isMourning = true
                Recovery(conferences, inheritance: inheritance, admin: nil) { _ in }.start()
                links.unhold()
            }
        }
    }

    func endMourning() {
        isMourning = false
        links?.hold()
        conferences?.close()
        conferences = nil
        links?.renew("Janus is back")
    }

    func recovered(_ result: Result<Void, Recovery.Failure>, _ conferences: Conferences) {
        guard self.conferences === conferences else { return }
        recovery = nil
        switch result {
        case .success:
            metrics.slot.takenOver(at: loop.now)
            if mustReassert { conferences.reassertRows() }
            mustReassert = false
            sweepRegularly(conferences)
        case .failure(.foreign(let problem)): ended(.fatal(problem))
        case .failure(.janus(let error)): janusHangs(error)
        }
    }

    func sweepRegularly(_ conferences: Conferences) {
        let bound = NIOLoopBound((self, conferences), eventLoop: loop)
        sweeper = loop.scheduleRepeatedTask(initialDelay: JanusSweep.interval, delay: JanusSweep.interval) { _ in
            let (core, conferences) = bound.value
            guard core.conferences === conferences, let admin = core.admin?.gateway else { return }
            conferences.sweep(admin: admin)
        }
    }

    /// - Returns: false when the process has to end.
    func openLinks() -> Bool {
        guard let row else { preconditionFailure("links without a slot") }
        let links = FrontdoorLinks(incarnation: row.incarnation, loop: loop, logger: logger)
        links.delegate = self
        links.metrics = metrics.links
        links.requests = metrics.requests
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
        return WorkerStatus(slot: row.slot, load: conferences?.load ?? 0, isJanusUp: conferences != nil && !isMourning)
    }

    func received(_ request: WorkerRequest, from connection: ConnectionID, sequence: RequestSequence) {
        guard let conferences else { return }
        metrics.requests.began(request, connection, sequence, at: loop.now)
        conferences.submit(request, from: connection, sequence: sequence)
    }

    func released(_ session: SessionID) { conferences?.release(session) }

    func gone(_ connection: ConnectionID) {
        metrics.requests.forget(connection)
        conferences?.release(connection)
    }

    func listed(_ listing: Listing, by owner: FrontdoorLoopID) {
        for listed in listing.requests {
            metrics.requests.began(listed.request, listed.connection, listed.sequence, at: loop.now)
        }
        conferences?.resync(listing, of: owner)
    }

    func lost(_ owner: FrontdoorLoopID) {
        absences.lost(owner, at: loop.now)
        metrics.requests.forget(owner)
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
