import Foundation

/// Whoever started this process and wants to hear of it: systemd, or `Worker watch`. The protocol is that of
/// sd_notify(3): a datagram of `KEY=VALUE` to the Unix socket in `NOTIFY_SOCKET`.
public final class Supervisor: Sendable {
    public enum Notice: String, Sendable {
        /// It serves, or stands by to serve.
        case ready = "READY=1"
        /// Its core loop still turns.
        case alive = "WATCHDOG=1"
        /// It was asked to end, and does so.
        case stopping = "STOPPING=1"
    }

    /// A notice that did not leave, in words for a log.
    public struct Failure: Error, Equatable, Sendable {
        public let reason: String

        public init(reason: String) { self.reason = reason }
    }

    /// The time after which silence means that this process hangs, in microseconds; nil: it is not watched.
    public let watchdog: UInt64?
    private let descriptor: Int32
    private let address: UnixAddress

    /// - Parameters:
    ///   - environment: `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID` are looked at.
    ///   - process: this process's id. A watchdog that names another one is not ours: we inherited its variables.
    /// - Returns: nil when nobody wants to hear, or the address cannot be used.
    public init?(environment: [String: String], process: Int32 = getpid()) {
        guard let address = environment["NOTIFY_SOCKET"].flatMap({ UnixAddress($0) }) else { return nil }
        // Never waits: a supervisor that does not read must not hold the core loop up.
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        self.address = address
        self.descriptor = descriptor
        let isMeant = environment["WATCHDOG_PID"].map { $0 == String(process) } ?? true
        watchdog = isMeant ? environment["WATCHDOG_USEC"].flatMap { UInt64($0) }.flatMap { $0 > 0 ? $0 : nil } : nil
    }

    deinit { close(descriptor) }

    public func tell(_ notice: Notice) throws(Failure) {
        let text = Array(notice.rawValue.utf8)
        let sent = address.withSocketAddress { address, length in
            sendto(descriptor, text, text.count, Int32(MSG_NOSIGNAL), address, length)
        }
        guard sent == text.count else { throw Failure(reason: String(cString: strerror(errno))) }
    }
}
