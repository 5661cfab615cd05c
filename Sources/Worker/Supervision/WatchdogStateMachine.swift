/// Whether a process that is to beat still does. Times are nanoseconds of any clock that does not go while the host
/// sleeps.
struct WatchdogStateMachine: Equatable {
    enum State: Equatable {
        /// No beat yet: it may start as slowly as it likes. → `beating`
        case silent
        /// It has beaten; when the next beat must have come. → `beating`, `overdue`
        case beating(until: UInt64)
        /// It is being killed. Final.
        case overdue
    }

    enum TimerAction: Equatable {
        case none
        case kill
    }

    /// The longest time between two beats.
    let limit: UInt64
    private(set) var state = State.silent

    init(limit: UInt64) { self.limit = limit }

    mutating func beaten(at now: UInt64) {
        switch state {
        case .silent, .beating: state = .beating(until: now + limit)
        case .overdue: break
        }
    }

    mutating func timerFired(at now: UInt64) -> TimerAction {
        switch state {
        case .beating(let deadline) where deadline <= now:
            state = .overdue
            return .kill
        case .silent, .beating, .overdue: return .none
        }
    }

    /// When the timer is to fire; nil: nothing is due.
    var deadline: UInt64? {
        switch state {
        case .beating(let deadline): deadline
        case .silent, .overdue: nil
        }
    }
}
