import Identity
import SIPLookup
import Telemetry

/// Finds the servers of SIP domains. Confined to the core loop.
protocol ProxyFinding: AnyObject {
    /// - Parameter completion: called once, on the loop.
    func proxies(for uri: SIPURI, completion: @escaping (Result<ProxyTargets, ProxyLookupError>) -> Void)
    /// The server did not answer, or not as one that can be used (RFC 3263 §4.3).
    func failed(_ target: ProxyTarget)
    func report(to report: inout MetricsReport)
}

extension ProxyLookup: ProxyFinding {}
