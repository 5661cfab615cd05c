import NIOCore
import NIOPosix

@testable import SIPLookup

/// c-ares on a real loop, for the length of a test.
struct LiveResolver: Sendable {
    let group: MultiThreadedEventLoopGroup
    let loop: any EventLoop
    private let resolver: NIOLoopBound<CAresResolver>

    /// Everything is stopped when `body` is done.
    static func run(
        asking servers: [NameServer], on group: MultiThreadedEventLoopGroup, _ body: (LiveResolver) throws -> Void
    ) throws {
        let loop = group.next()
        let bound = try loop.submit { NIOLoopBound(try CAresResolver(servers, loop: loop), eventLoop: loop) }.wait()
        let live = LiveResolver(group: group, loop: loop, resolver: bound)
        defer { live.stop() }
        try body(live)
    }

    func ask(_ question: DNSQuestion) throws -> DNSAnswer { try begin(question).wait() }

    func begin(_ question: DNSQuestion) -> EventLoopFuture<DNSAnswer> {
        let promise = loop.makePromise(of: DNSAnswer.self)
        loop.execute { [resolver, loop] in
            resolver.value.resolve(question) { answer in
                loop.preconditionInEventLoop()
                promise.succeed(answer)
            }
        }
        return promise.futureResult
    }

    /// What is under way is answered; returns when the thread has ended.
    func stop() {
        do {
            try loop.submit { [resolver] in resolver.value.stop() }.wait()
        } catch {
            preconditionFailure("the loop has ended too early: \(error)")
        }
    }
}

/// A loop group for the length of `body`.
func withLoops(_ body: (MultiThreadedEventLoopGroup) throws -> Void) throws {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
    do {
        try body(group)
    } catch {
        try group.syncShutdownGracefully()
        throw error
    }
    try group.syncShutdownGracefully()
}
