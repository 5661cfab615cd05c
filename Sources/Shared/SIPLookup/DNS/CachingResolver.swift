import NIOCore

/// Asks what it does not know, one question only once at a time, and answers in time. Confined to its loop.
public final class CachingResolver: DNSResolver {
    /// How long a question waits for its answer (protocol page, §7.1). One that comes later is kept all the same.
    public static let questionTime = TimeAmount.seconds(3)

    private struct UnderWay {
        let number: UInt64
        var waiting: [(DNSAnswer) -> Void]
        let timer: Scheduled<Void>
    }

    private let resolver: any DNSResolver
    private let loop: any EventLoop
    private let metrics: ProxyLookupMetrics
    private var cache = DNSCache()
    private var underWay: [DNSQuestion: UnderWay] = [:]
    private var asked: UInt64 = 0
    private var isStopped = false

    /// - Parameter resolver: stopped together with this.
    public init(_ resolver: any DNSResolver, loop: any EventLoop, metrics: ProxyLookupMetrics) {
        self.resolver = resolver
        self.loop = loop
        self.metrics = metrics
    }

    public func resolve(_ question: DNSQuestion, completion: @escaping (DNSAnswer) -> Void) {
        guard !isStopped else { return completion(.failed(.stopped)) }
        if let known = cache.answer(to: question, at: loop.now) {
            metrics.asked(.cached)
            return completion(known)
        }
        guard underWay[question] == nil else {
            metrics.asked(.joined)
            underWay[question]?.waiting.append(completion)
            return
        }
        metrics.asked(.asked)
        asked += 1
        let number = asked
        let bound = NIOLoopBound(self, eventLoop: loop)
        let timer = loop.scheduleTask(in: Self.questionTime) {
            bound.value.answer(question, number, .failed(.timedOut))
        }
        underWay[question] = UnderWay(number: number, waiting: [completion], timer: timer)
        resolver.resolve(question) { [weak self] answer in
            guard let self else { return }
            cache.store(answer, to: question, at: loop.now)
            self.answer(question, number, answer)
        }
    }

    private func answer(_ question: DNSQuestion, _ number: UInt64, _ answer: DNSAnswer) {
        // Its time may be over, and another have taken its place.
        guard let ended = underWay[question], ended.number == number else { return }
        underWay[question] = nil
        ended.timer.cancel()
        metrics.answered(answer)
        for completion in ended.waiting { completion(answer) }
    }

    public func stop() {
        guard !isStopped else { return }
        isStopped = true
        for (question, ended) in underWay { answer(question, ended.number, .failed(.stopped)) }
        resolver.stop()
    }
}
