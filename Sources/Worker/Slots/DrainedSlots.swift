import Identity
import Logging
import NIOCore
import Registry
import Telemetry

/// Which slots were emptied on the operator's order and are to stay without a holder: a standby leaves them alone. One that
/// drains and still has something is not among them: its calls want their worker back.
final class DrainedSlots {
    static let interval = TimeAmount.seconds(1)

    private let registry: LoopRegistry
    private let loop: any EventLoop
    private let logger: Logger
    private var timer: RepeatedTask?
    private var isFailing = false
    /// As the registry had them a second ago, or when it last could be reached.
    private(set) var slots: Set<SlotID> = []

    init(registry: LoopRegistry, loop: any EventLoop, logger: Logger) {
        self.registry = registry
        self.loop = loop
        self.logger = logger
    }

    /// Looks at once and every second, until stopped.
    func start() {
        stop()
        let bound = NIOLoopBound(self, eventLoop: loop)
        timer = loop.scheduleRepeatedTask(initialDelay: .zero, delay: Self.interval) { _ in bound.value.look() }
    }

    func stop() { timer?.cancel() }

    /// Given up by this process: nobody need be asked.
    func add(_ slot: SlotID) { slots.insert(slot) }

    private func look() {
        registry.submit(.read) { store throws(RegistryError) in
            try store.drainedSlots()
        } then: { [self] result in
            switch result {
            case .success(let found):
                slots = found
                isFailing = false
            case .failure(let error):
                if !isFailing {
                    logger.warning("drained slots are not known", metadata: .keyed([.error: "\(error)"]))
                }
                isFailing = true
            }
        }
    }
}

extension RegistryStore {
    /// Slots that drain and hold neither a room nor a session that has not ended.
    func drainedSlots() throws(RegistryError) -> Set<SlotID> {
        let draining = try slots().filter(\.draining).map(\.slot)
        guard !draining.isEmpty else { return [] }
        let usage = try slotUsage()
        return Set(draining.filter { usage[$0]?.isEmpty ?? true })
    }
}
