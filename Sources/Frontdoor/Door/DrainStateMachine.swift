import NIOCore

/// How a front door ends: at once, or when its clients have left, at a deadline at the latest (architecture page, "What
/// happens when").
struct DrainStateMachine {
    private enum State: Equatable {
        /// Nobody is accepted yet, but others may accept from the same sockets. Goes on to `open`, or ends as that does.
        case closed
        /// New clients are accepted. A signal or a hand-over ends this.
        case open
        /// No new clients; those there are are served until they have left, or until the deadline, whose timer runs.
        case draining(loops: Int, isSignalled: Bool)
        /// Everybody is sent away. Nothing follows.
        case ended
    }

    enum End: Equatable {
        /// There is no time to drain.
        case atOnce
        /// Every client has left.
        case drained
        /// The time to drain is over.
        case deadline
        /// A second signal.
        case insisted
        /// Another process is this front door.
        case superseded
    }

    enum Action: Equatable {
        case none
        /// Begin to accept.
        case open
        /// Stop accepting; call ``loopEmptied()`` for each loop that has no client left, and ``deadlinePassed()`` after
        /// that time.
        case drain(TimeAmount)
        case end(End)
    }

    private var state = State.closed
    private let time: TimeAmount
    private let loops: Int

    /// - Parameter time: 0: clients are sent away at once.
    init(time: TimeAmount, loops: Int) {
        self.time = time
        self.loops = loops
    }

    /// The sockets are there, and whoever is accepted is let in.
    mutating func mayOpen() -> Action {
        switch state {
        case .closed:
            state = .open
            return .open
        case .open, .draining, .ended: return .none
        }
    }

    /// SIGTERM or SIGINT. After a hand-over the first one is expected: whoever supervises us must be told to let us go.
    mutating func signalled() -> Action {
        switch state {
        case .closed, .open: return begin(isSignalled: true)
        case .draining(let loops, false):
            state = .draining(loops: loops, isSignalled: true)
            return .none
        case .draining(_, true): return end(.insisted)
        case .ended: return .none
        }
    }

    /// Another front door accepts clients on our sockets.
    mutating func handedOver() -> Action {
        switch state {
        case .closed, .open: return begin(isSignalled: false)
        case .draining, .ended: return .none
        }
    }

    mutating func loopEmptied() -> Action {
        guard case .draining(let loops, let isSignalled) = state else { return .none }
        guard loops > 1 else { return end(.drained) }
        state = .draining(loops: loops - 1, isSignalled: isSignalled)
        return .none
    }

    mutating func deadlinePassed() -> Action {
        switch state {
        case .draining: return end(.deadline)
        case .closed, .open, .ended: return .none
        }
    }

    mutating func superseded() -> Action {
        switch state {
        case .closed, .open, .draining: return end(.superseded)
        case .ended: return .none
        }
    }

    private mutating func begin(isSignalled: Bool) -> Action {
        guard time > .nanoseconds(0) else { return end(.atOnce) }
        state = .draining(loops: loops, isSignalled: isSignalled)
        return .drain(time)
    }

    private mutating func end(_ end: End) -> Action {
        state = .ended
        return .end(end)
    }
}
