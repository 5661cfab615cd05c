import Foundation
import Logging
import Telemetry

/// Runs a command and kills it when its beats are overdue: the supervisor's half of ``Heart``, for hosts without systemd.
/// SIGKILL reaches stopped processes, too.
struct Watchdog {
    /// Passed on to the command.
    static let forwarded = [SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGCONT]

    let command: [String]
    /// In milliseconds.
    let limit: UInt64
    /// A file that holds the child's process id while that is ready; nil: nobody wants to know.
    let readyFile: String?
    let logger: Logger

    /// Blocks until the command has ended. Its thread must last as long as the child, which dies with it.
    ///
    /// - Returns: the command's status, 128 and the signal's number for a violent end.
    func run() throws(WatchedChild.Failure) -> Int32 {
        guard let signals = SignalPipe.open(for: Self.forwarded + [SIGCHLD]), let beats = BeatListener() else {
            throw WatchedChild.Failure(reason: String(cString: strerror(errno)))
        }
        removeReadyFile()
        defer { removeReadyFile() }
        let child = try WatchedChild.start(
            command,
            environment: [
                "NOTIFY_SOCKET": beats.name, "WATCHDOG_USEC": String(limit * 1000), "WATCHDOG_PID": nil,
            ])
        var machine = WatchdogStateMachine(limit: limit * 1_000_000)
        while true {
            wait(for: [signals, beats.descriptor], until: machine.deadline)
            forward(from: signals, to: child)
            if let status = child.ended() { return status }
            // What has come is heard first: it may be this process that was late.
            let notices = beats.heard(from: child.process)
            if notices.contains(.alive) { machine.beaten(at: Self.now()) }
            if notices.contains(.stopping) {
                removeReadyFile()
            } else if notices.contains(.ready) {
                writeReadyFile(child)
            }
            switch machine.timerFired(at: Self.now()) {
            case .none: break
            case .kill:
                logger.critical(
                    "no beat for too long: killed",
                    metadata: .keyed([.process: "\(child.process)", .value: "\(limit) ms"]))
                kill(child.process, SIGKILL)
            }
        }
    }

    private func writeReadyFile(_ child: WatchedChild) {
        guard let readyFile else { return }
        do {
            try "\(child.process)\n".write(toFile: readyFile, atomically: true, encoding: .ascii)
        } catch {
            logger.warning("nobody is told that it is ready", metadata: .keyed([.path: readyFile, .error: "\(error)"]))
        }
    }

    private func removeReadyFile() {
        // That it is not there is what is wanted.
        if let readyFile { unlink(readyFile) }
    }

    private func forward(from signals: Int32, to child: WatchedChild) {
        var numbers = [UInt8](repeating: 0, count: 64)
        let count = read(signals, &numbers, numbers.count)
        for number in numbers.prefix(max(count, 0)) where Int32(number) != SIGCHLD {
            kill(child.process, Int32(number))
        }
    }

    /// Returns early for no reason, too.
    private func wait(for descriptors: [Int32], until deadline: UInt64?) {
        var polls = descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        var timeout: Int32 = -1
        if let deadline {
            let now = Self.now()
            timeout = deadline > now ? Int32(clamping: (deadline - now) / 1_000_000 + 1) : 0
        }
        poll(&polls, nfds_t(polls.count), timeout)
    }

    /// Nanoseconds. It stands still while the host sleeps, as the child does.
    private static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
