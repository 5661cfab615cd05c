import Foundation

/// The listening sockets that a service manager hands to the process it starts (sd_listen_fds(3)).
struct InheritedSockets: Equatable {
    static let first: Int32 = 3
    static let maximum: Int32 = 64
    static let variables = ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PIDFDID"]

    let descriptors: Range<Int32>

    /// - Parameter environment: with variables that name another process it is for that one: we have inherited nothing.
    init(environment: [String: String], process: Int32) throws(ListeningProblem) {
        descriptors = Self.first..<(Self.first + (try Self.count(in: environment, for: process)))
    }

    private static func count(in environment: [String: String], for process: Int32) throws(ListeningProblem) -> Int32 {
        guard let owner = environment["LISTEN_PID"], let text = environment["LISTEN_FDS"] else { return 0 }
        guard let owner = Int32(owner), owner > 0 else { throw ListeningProblem("LISTEN_PID is no process id") }
        guard owner == process else { return 0 }
        guard let count = Int32(text), (0...maximum).contains(count) else {
            throw ListeningProblem("LISTEN_FDS: legal is 0 to \(maximum)")
        }
        return count
    }

    /// Those of this process. Whatever it starts itself inherits neither them nor the variables.
    static func take() throws(ListeningProblem) -> [ListeningSocket] {
        let process = ProcessInfo.processInfo
        let environment = process.environment
        for variable in variables { unsetenv(variable) }
        var sockets: [ListeningSocket] = []
        for descriptor in try InheritedSockets(environment: environment, process: process.processIdentifier).descriptors
        {
            sockets.append(try .given(descriptor))
        }
        return sockets
    }
}
