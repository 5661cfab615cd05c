import NIOCore

/// Whoever brings push messages to devices. Confined to one loop.
protocol PushService: AnyObject {
    /// - Parameters:
    ///   - deadline: the try is over by then, whatever becomes of it.
    ///   - then: called once, on the loop, later.
    func send(_ push: Push, by deadline: NIODeadline, then: @escaping (PushOutcome) -> Void)
}

/// What became of one try.
enum PushOutcome: Equatable, Sendable {
    /// The device is told, or will be.
    case delivered
    /// The service will not have it, and will not have it again.
    case rejected(code: Int, reason: String)
    /// The device is not there any more.
    case deadToken(String)
    /// The service could not.
    case failed(code: Int, reason: String)
    /// The service itself was not reached, or did not answer in time: it may be back soon.
    case unreachable(reason: String)
}
