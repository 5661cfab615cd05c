import NIOConcurrencyHelpers
import NIOCore
import NIOPosix

/// What callbacks put in, a test takes out, in order and not later than a deadline.
final class Inbox<Element: Sendable>: Sendable {
    struct Overdue: Error {}

    private struct State {
        var elements: [Element] = []
        var waiting: CheckedContinuation<Element?, Never>?
    }

    private let state = NIOLockedValueBox(State())

    func put(_ element: Element) {
        let waiting = state.withLockedValue { state in
            if state.waiting == nil { state.elements.append(element) }
            return state.waiting.take()
        }
        waiting?.resume(returning: element)
    }

    /// The next element. One test waits at a time.
    func next(within limit: TimeAmount = .seconds(600)) async throws -> Element {
        let deadline = MultiThreadedEventLoopGroup.singleton.next().scheduleTask(in: limit) { [self] in
            state.withLockedValue { state in state.waiting.take() }?.resume(returning: nil)
        }
        defer { deadline.cancel() }
        let element: Element? = await withCheckedContinuation { continuation in
            let element: Element? = state.withLockedValue { state in
                guard state.elements.isEmpty else { return state.elements.removeFirst() }
                state.waiting = continuation
                return nil
            }
            if let element { continuation.resume(returning: element) }
        }
        guard let element else { throw Overdue() }
        return element
    }

    var isEmpty: Bool { state.withLockedValue { state in state.elements.isEmpty } }
}
