import NIOCore
import NIOPosix

@testable import Frontdoor

/// A push service that keeps what it is to send, and says what it was told to say. Confined to its loop.
final class ScriptedPushes: PushService {
    private(set) var sent: [Push] = []
    /// By token; the others are delivered.
    var outcomes: [String: PushOutcome] = [:]
    private let loop: any EventLoop

    init(loop: any EventLoop) { self.loop = loop }

    func send(_ push: Push, by deadline: NIODeadline, then: @escaping (PushOutcome) -> Void) {
        sent.append(push)
        let outcome = outcomes[push.token] ?? .delivered
        let bound = NIOLoopBound(then, eventLoop: loop)
        loop.execute { bound.value(outcome) }
    }
}
