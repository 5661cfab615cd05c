import Identity
import Logging
import NIOCore
import Telemetry

/// Finds the servers that SIP requests are to be sent to (protocol page, §7.1; RFC 3263). Confined to its loop.
public final class ProxyLookup {
    public struct Settings: Equatable, Sendable {
        /// Where everything goes; nil: where the destination's domain says.
        public var outboundProxy: OutboundProxy?
        /// That Janus can use, in the order in which they are tried where a domain has no preference. At least one.
        public var transports: [SIPTransport]
        /// Of the addresses that are asked for, in the order in which they are tried. At least one.
        public var families: [AddressFamily]
        /// For a lookup in all.
        public var time: TimeAmount

        public init(
            outboundProxy: OutboundProxy? = nil, transports: [SIPTransport] = [.udp, .tcp],
            families: [AddressFamily] = [.version4], time: TimeAmount = .seconds(15)
        ) {
            self.outboundProxy = outboundProxy
            self.transports = transports
            self.families = families
            self.time = time
        }
    }

    public typealias Completion = (Result<ProxyTargets, ProxyLookupError>) -> Void

    /// Beyond, lookups fail at once.
    public static let maximumUnderWay = 4096

    private final class Lookup {
        var machine: ProxyLookupStateMachine
        let destination: ProxyDestination
        let began: NIODeadline
        let completion: Completion
        var timer: Scheduled<Void>?

        init(
            _ machine: ProxyLookupStateMachine, _ destination: ProxyDestination, began: NIODeadline,
            completion: @escaping Completion
        ) {
            self.machine = machine
            self.destination = destination
            self.began = began
            self.completion = completion
        }
    }

    private let settings: Settings
    private let resolver: any DNSResolver
    private let loop: any EventLoop
    private let metrics: ProxyLookupMetrics
    private let logger: Logger
    private var random: any RandomNumberGenerator
    private var underWay: [UInt64: Lookup] = [:]
    private var lookups: UInt64 = 0
    private var avoided = AvoidedTargets()
    private var isStopped = false

    /// - Parameters:
    ///   - resolver: stopped together with this; its answers are taken as they are, so it should keep them.
    ///   - random: draws among equal servers.
    public init(
        _ settings: Settings, resolver: any DNSResolver, loop: any EventLoop,
        random: any RandomNumberGenerator = SystemRandomNumberGenerator(), metrics: ProxyLookupMetrics, logger: Logger
    ) {
        self.settings = settings
        self.resolver = resolver
        self.loop = loop
        self.random = random
        self.metrics = metrics
        self.logger = logger
    }

    /// With c-ares and a cache.
    ///
    /// - Parameter servers: empty: those of `/etc/resolv.conf`.
    /// - Throws: when the system has no thread or descriptor left.
    public static func withDNS(
        _ settings: Settings, servers: [NameServer], loop: any EventLoop, logger: Logger
    ) throws(DNSSetupError) -> ProxyLookup {
        let metrics = ProxyLookupMetrics()
        let resolver = CachingResolver(try CAresResolver(servers, loop: loop), loop: loop, metrics: metrics)
        return ProxyLookup(settings, resolver: resolver, loop: loop, metrics: metrics, logger: logger)
    }

    // MARK: Asking

    /// - Parameters:
    ///   - uri: the account of a registration, the destination of a call. An outbound proxy takes its place.
    ///   - completion: called on the loop, once, never before this returns.
    public func proxies(for uri: SIPURI, completion: @escaping Completion) {
        let destination = settings.outboundProxy.map { ProxyDestination($0) } ?? ProxyDestination(uri)
        let machine = ProxyLookupStateMachine(
            destination, transports: settings.transports, families: settings.families)
        let lookup = Lookup(machine, destination, began: loop.now, completion: completion)
        guard !isStopped else { return answer(lookup, .failure(.stopped)) }
        guard underWay.count < Self.maximumUnderWay else { return answer(lookup, .failure(.overloaded)) }
        lookups += 1
        let number = lookups
        underWay[number] = lookup
        let bound = NIOLoopBound(self, eventLoop: loop)
        lookup.timer = loop.scheduleTask(in: settings.time) {
            guard let lookup = bound.value.underWay[number] else { return }
            bound.value.perform(number, lookup.machine.deadlinePassed())
        }
        perform(number, lookup.machine.started())
    }

    /// A server did not answer, or not as one that can be used (RFC 3263 §4.3): for 30 s it comes after all others.
    public func failed(_ target: ProxyTarget) {
        metrics.targetFailed()
        avoided.failed(target, at: loop.now)
        logger.info("a SIP proxy has failed and is avoided", metadata: .keyed([.proxy: "\(target)"]))
    }

    /// Ends what is under way and the thread behind it. More than once is fine.
    public func stop() {
        guard !isStopped else { return }
        isStopped = true
        for (number, lookup) in underWay { finish(number, lookup, .failure(.stopped)) }
        resolver.stop()
    }

    // MARK: Acting

    private func perform(_ number: UInt64, _ action: ProxyLookupStateMachine.Action) {
        guard let lookup = underWay[number] else { return }
        switch action {
        case .await: break
        case .ask(let questions):
            for question in questions {
                resolver.resolve(question) { [weak self] answer in
                    guard let self, let lookup = underWay[number] else { return }
                    perform(number, lookup.machine.answered(question, answer))
                }
            }
        case .finish(.success(let routes)):
            let targets = routes.ordered(settings.families, using: &random)
            finish(number, lookup, .success(avoided.ordered(targets, at: loop.now)))
        case .finish(.failure(let error)): finish(number, lookup, .failure(error))
        }
    }

    private func finish(_ number: UInt64, _ lookup: Lookup, _ result: Result<[ProxyTarget], ProxyLookupError>) {
        underWay[number] = nil
        lookup.timer?.cancel()
        answer(lookup, result)
    }

    private func answer(_ lookup: Lookup, _ result: Result<[ProxyTarget], ProxyLookupError>) {
        metrics.ended(result, after: loop.now - lookup.began)
        switch result {
        case .success(let targets):
            logger.debug(
                "a SIP proxy was found",
                metadata: .keyed([
                    .destination: lookup.destination.text, .proxy: targets.map(\.description).joined(separator: " "),
                ]))
        case .failure(let error):
            logger.debug(
                "no SIP proxy was found",
                metadata: .keyed([.destination: lookup.destination.text, .reason: error.text]))
        }
        let bound = NIOLoopBound(lookup, eventLoop: loop)
        loop.execute { bound.value.completion(result.map { ProxyTargets($0) }) }
    }

    // MARK: Observing

    public func report(to report: inout MetricsReport) {
        metrics.report(avoided: avoided.count(at: loop.now), to: &report)
    }
}
