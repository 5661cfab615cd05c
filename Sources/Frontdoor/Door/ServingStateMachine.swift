import NIOCore

/// Whether new clients are let in: while a worker serves, and for a little after the last one stopped, because it is
/// usually back at once (architecture page, "What happens when").
struct ServingStateMachine {
    /// Without a serving worker for this long, clients are turned away.
    static let patience = TimeAmount.seconds(5)

    private enum State: Equatable {
        /// None has ever served, or none for too long.
        case closed
        case serving
        case interrupted(since: NIODeadline)
    }

    enum Action: Equatable {
        case none
        /// Whoever waits for `ready` gets it.
        case welcome
        /// Whoever waits for `ready` waits in vain.
        case turnAway
    }

    private var state: State = .closed

    var letsIn: Bool { state != .closed }
    var isServing: Bool { state == .serving }

    mutating func changed(isServing: Bool, at now: NIODeadline) -> Action {
        switch (state, isServing) {
        case (.closed, true), (.interrupted, true):
            state = .serving
            return .welcome
        case (.serving, false):
            state = .interrupted(since: now)
            return .none
        case (.serving, true), (.interrupted, false), (.closed, false): return .none
        }
    }

    mutating func timerFired(at now: NIODeadline) -> Action {
        guard case .interrupted(let since) = state, now - since >= Self.patience else { return .none }
        state = .closed
        return .turnAway
    }
}
