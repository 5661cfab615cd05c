import Dispatch
import NIOConcurrencyHelpers

/// What lies between the submitters and the registry's thread: bounded, first come first served.
///
/// The thread sleeps on a semaphore and is woken once, by the first request that finds it asleep.
final class RegistryQueue: Sendable {
    enum Wake {
        case requests
        /// The time to wait is over.
        case timeout
        /// Stopped, and everything submitted before has been taken.
        case stopped
    }

    private struct State {
        var pending: [RegistryRequest] = []
        /// Submitted and not yet answered.
        var backlog = 0
        var isAsleep = false
        var isStopping = false
    }

    private let limit: Int
    private let state = NIOLockedValueBox(State())
    private let wake = DispatchSemaphore(value: 0)
    /// Left once, when the thread has nothing more to do.
    private let finished = DispatchGroup()

    /// - Parameter limit: how many requests may be unanswered at a time.
    init(limit: Int) {
        self.limit = limit
        finished.enter()
    }

    /// - Returns: why the request was not taken; nil if it was.
    func submit(_ request: RegistryRequest) -> RegistryError? {
        let (refusal, wakes) = state.withLockedValue { state -> (RegistryError?, Bool) in
            guard !state.isStopping else { return (.unavailable("the registry is stopped"), false) }
            guard state.backlog < limit else {
                return (.unavailable("\(limit) operations are waiting for the registry"), false)
            }
            state.pending.append(request)
            state.backlog += 1
            defer { state.isAsleep = false }
            return (nil, state.isAsleep)
        }
        if wakes { wake.signal() }
        return refusal
    }

    /// Takes no more requests. What was submitted before is still served.
    func stop() {
        let wakes = state.withLockedValue { state in
            state.isStopping = true
            defer { state.isAsleep = false }
            return state.isAsleep
        }
        if wakes { wake.signal() }
    }

    func waitUntilFinished() { finished.wait() }

    // MARK: The thread's side

    /// Waits for requests and takes all there are.
    ///
    /// - Parameters:
    ///   - requests: empty; its storage is used again.
    ///   - deadline: nil waits for ever.
    func take(_ requests: inout [RegistryRequest], deadline: DispatchTime?) -> Wake {
        while true {
            let found = state.withLockedValue { state -> Wake? in
                if !state.pending.isEmpty {
                    swap(&state.pending, &requests)
                    return .requests
                }
                if state.isStopping { return .stopped }
                state.isAsleep = true
                return nil
            }
            if let found { return found }
            guard let deadline else {
                wake.wait()
                continue
            }
            if wake.wait(timeout: deadline) == .timedOut {
                let isUndisturbed = state.withLockedValue { state in
                    defer { state.isAsleep = false }
                    return state.isAsleep
                }
                if isUndisturbed { return .timeout }
                // Somebody woke the thread in this very moment; that signal must not be left for later.
                wake.wait()
            }
        }
    }

    func answered(_ count: Int) { state.withLockedValue { $0.backlog -= count } }

    func finish() { finished.leave() }
}
