import Foundation
import Identity
import Logging
import NIOCore
import Registry
import Telemetry

/// Looks for slots that nobody has any more, and clears them away, so that their rooms can be joined elsewhere. Every worker
/// does; the registry lets one of them have each. Confined to the core loop.
final class SlotAbandonment {
    static let interval = TimeAmount.seconds(5)

    private let janus: String
    private let registry: LoopRegistry
    private let loop: any EventLoop
    private let logger: Logger
    private let now: @Sendable () -> LeaseInstant
    private var timer: RepeatedTask?
    private var isFailing = false
    /// The slot of this worker, if it has one.
    var own: () -> SlotID? = { nil }
    /// Whether a slot of this host is held after all, whatever its lease says: the registry may have been unwritable for as
    /// long as leases last. What is returned is kept until the slot is given up, so that nobody takes it meanwhile.
    var holdIfFree: (SlotID) -> Hold = { _ in .free(nil) }

    enum Hold {
        case held
        case free(SlotLock?)
    }

    /// Destroys rooms in this worker's Janus as far as that answers, and says when that is done or has come to nothing. What
    /// stays is found by the slot's next holder.
    var destroyRooms: (_ rooms: [JanusRoomID], _ done: @escaping () -> Void) -> Void = { _, done in done() }

    /// - Parameter janus: the address of this worker's Janus, as slots' rows have it.
    init(
        janus: String, registry: LoopRegistry, loop: any EventLoop, logger: Logger,
        now: @escaping @Sendable () -> LeaseInstant = LeaseInstant.now
    ) {
        self.janus = janus
        self.registry = registry
        self.loop = loop
        self.logger = logger
        self.now = now
    }

    func start() {
        let bound = NIOLoopBound(self, eventLoop: loop)
        timer = loop.scheduleRepeatedTask(initialDelay: Self.interval, delay: Self.interval) { _ in bound.value.look() }
    }

    func stop() { timer?.cancel() }

    /// Slots to give up: those whose lease has been over for long enough, and that were not cleared away before.
    static func overdue(
        _ rows: [SlotRow], usage: [SlotID: SlotUsage], own: SlotID?, at now: LeaseInstant
    ) -> [SlotRow] {
        rows.filter { row in
            // One that was drained, or was cleared away before, is without a holder for a reason.
            let isEmpty = usage[row.slot]?.isEmpty ?? true
            return row.slot != own && row.leaseUntil.advanced(byMilliseconds: AbandonedSlot.patience) <= now
                && !(isEmpty && (row.isAbandoned || row.draining))
        }
    }

    private func look() {
        let (own, now) = (own(), now)
        registry.submit(.read) { store throws(RegistryError) in
            Self.overdue(try store.slots(), usage: try store.slotUsage(), own: own, at: now())
        } then: { [self] result in
            switch result {
            case .success(let rows):
                isFailing = false
                for row in rows { abandon(row) }
            case .failure(let error):
                if !isFailing { logger.warning("lost slots are not known", metadata: .keyed([.error: "\(error)"])) }
                isFailing = true
            }
        }
    }

    private func abandon(_ row: SlotRow) {
        guard case .free(let lock) = holdIfFree(row.slot) else { return }
        let wallClock = UInt64(Date().timeIntervalSince1970 * 1000)
        registry.submit { store throws(RegistryError) in
            try store.abandonSlot(row.slot, incarnation: row.incarnation, wallClock: wallClock)
        } then: { [self] result in
            _ = lock
            switch result {
            case .success(let given?): clearAway(given)
            // Somebody else was faster, or its holder is back.
            case .success(nil): break
            case .failure(let error): report(error, row.slot)
            }
        }
    }

    private func clearAway(_ given: AbandonedSlot) {
        logger.error(
            "a slot is given up: nobody had it for too long",
            metadata: .keyed([.slot: "\(given.owner.slot)", .room: "\(given.rooms.count)"]))
        let free = { [self] in
            registry.submit { store throws(RegistryError) in
                try store.freeAbandonedSlot(given.owner)
            } then: { [self] result in
                if case .failure(let error) = result { report(error, given.owner.slot) }
            }
        }
        guard given.janus == janus, !given.rooms.isEmpty else { return free() }
        destroyRooms(given.rooms.map(\.janusRoom), free)
    }

    private func report(_ error: RegistryError, _ slot: SlotID) {
        switch error {
        case .superseded: logger.info("a slot given up has a holder again", metadata: .keyed([.slot: "\(slot)"]))
        case .unavailable, .conflict, .incompatible:
            logger.warning(
                "a slot was not given up", metadata: .keyed([.slot: "\(slot)", .error: "\(error)"]))
        }
    }
}
