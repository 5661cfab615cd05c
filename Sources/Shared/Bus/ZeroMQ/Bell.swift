import Glibc

/// Wakes a thread that waits for descriptors.
struct Bell: Sendable {
    /// Readable once the bell was rung.
    let descriptor: Int32
    private let rope: Int32

    init() throws(BusError) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw .system(operation: "pipe", path: "", code: errno) }
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        (descriptor, rope) = (ends[0], ends[1])
    }

    /// A full pipe is as good: its reader is about to wake.
    func ring() {
        var byte: UInt8 = 0
        _ = write(rope, &byte, 1)
    }

    func silence() {
        var bytes: (UInt64, UInt64) = (0, 0)
        while read(descriptor, &bytes, 16) > 0 {}
    }

    func close() {
        Glibc.close(descriptor)
        Glibc.close(rope)
    }
}
