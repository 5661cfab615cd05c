import Bus
import Glibc

/// The listening sockets of another front door whose place this one takes.
struct TakeOver: Equatable, Sendable {
    /// Seconds for the other one to answer.
    private static let patience = 5

    let sockets: [ListeningSocket]
    private let connection: Int32

    /// Asks the front door behind that socket. Blocks.
    ///
    /// - Returns: nil: there is none, or it does not listen any more.
    static func ask(at path: IPCPath) throws(ListeningProblem) -> TakeOver? {
        do throws(BusError) {
            try path.checkDirectory()
        } catch {
            throw ListeningProblem("\(error)")
        }
        guard let connection = try connect(to: path.path) else { return nil }
        do throws(ListeningProblem) {
            if case .sockets(let sockets) = try DescriptorMessage.receive(from: connection) {
                return TakeOver(sockets: sockets, connection: connection)
            }
        } catch {
            close(connection)
            throw error
        }
        close(connection)
        return nil
    }

    /// Clients are accepted here now: the other one need not any more. Once.
    func accepting() throws(ListeningProblem) {
        defer { close(connection) }
        try DescriptorMessage.accepting.send(over: connection)
    }

    /// The other one goes on as if nothing had been asked.
    func giveUp() {
        for socket in sockets { socket.close() }
        close(connection)
    }

    private static func connect(to path: String) throws(ListeningProblem) -> Int32? {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw ListeningProblem(path, code: errno) }
        var time = timeval(tv_sec: patience, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let isConnected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
            }
        }
        guard !isConnected else { return descriptor }
        let code = errno
        close(descriptor)
        if code == ENOENT || code == ECONNREFUSED { return nil }
        throw ListeningProblem(path, code: code)
    }
}
