import Glibc

/// Signals as bytes in a socket, which can be waited for together with other things. There is one for the process, because
/// a signal handler is told nothing but a number.
enum SignalPipe {
    // Written once, before any handler is in place.
    nonisolated(unsafe) private static var writing: Int32 = -1

    /// - Returns: the end to read from; one byte for each signal.
    static func open(for signals: [Int32]) -> Int32? {
        var ends: [Int32] = [-1, -1]
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else { return nil }
        writing = ends[1]
        for number in signals {
            var action = sigaction()
            action.__sigaction_handler.sa_handler = { number in
                let interrupted = errno
                var byte = UInt8(truncatingIfNeeded: number)
                // A full buffer has enough to wake anybody.
                _ = write(SignalPipe.writing, &byte, 1)
                errno = interrupted
            }
            action.sa_flags = SA_RESTART | Int32(SA_NOCLDSTOP)
            guard sigaction(number, &action, nil) == 0 else { return nil }
        }
        return ends[0]
    }
}
