import Logging
import NIOCore
import Registry
import Telemetry

/// Performs what ``DrainStateMachine`` decides for one slot. Confined to the core loop.
final class SlotDrain {
    static let interval = TimeAmount.milliseconds(250)

    private var machine = DrainStateMachine()
    private let loop: any EventLoop
    private let now: () -> LeaseInstant
    private let logger: Logger
    private var timer: RepeatedTask?
    /// Sessions and rooms.
    var load: () -> Int = { 0 }
    var refuseRooms: (Bool) -> Void = { _ in }
    /// Ends every session; to end one that ends already is nothing.
    var endSessions: (_ reason: String) -> Void = { _ in }
    var giveUpSlot: () -> Void = {}

    init(loop: any EventLoop, logger: Logger, now: @escaping () -> LeaseInstant = LeaseInstant.now) {
        self.loop = loop
        self.logger = logger
        self.now = now
    }

    func ordered(_ orders: SlotOrders) {
        switch machine.ordered(orders) {
        case .none: return
        case .refuseRooms(let isRefusing):
            logger.notice(isRefusing ? "the slot drains" : "the slot takes new rooms again")
            refuseRooms(isRefusing)
            timer?.cancel()
            timer = nil
            guard isRefusing else { return }
            let bound = NIOLoopBound(self, eventLoop: loop)
            timer = loop.scheduleRepeatedTask(initialDelay: .zero, delay: Self.interval) { _ in bound.value.look() }
        }
    }

    func stop() { timer?.cancel() }

    private func look() {
        switch machine.looked(load: load(), at: now()) {
        case .none: break
        case .endSessions(let reason):
            logger.warning("the time to drain is over", metadata: .keyed([.value: "\(load())", .reason: reason]))
            endSessions(reason)
        case .giveUpSlot:
            logger.notice("the slot is drained and given up")
            timer?.cancel()
            giveUpSlot()
        }
    }
}
