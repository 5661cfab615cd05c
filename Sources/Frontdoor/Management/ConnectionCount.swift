import NIOConcurrencyHelpers

/// How many connections there are, up to a bound.
final class ConnectionCount: Sendable {
    /// One connection's part of the count, given back once, however often it is said.
    final class Place: Sendable {
        private let count: ConnectionCount
        private let isTaken = NIOLockedValueBox(true)

        fileprivate init(_ count: ConnectionCount) { self.count = count }

        func leave() {
            let wasTaken = isTaken.withLockedValue { isTaken in
                defer { isTaken = false }
                return isTaken
            }
            if wasTaken { count.left() }
        }
    }

    private struct State {
        var count = 0
        var waiting: CheckedContinuation<Void, Never>?
    }

    private let maximum: Int
    private let state = NIOLockedValueBox(State())

    init(maximum: Int) { self.maximum = maximum }

    /// - Returns: nil: there are too many already.
    func come() -> Place? {
        let isCounted = state.withLockedValue { state in
            guard state.count < maximum else { return false }
            state.count += 1
            return true
        }
        return isCounted ? Place(self) : nil
    }

    /// Until everybody has left, or it was given up. To be waited for once.
    func untilNobody() async {
        await withCheckedContinuation { continuation in
            let isOver = state.withLockedValue { state in
                if state.count > 0 { state.waiting = continuation }
                return state.count == 0
            }
            if isOver { continuation.resume() }
        }
    }

    /// Whoever waits for the last one waits no longer.
    func giveUp() { resume { _ in true } }

    private func left() {
        resume { state in
            state.count -= 1
            return state.count == 0
        }
    }

    private func resume(_ isOver: (inout State) -> Bool) {
        let waiting = state.withLockedValue { state -> CheckedContinuation<Void, Never>? in
            guard isOver(&state) else { return nil }
            defer { state.waiting = nil }
            return state.waiting
        }
        waiting?.resume()
    }
}
