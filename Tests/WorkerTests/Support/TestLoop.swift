import Dispatch
import Foundation
import NIOCore
import NIOEmbedded
import Registry

/// An event loop driven by hand, on the test's own thread: nothing runs before ``run()``, and time passes only by
/// ``advance(by:)``. Other threads (the registry's) may hand it tasks; they wait for the next turn.
final class TestLoop: EventLoop, @unchecked Sendable {
    private let embedded = EmbeddedEventLoop()
    private let thread = pthread_self()
    private let lock = NSLock()
    private var inbox: [@Sendable () -> Void] = []

    var inEventLoop: Bool { pthread_equal(pthread_self(), thread) != 0 }
    var now: NIODeadline { embedded.now }

    func execute(_ task: @escaping @Sendable () -> Void) {
        if inEventLoop { return embedded.execute(task) }
        lock.withLock { inbox.append(task) }
    }

    func submit<T>(_ task: @escaping @Sendable () throws -> T) -> EventLoopFuture<T> { embedded.submit(task) }

    @discardableResult
    func scheduleTask<T>(deadline: NIODeadline, _ task: @escaping @Sendable () throws -> T) -> Scheduled<T> {
        embedded.scheduleTask(deadline: deadline, task)
    }

    @discardableResult
    func scheduleTask<T>(in delay: TimeAmount, _ task: @escaping @Sendable () throws -> T) -> Scheduled<T> {
        embedded.scheduleTask(in: delay, task)
    }

    func shutdownGracefully(queue: DispatchQueue, _ callback: @escaping @Sendable ((any Error)?) -> Void) {
        embedded.shutdownGracefully(queue: queue, callback)
    }

    /// Runs what is due.
    ///
    /// - Returns: how many tasks other threads had handed over.
    @discardableResult
    func run() -> Int {
        let tasks = lock.withLock {
            defer { inbox = [] }
            return inbox
        }
        for task in tasks { task() }
        embedded.run()
        return tasks.count
    }

    func advance(by amount: TimeAmount) { embedded.advanceTime(by: amount) }

    /// Everything that is scheduled is dropped.
    func end() { shutdownGracefully(queue: DispatchQueue(label: "end")) { _ in } }
}

extension RegistryThread {
    /// Waits until everything submitted before has been answered.
    func barrier() { read { _ in } }

    /// What `operation` reads, behind everything submitted before.
    @discardableResult
    func read<Value: Sendable>(
        _ operation: @escaping @Sendable (any RegistryStore) throws(RegistryError) -> Value
    ) -> Result<Value, RegistryError> {
        let outcome = Handover<Result<Value, RegistryError>>()
        submit(.write, operation) { outcome.give($0) }
        return outcome.take()
    }
}

/// Something that one thread waits for and another one brings.
private final class Handover<Value>: @unchecked Sendable {
    private let condition = NSCondition()
    private var value: Value?

    func give(_ value: Value) {
        condition.withLock {
            self.value = value
            condition.signal()
        }
    }

    func take() -> Value {
        condition.withLock {
            while true {
                if let value { return value }
                condition.wait()
            }
        }
    }
}
