import Foundation
import Logging

/// The registry's own thread: it makes the store, and is the only one to touch it.
///
/// Operations are queued, run in the order in which they were submitted, and share commits: whatever has come while one
/// commit ran goes into the next. While the store cannot be made they are answered with the reason at once; it is tried
/// again at least every second, so recovery needs no restart.
public final class RegistryThread: Sendable {
    /// How many operations may be unanswered at a time.
    public static let defaultLimit = 65_536

    private let queue: RegistryQueue

    /// - Parameters:
    ///   - label: the thread's name; the kernel shows its first 15 bytes.
    ///   - makeStore: called on the thread, again and again until it succeeds.
    public convenience init(
        label: String, logger: Logger, makeStore: @escaping @Sendable () throws(RegistryError) -> any RegistryStore
    ) {
        self.init(label: label, logger: logger, limit: Self.defaultLimit, makeStore: makeStore)
    }

    init(
        label: String, logger: Logger, limit: Int,
        makeStore: @escaping @Sendable () throws(RegistryError) -> any RegistryStore
    ) {
        let queue = RegistryQueue(limit: limit)
        self.queue = queue
        Thread {
            Thread.current.name = label
            RegistryLoop(queue: queue, logger: logger, makeStore: makeStore).run()
            queue.finish()
        }.start()
    }

    deinit { queue.stop() }

    /// Runs an operation. May be called on any thread, and never blocks it.
    ///
    /// - Parameters:
    ///   - access: ``RegistryAccess/read`` for an operation that only reads: a batch of such needs no writer's lock, and
    ///     is answered although another process holds that.
    ///   - operation: called on the registry's thread. All it does is one atomic whole; when it throws, all of it is
    ///     undone, and the operations beside it are not touched.
    ///   - completion: called once, after the commit, on the registry's thread, in the order of submission; or at once on
    ///     the caller's, with ``RegistryError/unavailable(_:)``, when the queue is full or stopped. It must be short.
    public func submit<Value: Sendable>(
        _ access: RegistryAccess,
        _ operation: @escaping @Sendable (any RegistryStore) throws(RegistryError) -> Value,
        completion: @escaping @Sendable (Result<Value, RegistryError>) -> Void
    ) {
        let request = RegistryRequest(access, operation, completion: completion)
        if let refusal = queue.submit(request) { request.fail(refusal) }
    }

    /// ``submit(_:_:completion:)`` for an operation that writes.
    public func submit<Value: Sendable>(
        _ operation: @escaping @Sendable (any RegistryStore) throws(RegistryError) -> Value,
        completion: @escaping @Sendable (Result<Value, RegistryError>) -> Void
    ) {
        submit(.write, operation, completion: completion)
    }

    /// The same for those who may wait: at start and stop, never on the request path.
    public func perform<Value: Sendable>(
        _ access: RegistryAccess,
        _ operation: @escaping @Sendable (any RegistryStore) throws(RegistryError) -> Value
    ) async throws(RegistryError) -> Value {
        let outcome: Result<Value, RegistryError> = await withCheckedContinuation { continuation in
            submit(access, operation) { continuation.resume(returning: $0) }
        }
        return try outcome.get()
    }

    /// ``perform(_:_:)`` for an operation that writes.
    public func perform<Value: Sendable>(
        _ operation: @escaping @Sendable (any RegistryStore) throws(RegistryError) -> Value
    ) async throws(RegistryError) -> Value {
        try await perform(.write, operation)
    }

    /// Answers everything submitted before, closes the store and waits until the thread has ended. Blocks: never to be
    /// called in an operation or a completion, which would wait for itself. More than once is fine.
    public func stop() {
        queue.stop()
        queue.waitUntilFinished()
    }
}
