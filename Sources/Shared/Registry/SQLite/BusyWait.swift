import Glibc
import NIOConcurrencyHelpers

/// Waiting for somebody else's lock in short tries: a lock is held for some 100 µs, so SQLite's own pauses of up to
/// 100 ms would cost far more than they save.
struct BusyWait {
    private let deadline: ContinuousClock.Instant
    private var pause = 100

    init(atMost limit: Duration) { deadline = .now + limit }

    /// Pauses (100 µs at first, 2 ms at most).
    ///
    /// - Returns: whether to try once more.
    mutating func pauseForRetry() -> Bool {
        guard ContinuousClock.now < deadline else { return false }
        usleep(UInt32(pause))
        pause = min(pause * 2, 2000)
        return true
    }
}

/// The busy handler of one connection.
final class BusyHandler: Sendable {
    private let limit: Duration
    private let wait: NIOLockedValueBox<BusyWait>

    init(atMost limit: Duration) {
        self.limit = limit
        wait = NIOLockedValueBox(BusyWait(atMost: limit))
    }

    /// - Parameter tries: how often this was called for the same lock before.
    func retries(after tries: Int) -> Bool {
        wait.withLockedValue { wait in
            if tries == 0 { wait = BusyWait(atMost: limit) }
            return wait.pauseForRetry()
        }
    }
}
