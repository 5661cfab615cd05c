import NIOCore

/// The registry as an event loop sees it: submitting never blocks, and results return on the loop.
public struct LoopRegistry: Sendable {
    private let thread: RegistryThread
    private let loop: any EventLoop
    private let metrics: NIOLoopBound<RegistryMetrics>?

    /// - Parameter metrics: of this loop; to be made on it, then.
    public init(_ thread: RegistryThread, loop: any EventLoop, metrics: RegistryMetrics? = nil) {
        self.thread = thread
        self.loop = loop
        self.metrics = metrics.map { NIOLoopBound($0, eventLoop: loop) }
    }

    /// As ``RegistryThread/submit(_:_:completion:)``; to be called on the loop, where `then` is called later.
    public func submit<Value: Sendable>(
        _ access: RegistryAccess = .write,
        _ operation: @escaping @Sendable (any RegistryStore) throws(RegistryError) -> Value,
        then: @escaping (Result<Value, RegistryError>) -> Void
    ) {
        let began = loop.now
        let completion = LoopCompletion(on: loop) { [loop, metrics] (result: Result<Value, RegistryError>) in
            metrics?.value.answered(result, after: loop.now - began)
            then(result)
        }
        thread.submit(access, operation) { completion($0) }
    }
}
