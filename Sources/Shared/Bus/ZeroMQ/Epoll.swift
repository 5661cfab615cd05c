import Glibc

/// The kernel's edge-triggered watch over descriptors, epoll(7).
///
/// Swift's module of the C library leaves `<sys/epoll.h>` out; the functions are there all the same and are looked up by
/// name. Everything about that is in this file.
struct Epoll: Sendable {
    private typealias Create = @convention(c) (Int32) -> Int32
    private typealias Control = @convention(c) (Int32, Int32, Int32, UnsafeMutableRawPointer?) -> Int32
    private typealias Wait = @convention(c) (Int32, UnsafeMutableRawPointer, Int32, Int32) -> Int32

    /// `struct epoll_event`: 32 bits of events and 64 bits of data, packed on x86-64 and nowhere else.
    private enum Event {
        #if arch(x86_64)
            static let size = 12
            static let dataOffset = 4
        #else
            static let size = 16
            static let dataOffset = 8
        #endif
        static let readable: UInt32 = 0x1
        static let edgeTriggered: UInt32 = 1 << 31
    }

    private static let add: Int32 = 1
    private static let remove: Int32 = 2
    private static let closeOnExec: Int32 = 0o2000000

    private let descriptor: Int32
    private let control: Control
    private let wait: Wait

    init() throws(BusError) {
        guard let create = dlsym(nil, "epoll_create1"), let control = dlsym(nil, "epoll_ctl"),
            let wait = dlsym(nil, "epoll_wait")
        else { throw .system(operation: "dlsym", path: "epoll", code: ENOSYS) }
        self.control = unsafeBitCast(control, to: Control.self)
        self.wait = unsafeBitCast(wait, to: Wait.self)
        descriptor = unsafeBitCast(create, to: Create.self)(Self.closeOnExec)
        guard descriptor >= 0 else { throw .system(operation: "epoll_create1", path: "", code: errno) }
    }

    /// From now on ``wait(atMost:milliseconds:_:)`` reports `token` once per edge; also when there is input already.
    func watch(_ watched: Int32, token: UInt64) throws(BusError) {
        let code = withUnsafeTemporaryAllocation(byteCount: Event.size, alignment: 8) { event in
            event.storeBytes(of: Event.readable | Event.edgeTriggered, as: UInt32.self)
            event.storeBytes(of: token, toByteOffset: Event.dataOffset, as: UInt64.self)
            return control(descriptor, Self.add, watched, event.baseAddress) == 0 ? 0 : errno
        }
        guard code == 0 else { throw .system(operation: "epoll_ctl", path: "", code: code) }
    }

    func forget(_ watched: Int32) { _ = control(descriptor, Self.remove, watched, nil) }

    /// Waits for edges.
    ///
    /// - Parameters:
    ///   - milliseconds: the longest wait; -1 is for ever.
    ///   - report: called with each token. It may be none: the time is over, or a signal came.
    func wait(atMost count: Int, milliseconds: Int32, _ report: (UInt64) -> Void) {
        withUnsafeTemporaryAllocation(byteCount: Event.size * count, alignment: 8) { events in
            guard let base = events.baseAddress else { return }
            let ready = wait(descriptor, base, Int32(count), milliseconds)
            for index in 0..<Int(max(ready, 0)) {
                report(events.loadUnaligned(fromByteOffset: index * Event.size + Event.dataOffset, as: UInt64.self))
            }
        }
    }

    func close() { Glibc.close(descriptor) }
}
