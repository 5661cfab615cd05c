import Identity
import NIOCore
import SIPLookup
import Telemetry

@testable import Worker

/// Every domain's server is the first of these; it is found on the next turn of the loop.
final class ScriptedProxies: ProxyFinding {
    private let loop: any EventLoop
    var targets = [target(1)]
    /// What is answered instead.
    var failure: ProxyLookupError?
    private(set) var asked: [String] = []
    private(set) var avoided: [ProxyTarget] = []

    init(_ loop: any EventLoop) { self.loop = loop }

    func proxies(for uri: SIPURI, completion: @escaping (Result<ProxyTargets, ProxyLookupError>) -> Void) {
        asked.append("\(uri.user ?? "")@\(uri.host)")
        let result =
            failure.map { Result<ProxyTargets, ProxyLookupError>.failure($0) } ?? .success(ProxyTargets(targets))
        let bound = NIOLoopBound(completion, eventLoop: loop)
        loop.execute { bound.value(result) }
    }

    func failed(_ target: ProxyTarget) { avoided.append(target) }

    func report(to report: inout MetricsReport) {}
}
