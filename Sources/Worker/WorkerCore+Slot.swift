import Foundation
import Identity
import Logging
import NIOCore
import Registry
import Settings
import Telemetry

/// The slot: taken with its lock, held with a lease, emptied and given up on an operator's order.
extension WorkerCore {
    func takeSlot(_ lock: SlotLock) {
        let installation = configuration.installation
        guard let slot = SlotID(node: installation.node, number: lock.number) else {
            return ended(.fatal("slot \(lock.number) is out of range"))
        }
        let endpoint = "ipc://\(installation.busDirectory)/slot-\(lock.number).ipc"
        let janus = configuration.janus.description
        let wallClock = UInt64(Date().timeIntervalSince1970 * 1000)
        registry.submit { store throws(RegistryError) -> SlotRow? in
            // Drained since the seeker looked.
            guard try !store.drainedSlots().contains(slot) else { return nil }
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
            case .success(nil):
                drained.add(slot)
                self.lock = nil
                if self.janus.gateway != nil { seek() }
            case .success(let row?): slotTaken(row, lock)
            }
        }
    }

    func slotTaken(_ row: SlotRow, _ lock: SlotLock) {
        self.row = row
        logger.notice(
            "slot taken", metadata: .keyed([.slot: "\(row.slot)", .incarnation: "\(row.incarnation)"]))
        let lease = SlotLease(row, lock: lock, registry: registry, loop: loop, logger: logger)
        lease.state = { [self] in (conferences?.load ?? 0, conferences != nil && !isMourning) }
        lease.lost = { [self] reason in ended(.superseded(reason)) }
        lease.restored = { [self] in
            if let conferences, recovery == nil { conferences.reassertRows() } else { mustReassert = true }
        }
        let drain = startDraining(row)
        lease.orders = { drain.ordered($0) }
        self.drain = drain
        lease.start()
        self.lease = lease
        guard openLinks() else { return }
        takeOver()
    }

    func takeOver() {
        guard let row, let gateway = janus.gateway else { return }
        if isMourning { endMourning() }
        guard takeover == nil, conferences == nil else { return }
        metrics.slot.takeoverBegan(at: loop.now)
        guard hasAwaitedAdmin || admin == nil || admin?.gateway != nil else { return awaitAdmin() }
        let deployment = configuration.installation.deployment
        let session = JanusSlotSession(.of(row.slot, in: deployment), loop: loop, logger: logger)
        session.lost = { [self, weak session] error in
            if let session, session === self.session { janusHangs(error) }
        }
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
            case .failure(.janus(.timedOut)):
                logger.warning("not serving yet", metadata: .keyed([.reason: JanusError.timedOut.reason]))
                janusHangs(.timedOut)
            case .failure(.adminHangs):
                // It is waited for again: without it nothing could be taken over.
                hasAwaitedAdmin = false
                admin?.abandon("the admin API does not answer")
                retry(JanusError.timedOut.reason)
            case .failure(.janus(let error)): retry(error.reason)
            }
        }
        self.takeover = takeover
        takeover.start()
    }

    /// Without the admin API nothing that is there can be taken over: it is given the time to connect.
    func awaitAdmin() {
        hasAwaitedAdmin = true
        let bound = NIOLoopBound(self, eventLoop: loop)
        loop.scheduleTask(in: Self.adminPatience) { bound.value.takeOver() }
    }

    /// Tries again soon, on the connection of then.
    func retry(_ reason: String) {
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

    // MARK: Draining

    func startDraining(_ row: SlotRow) -> SlotDrain {
        let drain = SlotDrain(loop: loop, logger: logger.with([.slot: "\(row.slot)"]))
        drain.load = { [self] in conferences.map { $0.isForgotten ? 0 : max($0.load, 1) } ?? 1 }
        drain.refuseRooms = { [self] in
            refusesRooms = $0
            conferences?.refusesRooms = $0
        }
        drain.endSessions = { [self] reason in conferences?.expelAll(reason) }
        drain.giveUpSlot = { [self] in giveUpSlot() }
        return drain
    }

    /// The slot is empty and is to stay so: the Janus session ends, the lock is freed, and this process stands by.
    func giveUpSlot() {
        guard let owner = row?.owner else { return }
        row = nil
        drain?.stop()
        drain = nil
        refusesRooms = false
        lease?.stop()
        cancelTakeover()
        sweeper?.cancel()
        conferences?.close()
        conferences = nil
        isMourning = false
        links?.stop()
        links = nil
        guard let session, let gateway = janus.gateway else { return slotGivenUp(owner) }
        // As with a detach: Janus must not be at a message of what it is to free.
        awaitReplies(until: loop.now + Self.stopPatience) { [self] in
            session.destroy(over: gateway) { [self] _ in slotGivenUp(owner) }
        }
    }

    func slotGivenUp(_ owner: RoomOwner) {
        session?.stop()
        session = nil
        registry.submit { store throws(RegistryError) in
            try store.releaseSlot(owner)
        } then: { [self] result in
            if case .failure(let error) = result {
                logger.warning("the lease runs out by itself", metadata: .keyed([.error: "\(error)"]))
            }
            drained.add(owner.slot)
            lease = nil
            lock = nil
            if janus.gateway != nil { seek() }
        }
    }
}
