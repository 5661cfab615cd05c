import NIOCore
import Telemetry

/// How a registrar's answers are counted.
enum RegistrationOutcome: Int, MetricLabel {
    case registered, failed

    static let label = "outcome"
}

/// What registrations and calls come to. Confined to the core loop.
final class PhoneMetrics {
    private var outcomes = CounterRow<RegistrationOutcome>()
    private var ends = CounterGrid<CallDirection, CallOutcome>()
    private var missed = Counter()
    private var lost = Counter()
    private var turns = HistogramRow<RegisterPaceStateMachine.Priority>(.requests)
    private var refusedTurns = Counter()

    func registered() { outcomes.add(.registered) }
    func registrationFailed() { outcomes.add(.failed) }
    /// A registration is over without anybody having asked.
    func registrationLost() { lost.add() }
    /// A call is over; also one that was turned away at once.
    func callEnded(_ direction: CallDirection, _ outcome: CallOutcome) { ends.add(direction, outcome) }
    func missedCall() { missed.add() }
    func turn(_ priority: RegisterPaceStateMachine.Priority, after wait: TimeAmount) { turns.observe(priority, wait) }
    func turnRefused() { refusedTurns.add() }

    /// - Parameters:
    ///   - registrations: of each state.
    ///   - waiting: for a turn to register.
    func report(
        registrations: [RegistrationStateMachine.Standing: Int], calls: Int,
        waiting: [RegisterPaceStateMachine.Priority: Int], to report: inout MetricsReport
    ) {
        report.gauge("gateway_worker_registrations", "SIP registrations.", registrations)
        report.gauge("gateway_worker_calls", "SIP calls that are up, ringing or being set up.", calls)
        report.counter("gateway_worker_calls_ended_total", "SIP calls that are over, by what they came to.", ends)
        report.counter("gateway_worker_registration_outcomes_total", "What registrars have answered.", outcomes)
        report.counter(
            "gateway_worker_registrations_lost_total", "Registrations that ended without anybody having asked.", lost)
        report.counter("gateway_worker_missed_calls_total", "Calls that nobody could take.", missed)
        report.gauge("gateway_worker_register_waiting", "First registers of handles that wait for their turn.", waiting)
        report.histogram(
            "gateway_worker_register_wait_seconds", "How long first registers of handles waited for their turn.", turns)
        report.counter(
            "gateway_worker_register_refused_total", "First registers of handles that got no turn.", refusedTurns)
    }
}
