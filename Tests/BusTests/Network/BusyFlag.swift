import Glibc
import Synchronization

/// Keeps a loop busy until the test has seen what it wants to see.
final class BusyFlag: Sendable {
    private let isSet = Atomic(false)

    func set() { isSet.store(true, ordering: .releasing) }

    func wait() {
        while !isSet.load(ordering: .acquiring) { sched_yield() }
    }
}
