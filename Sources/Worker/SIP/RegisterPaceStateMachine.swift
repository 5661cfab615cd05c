import Telemetry

/// Whose turn it is to hold Janus up. The first `register` of a handle costs everybody 100 ms, because the SIP plugin has one
/// thread for all (architecture page, "SIP"): one at a time keeps what others want from waiting longer than that.
///
/// Calls go before registrations, and both before what only fills the pool: a call waits for the turn under way and no more.
struct RegisterPaceStateMachine {
    enum Priority: Int, MetricLabel {
        static let label = "for"

        case call, registration, pool
    }

    typealias Ticket = UInt64

    /// Of each priority; a slot has no more registrations to make at a time.
    static let maximum = 4096

    private var waiting: [[Ticket]] = Priority.allCases.map { _ in [] }
    /// Who has the turn.
    private(set) var current: Ticket?

    func count(_ priority: Priority) -> Int { waiting[priority.rawValue].count }

    /// - Returns: false: too many wait already.
    mutating func entered(_ ticket: Ticket, _ priority: Priority) -> Bool {
        guard count(priority) < Self.maximum else { return false }
        waiting[priority.rawValue].append(ticket)
        return true
    }

    /// - Returns: who has the turn from now on; nil: somebody has it already, or nobody wants it.
    mutating func next() -> Ticket? {
        guard current == nil, let index = waiting.firstIndex(where: { !$0.isEmpty }) else { return nil }
        current = waiting[index].removeFirst()
        return current
    }

    /// Somebody waits for it who comes before.
    ///
    /// - Returns: false: it does not wait, or is no less urgent already.
    mutating func raised(_ ticket: Ticket, to priority: Priority) -> Bool {
        for index in waiting.indices where index > priority.rawValue {
            guard let place = waiting[index].firstIndex(of: ticket) else { continue }
            waiting[index].remove(at: place)
            waiting[priority.rawValue].append(ticket)
            return true
        }
        return false
    }

    /// The turn is over, or is not waited for any more.
    ///
    /// - Returns: false: that has been known.
    mutating func left(_ ticket: Ticket) -> Bool {
        if current == ticket {
            current = nil
            return true
        }
        for index in waiting.indices {
            guard let place = waiting[index].firstIndex(of: ticket) else { continue }
            waiting[index].remove(at: place)
            return true
        }
        return false
    }
}
