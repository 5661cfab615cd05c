import NIOCore

/// When a registration that its registrar has refused is tried again: after 30 s, twice as long after each failure up to 300 s,
/// and up to a fifth more, so that a registrar that comes back does not meet everybody at once.
struct RegistrationRetry {
    private var timer: Scheduled<Void>?

    /// - Parameter failures: how often it has failed in a row; at least 1.
    mutating func start(failures: Int, on loop: any EventLoop, _ due: @escaping () -> Void) {
        let delay = min(30_000 << min(failures - 1, 4), 300_000)
        let bound = NIOLoopBound(due, eventLoop: loop)
        timer = loop.scheduleTask(in: .milliseconds(Int64(delay + Int.random(in: 0...delay / 5)))) { bound.value() }
    }

    func stop() { timer?.cancel() }
}
