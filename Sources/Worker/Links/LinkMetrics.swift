import Telemetry

/// What goes over the bus. Confined to the core loop.
final class LinkMetrics {
    private var events = Counter()
    private var lost = Counter()

    func eventSent() { events.add() }

    func linkLost() { lost.add() }

    /// - Parameters:
    ///   - links: of front doors' loops that have said what they hold.
    ///   - held: messages that wait until somebody can serve them.
    func report(links: Int, held: Int, to report: inout MetricsReport) {
        report.gauge("gateway_worker_links", "Links of front doors' loops.", links)
        report.gauge("gateway_worker_held_messages", "Messages that wait until the worker serves.", held)
        report.counter("gateway_worker_events_sent_total", "Events sent to front doors.", events)
        report.counter("gateway_worker_links_lost_total", "Links of front doors that were given up.", lost)
    }
}
