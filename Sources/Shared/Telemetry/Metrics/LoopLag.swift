import NIOCore

/// How late a loop is for what it has to do: a timer that should fire at a certain instant fires later by as long as others
/// kept the loop. Confined to the loop.
public final class LoopLag {
    public static let interval = TimeAmount.milliseconds(250)

    private var lag = Histogram(.latencies)
    private var due = NIODeadline.uptimeNanoseconds(0)
    private var timer: Scheduled<Void>?
    private let loop: any EventLoop

    public init(on loop: any EventLoop) { self.loop = loop }

    public func start() {
        due = loop.now + Self.interval
        let bound = NIOLoopBound(self, eventLoop: loop)
        timer = loop.scheduleTask(deadline: due) { bound.value.fired() }
    }

    public func stop() {
        timer?.cancel()
        timer = nil
    }

    private func fired() {
        lag.observe(loop.now - due)
        start()
    }

    public func report(_ process: String, to report: inout MetricsReport) {
        report.histogram(
            "gateway_\(process)_loop_lag_seconds",
            "How late timers of an event loop fired, looked at four times a second.",
            lag)
    }
}
