import NIOConcurrencyHelpers
import UnixSignals

/// SIGHUP: what was read or opened at the start is read or opened again. Whoever has such a thing says so here; without
/// anybody the signal does nothing, where it would end the process otherwise.
public final class Reload: Sendable {
    private let actions = NIOLockedValueBox<[@Sendable () -> Void]>([])

    public init() {}

    /// - Parameter action: called for each SIGHUP, in the order of these calls, on a thread of no loop's. It must be short.
    public func whenAsked(_ action: @escaping @Sendable () -> Void) { actions.withLockedValue { $0.append(action) } }

    /// As if a SIGHUP had come.
    public func ask() { for action in actions.withLockedValue({ $0 }) { action() } }

    /// Heeds the signal until cancelled.
    public func run() async { for await _ in await UnixSignalsSequence(trapping: .sighup) { ask() } }
}
