import Glibc

/// A command as a child process that dies with this one, however that dies.
struct WatchedChild {
    let process: pid_t

    /// Why it cannot be started, in words.
    struct Failure: Error { let reason: String }

    /// - Parameters:
    ///   - command: what to run, looked up in PATH, and its arguments.
    ///   - environment: adds to and wins over this process's; nil takes a variable away.
    static func start(_ command: [String], environment changes: [String: String?]) throws(Failure) -> WatchedChild {
        var environment = Self.environment()
        for (name, value) in changes { environment[name] = value }
        // Only the thread that starts a process can ask for its death with this one, and only before it is what it is to
        // be: setpriv(1) does that, and becomes the command.
        let arguments = ["setpriv", "--pdeathsig", "KILL", "--"] + command
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // A group of its own: Ctrl-C in a terminal is for us, who pass it on once.
        posix_spawnattr_setpgroup(&attributes, 0)
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK))

        var process = pid_t()
        let error = withCStrings(arguments) { arguments in
            withCStrings(environment.map { "\($0.key)=\($0.value)" }) { environment in
                posix_spawnp(&process, "setpriv", nil, &attributes, arguments, environment)
            }
        }
        guard error == 0 else { throw Failure(reason: "setpriv: \(String(cString: strerror(error)))") }
        return WatchedChild(process: process)
    }

    /// - Returns: the status it ended with as shells have it, 128 and the signal's number for a violent end; nil while it
    ///   runs.
    func ended() -> Int32? {
        var status: Int32 = 0
        guard waitpid(process, &status, WNOHANG) == process else { return nil }
        let signal = status & 0x7F
        return signal == 0 ? (status >> 8) & 0xFF : 128 + signal
    }

    private static func environment() -> [String: String] {
        var found: [String: String] = [:]
        var entry = environ
        while let text = entry.pointee {
            let parts = String(cString: text).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 { found[String(parts[0])] = String(parts[1]) }
            entry += 1
        }
        return found
    }
}

private func withCStrings<Value>(
    _ texts: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Value
) -> Value {
    let copies = texts.map { strdup($0) }
    defer { for copy in copies { free(copy) } }
    return body(copies + [nil])
}
