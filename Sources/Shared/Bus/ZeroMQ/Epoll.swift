import CZeroMQ
import Glibc

/// The kernel's edge-triggered watch over descriptors, epoll(7).
struct Epoll: Sendable {
    private let descriptor: Int32

    init() throws(BusError) {
        descriptor = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard descriptor >= 0 else { throw .system(operation: "epoll_create1", path: "", code: errno) }
    }

    /// From now on ``wait(atMost:milliseconds:_:)`` reports `token` once per edge; also when there is input already.
    func watch(_ watched: Int32, token: UInt64) throws(BusError) {
        var event = epoll_event(events: EPOLLIN.rawValue | EPOLLET.rawValue, data: epoll_data_t(u64: token))
        guard epoll_ctl(descriptor, EPOLL_CTL_ADD, watched, &event) == 0 else {
            throw .system(operation: "epoll_ctl", path: "", code: errno)
        }
    }

    func forget(_ watched: Int32) { _ = epoll_ctl(descriptor, EPOLL_CTL_DEL, watched, nil) }

    /// Waits for edges.
    ///
    /// - Parameters:
    ///   - milliseconds: the longest wait; -1 is for ever.
    ///   - report: called with each token. It may be none: the time is over, or a signal came.
    func wait(atMost count: Int, milliseconds: Int32, _ report: (UInt64) -> Void) {
        withUnsafeTemporaryAllocation(of: epoll_event.self, capacity: count) { events in
            let ready = epoll_wait(descriptor, events.baseAddress, Int32(count), milliseconds)
            for event in events.prefix(Int(max(ready, 0))) { report(event.data.u64) }
        }
    }

    func close() { Glibc.close(descriptor) }
}
