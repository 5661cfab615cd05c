import NIOCore

/// Which push is sent when: a few at a time, the others in the order in which they came. When the service is not there, a push
/// that has an expiry is tried again until then; what has none is tried once.
struct PushQueueStateMachine {
    typealias Number = UInt64

    /// Tries that are under way at a time.
    static let maximumUnderWay = 8
    /// Pushes that wait, for their turn or for the next try. Beyond: dropped.
    static let maximumWaiting = 1024
    /// For one try.
    static let patience = TimeAmount.seconds(5)

    enum Ending: Equatable {
        /// With what the service said last.
        case answered(PushOutcome)
        /// It waited for longer than it is good for.
        case expired
        /// Too many wait, or the process ends.
        case dropped
    }

    enum Action: Equatable {
        /// Followed up by `answered`.
        case send(Number, Push, by: NIODeadline)
        /// Followed up by `timerFired`. The service was not there, for that reason.
        case rest(Number, Push, TimeAmount, reason: String)
        case end(Push, Ending)
        /// The machine was stopped, and nothing is under way any more.
        case stopped
    }

    private struct Pending {
        let push: Push
        /// Tries that have failed.
        var failures = 0
    }

    /// Wait for their turn.
    private var queue: [Number] = []
    /// Have failed, and wait for their next try. A timer runs for each.
    private var resting: Set<Number> = []
    private var underWay: Set<Number> = []
    /// All of the above.
    private var pending: [Number: Pending] = [:]
    private var last: Number = 0
    private var isStopped = false

    var count: Int { pending.count }

    mutating func asked(_ push: Push, at now: NIODeadline) -> [Action] {
        guard !isStopped, queue.count + resting.count < Self.maximumWaiting else { return [.end(push, .dropped)] }
        last += 1
        pending[last] = Pending(push: push)
        queue.append(last)
        return proceed(at: now)
    }

    mutating func answered(_ number: Number, _ outcome: PushOutcome, at now: NIODeadline) -> [Action] {
        guard underWay.remove(number) != nil, var push = pending[number] else {
            preconditionFailure("the outcome of a push that is not under way")
        }
        if case .unreachable(let reason) = outcome, !isStopped, let expiry = push.push.message.expiry {
            push.failures += 1
            let pause = Self.pause(after: push.failures)
            if now + pause < expiry {
                pending[number] = push
                resting.insert(number)
                return [.rest(number, push.push, pause, reason: reason)] + proceed(at: now)
            }
        }
        pending[number] = nil
        return [.end(push.push, .answered(outcome))] + proceed(at: now)
    }

    mutating func timerFired(_ number: Number, at now: NIODeadline) -> [Action] {
        guard resting.remove(number) != nil else { return [] }
        // It has waited already.
        queue.insert(number, at: 0)
        return proceed(at: now)
    }

    /// What waits is dropped, and nothing is begun any more.
    mutating func stopRequested() -> [Action] {
        isStopped = true
        let dropped = (queue + resting).sorted().compactMap { pending.removeValue(forKey: $0) }
        queue = []
        resting = []
        return dropped.map { .end($0.push, .dropped) } + (underWay.isEmpty ? [.stopped] : [])
    }

    private mutating func proceed(at now: NIODeadline) -> [Action] {
        guard !isStopped else { return underWay.isEmpty ? [.stopped] : [] }
        var actions: [Action] = []
        var taken = 0
        for number in queue {
            guard underWay.count < Self.maximumUnderWay else { break }
            taken += 1
            guard let push = pending[number]?.push else { preconditionFailure("a push in the queue that is not there") }
            let end = now + Self.patience
            if let expiry = push.message.expiry, expiry <= now {
                pending[number] = nil
                actions.append(.end(push, .expired))
            } else {
                underWay.insert(number)
                actions.append(.send(number, push, by: min(end, push.message.expiry ?? end)))
            }
        }
        queue.removeFirst(taken)
        return actions
    }

    /// 1, 2, 4 and then 8 s.
    private static func pause(after failures: Int) -> TimeAmount { .seconds(1 << Int64(min(failures - 1, 3))) }
}
