import NIOCore

/// A completion that is called on its loop, once, and let go of there: what it holds is confined to that loop, and must not
/// be released by another thread that happens to have the last reference.
struct LoopCompletion<Value: Sendable>: Sendable {
    private let completion: NIOLoopBoundBox<((Value) -> Void)?>
    private let loop: any EventLoop

    /// To be made on the loop.
    init(on loop: any EventLoop, _ completion: @escaping (Value) -> Void) {
        self.loop = loop
        self.completion = NIOLoopBoundBox(completion, eventLoop: loop)
    }

    /// On any thread.
    func callAsFunction(_ value: Value) {
        loop.execute {
            let call = completion.value
            completion.value = nil
            call?(value)
        }
    }
}
