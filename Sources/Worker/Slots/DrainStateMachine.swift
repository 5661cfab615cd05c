import Registry

/// What a holder does about its orders to drain: refuse new rooms, end what is left when the time is over, and give the
/// slot up when nothing is.
struct DrainStateMachine: Equatable {
    enum State: Equatable {
        /// Nothing was ordered. → `draining`
        case serving
        /// No new rooms; what is there goes on, until the deadline (nil: for as long as it likes).
        /// → `serving`, `ending`, `emptied`
        case draining(until: LeaseInstant?)
        /// The deadline is past, and the sessions were told so last at that time. → `serving`, `draining`, `emptied`
        case ending(since: LeaseInstant)
        /// Nothing is left since then; what was said last may still be on its way. → `serving`, `draining`, `givenUp`
        case emptied(since: LeaseInstant)
        /// The slot is given up. Final.
        case givenUp
    }

    enum OrderAction: Equatable {
        case none
        case refuseRooms(Bool)
    }

    enum LookAction: Equatable {
        case none
        /// Ends every session with this reason. It may come again, for those that came or stayed since.
        case endSessions(reason: String)
        /// Ends the Janus session and the lease, frees the lock, and stands by.
        case giveUpSlot
    }

    /// What clients are told (E07).
    static let reason = "503 Worker drained"
    /// How long nothing must be left before the slot is given up, in milliseconds: front doors take the last words.
    static let pause = 1000
    /// How long an end may take before it is asked for again, in milliseconds.
    static let endingLimit = 5000

    private(set) var state = State.serving
    private var orders = SlotOrders.serve

    /// The orders as they stand; the same again are no news.
    mutating func ordered(_ orders: SlotOrders) -> OrderAction {
        guard orders != self.orders, state != .givenUp else { return .none }
        let wasDraining = self.orders.draining
        self.orders = orders
        guard orders.draining else {
            state = .serving
            return .refuseRooms(false)
        }
        state = .draining(until: orders.drainUntil)
        return wasDraining ? .none : .refuseRooms(true)
    }

    /// A look at the slot.
    ///
    /// - Parameter load: sessions and rooms.
    mutating func looked(load: Int, at now: LeaseInstant) -> LookAction {
        switch state {
        case .serving, .givenUp: return .none
        case .draining where load == 0, .ending where load == 0:
            state = .emptied(since: now)
            return .none
        case .draining(let deadline):
            guard let deadline, deadline <= now else { return .none }
            return end(at: now)
        case .ending(let since):
            return since.advanced(byMilliseconds: Self.endingLimit) <= now ? end(at: now) : .none
        case .emptied(let since):
            guard load == 0 else {
                // Somebody came into a room that was about to close.
                state = .draining(until: orders.drainUntil)
                return looked(load: load, at: now)
            }
            guard since.advanced(byMilliseconds: Self.pause) <= now else { return .none }
            state = .givenUp
            return .giveUpSlot
        }
    }

    private mutating func end(at now: LeaseInstant) -> LookAction {
        state = .ending(since: now)
        return .endSessions(reason: Self.reason)
    }
}
