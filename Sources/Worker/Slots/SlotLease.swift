import Identity
import Logging
import NIOCore
import Registry
import Telemetry

/// Says "alive" in the registry, once a second. Only the lock gives the slot; the lease serves placement.
final class SlotLease {
    static let interval = TimeAmount.seconds(1)
    /// Milliseconds a renewal holds.
    static let length = 4000

    private var row: SlotRow
    private let lock: SlotLock
    private let registry: LoopRegistry
    private let loop: any EventLoop
    private let logger: Logger
    private var timer: RepeatedTask?
    private var isFailing = false
    /// What the next renewal says.
    var state: () -> (load: Int, servesJanus: Bool) = { (0, false) }
    /// What the operator wants, with every renewal that came through.
    var orders: (SlotOrders) -> Void = { _ in }
    /// The registry had lost the slot's row, so it has lost those of its rooms and sessions, too.
    var restored: () -> Void = {}
    /// The slot is another's: the process must end at once.
    var lost: (_ reason: String) -> Void = { _ in }

    init(_ row: SlotRow, lock: SlotLock, registry: LoopRegistry, loop: any EventLoop, logger: Logger) {
        self.row = row
        self.lock = lock
        self.registry = registry
        self.loop = loop
        self.logger = logger
    }

    func start() {
        let bound = NIOLoopBound(self, eventLoop: loop)
        timer = loop.scheduleRepeatedTask(initialDelay: .zero, delay: Self.interval) { _ in bound.value.renew() }
    }

    func stop() { timer?.cancel() }

    /// Also at once, when something worth knowing has changed.
    func renew() {
        guard lock.isOwn else { return lost("the slot's lock file was replaced") }
        let (load, servesJanus) = state()
        let row = row
        registry.submit { store throws(RegistryError) -> Renewal in
            let lease = LeaseInstant.now().advanced(byMilliseconds: Self.length)
            do throws(RegistryError) {
                let orders = try store.renewSlot(row.owner, load: load, servesJanus: servesJanus, lease: lease)
                return Renewal(orders: orders, wasRestored: false)
            } catch .unavailable {
                // The registry may have been replaced: the owner of a row puts it back.
                var restored = row
                restored.leaseUntil = lease
                try store.restoreSlot(restored)
                let orders = try store.renewSlot(row.owner, load: load, servesJanus: servesJanus, lease: lease)
                return Renewal(orders: orders, wasRestored: true)
            }
        } then: { [self] result in
            renewed(result)
        }
    }

    private struct Renewal: Sendable {
        let orders: SlotOrders
        let wasRestored: Bool
    }

    private func renewed(_ result: Result<Renewal, RegistryError>) {
        switch result {
        case .success(let renewal):
            // Should the registry be lost, the orders are put back with the row.
            row.draining = renewal.orders.draining
            row.drainUntil = renewal.orders.drainUntil
            if renewal.wasRestored { restored() }
            orders(renewal.orders)
            if isFailing { logger.notice("the registry is back") }
            isFailing = false
        case .failure(.superseded): lost("another process has taken the slot")
        case .failure(let error):
            if !isFailing { logger.error("the lease cannot be renewed", metadata: .keyed([.error: "\(error)"])) }
            isFailing = true
        }
    }
}
