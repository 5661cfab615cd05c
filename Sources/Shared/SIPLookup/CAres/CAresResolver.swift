import NIOCore

/// Asks name servers, with c-ares on a thread of its own. Answers come back on the loop, which never waits.
public final class CAresResolver: DNSResolver {
    /// Beyond, questions fail at once.
    public static let maximumUnderWay = 4096

    private let loop: any EventLoop
    private let thread: CAresThread
    private var underWay = 0

    /// - Parameters:
    ///   - servers: in the order in which they are asked; empty: those of `/etc/resolv.conf`, also when it changes.
    ///   - loop: the one that asks and is answered.
    public init(_ servers: [NameServer], loop: any EventLoop) throws(DNSSetupError) {
        self.loop = loop
        thread = try CAresThread(servers)
    }

    public func resolve(_ question: DNSQuestion, completion: @escaping (DNSAnswer) -> Void) {
        guard underWay < Self.maximumUnderWay else { return completion(.failed(.overloaded)) }
        underWay += 1
        let bound = NIOLoopBound((self, completion), eventLoop: loop)
        thread.ask(question) { [loop] answer in
            loop.execute {
                bound.value.0.underWay -= 1
                bound.value.1(answer)
            }
        }
    }

    /// Waits for the thread, which ends at once. What was under way is answered on the loop, afterwards.
    public func stop() { thread.stop() }

    deinit { thread.stop() }
}
