import Telemetry

/// What a link to a worker's slot is good for.
enum LinkState: Int, MetricLabel, Hashable {
    /// No worker has said hello, or not for too long.
    case down
    /// The worker is there, its Janus is not.
    case withoutJanus
    case serving

    static let label = "state"

    init(_ link: WorkerLink) { self = link.isServing ? .serving : link.status == nil ? .down : .withoutJanus }
}

/// The bus as one loop sees it. Confined to that loop.
final class LinkMetrics {
    private var lost = Counter()
    private var refused = Counter()

    func linkLost() { lost.add() }

    func sendRefused() { refused.add() }

    /// - Parameter links: that are not given up for good.
    func report(_ links: [WorkerLink], to report: inout MetricsReport) {
        let states = Dictionary(links.map { (LinkState($0), 1) }, uniquingKeysWith: +)
        report.gauge("gateway_frontdoor_links", "Links to workers' slots, one for each loop and slot.", states)
        report.gauge(
            "gateway_frontdoor_bus_unacknowledged_messages",
            "Messages on their way to workers that these have not said to have taken.",
            links.reduce(0) { $0 + $1.unacknowledged })
        report.counter("gateway_frontdoor_links_lost_total", "Links to workers that were lost.", lost)
        report.counter(
            "gateway_frontdoor_bus_sends_refused_total", "Messages that a full link did not take.", refused)
    }
}
