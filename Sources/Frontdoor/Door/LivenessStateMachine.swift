import NIOCore

/// Whether a client is still there: a ping every interval after the last pong, and the pong within half an interval
/// (protocol page, section 1).
struct LivenessStateMachine {
    private enum State: Equatable {
        /// No pings are sent.
        case off
        /// A ping is due at the deadline.
        case quiet
        /// A ping is out; its pong is due at the deadline.
        case pinged(number: UInt32)
        /// The connection is not read, so no pong could be heard.
        case paused
    }

    enum Action: Equatable {
        case none
        /// Call ``timerFired()`` after this long.
        case wait(TimeAmount)
        /// Send a ping with this number as its payload; then wait.
        case ping(UInt32, TimeAmount)
        /// The client is gone: abort the connection.
        case abort
    }

    private var state: State
    private var pings: UInt32 = 0
    private let interval: TimeAmount
    private let patience: TimeAmount

    /// - Parameter interval: seconds; 0 sends no pings.
    init(interval: Int) {
        self.interval = .seconds(Int64(interval))
        patience = .seconds(Int64(max(1, interval / 2)))
        state = interval == 0 ? .off : .quiet
    }

    mutating func opened() -> Action {
        switch state {
        case .off: return .none
        case .quiet, .pinged, .paused:
            state = .quiet
            return .wait(interval)
        }
    }

    mutating func timerFired() -> Action {
        switch state {
        case .off, .paused: return .none
        case .pinged: return .abort
        case .quiet:
            pings &+= 1
            state = .pinged(number: pings)
            return .ping(pings, patience)
        }
    }

    /// - Parameter number: the payload; a pong nobody asked for says nothing (RFC 6455 §5.5.3).
    mutating func ponged(_ number: UInt32?) -> Action {
        guard case .pinged(let expected) = state, number == expected else { return .none }
        state = .quiet
        return .wait(interval)
    }

    mutating func paused() {
        guard state != .off else { return }
        state = .paused
    }

    mutating func resumed() -> Action {
        guard state == .paused else { return .none }
        state = .quiet
        return .wait(interval)
    }
}
