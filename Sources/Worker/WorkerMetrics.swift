import Registry
import Telemetry

/// All that the worker's core counts. Confined to its loop.
final class WorkerMetrics {
    let janus = JanusMetrics()
    let requests = RequestMetrics()
    let sessions = SessionMetrics()
    let phones = PhoneMetrics()
    let slot = SlotMetrics()
    let links = LinkMetrics()
    let registry = RegistryMetrics()
}

extension WorkerCore {
    /// What a scrape is told.
    var report: MetricsReport {
        var report = MetricsReport()
        metrics.slot.report(isHeld: row != nil, to: &report)
        report.gauge("gateway_worker_rooms", "Rooms that are open here.", conferences?.roomCount ?? 0)
        report.gauge("gateway_worker_publishers", "Participants.", conferences?.publishers.count ?? 0)
        report.gauge("gateway_worker_feeds", "Subscriptions of participants to others.", conferences?.feeds.count ?? 0)
        metrics.requests.report(to: &report)
        metrics.sessions.report(to: &report)
        let telephony = conferences?.telephony
        let standings = telephony?.registrations.values.map(\.machine.standing) ?? []
        metrics.phones.report(
            registrations: Dictionary(grouping: standings) { $0 }.mapValues(\.count),
            calls: telephony?.calls.count ?? 0,
            waiting: Dictionary(
                uniqueKeysWithValues: RegisterPace.Priority.allCases.map { ($0, telephony?.pace.waiting($0) ?? 0) }),
            to: &report)
        proxies.report(to: &report)
        metrics.janus.report(isUp: janus.gateway != nil, to: &report)
        metrics.links.report(links: links?.count ?? 0, held: links?.heldCount ?? 0, to: &report)
        metrics.registry.report("worker", to: &report)
        lag.report("worker", to: &report)
        return report
    }

    /// Whether front doors are served, or could be at once.
    var readiness: Readiness {
        guard janus.gateway != nil else { return .notReady("no Janus") }
        if conferences != nil, !isMourning { return .ready("ready") }
        return lock == nil ? .ready("standby") : .notReady("starting")
    }
}
