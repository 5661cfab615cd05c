import Sylkrtc
import Telemetry

extension ToldRegistration.Stage: MetricLabel {
    public static let label = "state"

    public var text: String {
        switch self {
        case .nothing: "requested"
        case .registering: "registering"
        case .registered: "registered"
        case .failed: "failed"
        }
    }
}

extension DoorLoop {
    func reportPhones(to report: inout MetricsReport) {
        let stages = connections.values.flatMap(\.registrationStages).map { ($0, 1) }
        report.gauge(
            "gateway_frontdoor_registrations", "Accounts' SIP registrations, by what their clients were told.",
            Dictionary(stages, uniquingKeysWith: +))
        report.gauge(
            "gateway_frontdoor_calls", "Calls, from the request or the ringing to the end.",
            connections.values.reduce(0) { $0 + $1.callCount })
    }
}
