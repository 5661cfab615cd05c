import NIOCore

/// The registry as an event loop sees it: submitting never blocks, and results return on the loop.
public struct LoopRegistry: Sendable {
    private let thread: RegistryThread
    private let loop: any EventLoop

    public init(_ thread: RegistryThread, loop: any EventLoop) {
        self.thread = thread
        self.loop = loop
    }

    /// As ``RegistryThread/submit(_:_:completion:)``; to be called on the loop, where `then` is called later.
    public func submit<Value: Sendable>(
        _ access: RegistryAccess = .write,
        _ operation: @escaping @Sendable (any RegistryStore) throws(RegistryError) -> Value,
        then: @escaping (Result<Value, RegistryError>) -> Void
    ) {
        let bound = NIOLoopBound(then, eventLoop: loop)
        thread.submit(access, operation) { [loop] result in
            loop.execute { bound.value(result) }
        }
    }
}
