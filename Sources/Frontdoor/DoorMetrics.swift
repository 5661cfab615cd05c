import Registry
import Telemetry

/// All that a door's loop counts. Confined to that loop.
final class DoorMetrics {
    let clients = ClientMetrics()
    let requests = RequestMetrics()
    let links = LinkMetrics()
    let registry = RegistryMetrics()
}

extension DoorLoop {
    /// What a scrape is told of this loop.
    var report: MetricsReport {
        var report = MetricsReport()
        report.gauge("gateway_frontdoor_connections", "Clients that are connected.", connections.count)
        report.gauge(
            "gateway_frontdoor_unanswered_requests", "Requests that wait for a worker.", unanswered)
        reportPhones(to: &report)
        metrics.clients.report(to: &report)
        metrics.requests.report(to: &report)
        metrics.links.report(links.values.filter { !$0.isClosed }, to: &report)
        metrics.registry.report("frontdoor", to: &report)
        lag.report("frontdoor", to: &report)
        return report
    }

    /// Whether a client that comes to this loop is let in.
    var readiness: Readiness {
        if isDraining { return .notReady("draining") }
        if letsIn { return .ready("ready") }
        return .notReady(hasServed ? "no serving worker" : "starting")
    }
}
