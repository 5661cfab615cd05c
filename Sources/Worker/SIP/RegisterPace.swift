import NIOCore
import Telemetry

/// Hands out the turns that ``RegisterPaceStateMachine`` decides. Confined to the core loop.
final class RegisterPace {
    typealias Priority = RegisterPaceStateMachine.Priority
    typealias Ticket = RegisterPaceStateMachine.Ticket

    enum Failure: Error, Equatable {
        case tooMany
        case timedOut

        /// What a client is told.
        var reason: String {
            switch self {
            case .tooMany: "too many registrations wait for the media server"
            case .timedOut: "the media server takes too long to register"
            }
        }
    }

    /// The right to send one first `register`. Whoever has it says when Janus is done with that.
    final class Turn {
        private var end: (() -> Void)?

        fileprivate init(_ end: @escaping () -> Void) { self.end = end }

        /// More than once is fine. A turn that nobody ends is over after ``RegisterPace/limit``.
        func over() {
            let end = end
            self.end = nil
            end?()
        }
    }

    /// Ten times what Janus takes: who has had the turn for so long has lost it, and does no harm by being late.
    static let limit = TimeAmount.seconds(1)

    private struct Waiter {
        var priority: Priority
        let since: NIODeadline
        let begin: (Result<Turn, Failure>) -> Void
        var timer: Scheduled<Void>?
    }

    private var machine = RegisterPaceStateMachine()
    private var waiters: [Ticket: Waiter] = [:]
    private var lastTicket: Ticket = 0
    private var isHandingOut = false
    private let loop: any EventLoop
    private let metrics: PhoneMetrics

    init(loop: any EventLoop, metrics: PhoneMetrics) {
        self.loop = loop
        self.metrics = metrics
    }

    /// - Parameters:
    ///   - patience: how long the turn is waited for.
    ///   - begin: called once, perhaps before this returns.
    /// - Returns: the place in the queue.
    @discardableResult
    func enter(
        _ priority: Priority, patience: TimeAmount, _ begin: @escaping (Result<Turn, Failure>) -> Void
    ) -> Ticket {
        lastTicket += 1
        let ticket = lastTicket
        guard machine.entered(ticket, priority) else {
            metrics.turnRefused()
            begin(.failure(.tooMany))
            return ticket
        }
        var waiter = Waiter(priority: priority, since: loop.now, begin: begin)
        let bound = NIOLoopBound(self, eventLoop: loop)
        waiter.timer = loop.scheduleTask(in: patience) { bound.value.timedOut(ticket) }
        waiters[ticket] = waiter
        handOut()
        return ticket
    }

    /// Somebody waits for this turn who comes before those it waits behind. A turn that has come, or is not waited for any
    /// more, stays what it is.
    func raise(_ ticket: Ticket, to priority: Priority) {
        guard machine.raised(ticket, to: priority) else { return }
        waiters[ticket]?.priority = priority
    }

    func waiting(_ priority: Priority) -> Int { machine.count(priority) }

    private func timedOut(_ ticket: RegisterPaceStateMachine.Ticket) {
        guard let waiter = waiters.removeValue(forKey: ticket), machine.left(ticket) else { return }
        metrics.turnRefused()
        waiter.begin(.failure(.timedOut))
    }

    /// A turn may be over as soon as it is given: the next one is given here, and not deep in the stack of the one before.
    private func handOut() {
        guard !isHandingOut else { return }
        isHandingOut = true
        defer { isHandingOut = false }
        while let ticket = machine.next() {
            guard let waiter = waiters.removeValue(forKey: ticket) else {
                _ = machine.left(ticket)
                continue
            }
            waiter.timer?.cancel()
            metrics.turn(waiter.priority, after: loop.now - waiter.since)
            let bound = NIOLoopBound(self, eventLoop: loop)
            let guardian = loop.scheduleTask(in: Self.limit) { bound.value.left(ticket) }
            waiter.begin(
                .success(
                    Turn { [weak self] in
                        guardian.cancel()
                        self?.left(ticket)
                    }))
        }
    }

    private func left(_ ticket: RegisterPaceStateMachine.Ticket) {
        if machine.left(ticket) { handOut() }
    }
}
