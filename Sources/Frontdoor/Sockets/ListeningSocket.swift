import Glibc
import NIOCore

/// Why there is no socket to listen on, in words for the operator.
struct ListeningProblem: Error, Equatable {
    let text: String

    init(_ text: String) { self.text = text }

    /// - Parameter code: an `errno`.
    init(_ subject: String, code: Int32) { text = "\(subject): \(String(cString: strerror(code)))" }
}

/// A TCP socket that listens, by its descriptor. Processes may share it: each connection goes to whoever accepts it first,
/// and what nobody has accepted yet stays when one of them closes its descriptor.
struct ListeningSocket: Equatable, Sendable {
    /// Connections that wait to be accepted.
    static let backlog: Int32 = 1024

    let descriptor: Int32

    /// A new one.
    static func bind(to address: ListenAddress) throws(ListeningProblem) -> ListeningSocket {
        let socket = try bound(to: address, options: [SO_REUSEADDR])
        guard listen(socket.descriptor, backlog) == 0 else {
            let code = errno
            socket.close()
            throw ListeningProblem("\(address)", code: code)
        }
        return socket
    }

    /// A new one beside those that other processes of this user have made in the same way at the same address (SO_REUSEPORT,
    /// socket(7)): each gets a share of the clients. This one gets none before it is prepared, but nobody else can have the
    /// address from now on.
    static func join(_ address: ListenAddress) throws(ListeningProblem) -> ListeningSocket {
        // With SO_REUSEADDR it could be taken until somebody listens.
        try bound(to: address, options: [SO_REUSEPORT])
    }

    private static func bound(to address: ListenAddress, options: [Int32]) throws(ListeningProblem) -> ListeningSocket {
        let resolved: SocketAddress
        do {
            resolved = try SocketAddress.makeAddressResolvingHost(address.host, port: address.port)
        } catch {
            throw ListeningProblem("\(address): \(error)")
        }
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let descriptor = socket(Int32(resolved.protocol.rawValue), type, 0)
        guard descriptor >= 0 else { throw ListeningProblem("\(address)", code: errno) }
        var yes: Int32 = 1
        let length = socklen_t(MemoryLayout<Int32>.size)
        let isBound = resolved.withSockAddr { pointer, size in
            options.allSatisfy { setsockopt(descriptor, SOL_SOCKET, $0, &yes, length) == 0 }
                && Glibc.bind(descriptor, pointer, socklen_t(size)) == 0
        }
        guard isBound else {
            let code = errno
            Glibc.close(descriptor)
            throw ListeningProblem("\(address)", code: code)
        }
        return ListeningSocket(descriptor: descriptor)
    }

    /// One that another process has made.
    static func given(_ descriptor: Int32) throws(ListeningProblem) -> ListeningSocket {
        let socket = ListeningSocket(descriptor: descriptor)
        let isTCP = [AF_INET, AF_INET6].contains(socket.option(SO_DOMAIN))
        guard isTCP, socket.option(SO_TYPE) == Int32(SOCK_STREAM.rawValue), socket.option(SO_ACCEPTCONN) == 1 else {
            throw ListeningProblem("descriptor \(descriptor) is not a listening TCP socket")
        }
        guard fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0 else {
            throw ListeningProblem("descriptor \(descriptor)", code: errno)
        }
        return socket
    }

    /// Another descriptor of the same socket, to be closed by itself.
    func duplicate() throws(ListeningProblem) -> ListeningSocket {
        let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0 else { throw ListeningProblem("descriptor \(descriptor)", code: errno) }
        return ListeningSocket(descriptor: copy)
    }

    /// Who shares the socket may be faster: nobody waits in accepting. And however short the queue was, it is ours now.
    func prepare() throws(ListeningProblem) {
        let flags = fcntl(descriptor, F_GETFL)
        guard flags >= 0, fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) == 0, listen(descriptor, Self.backlog) == 0
        else { throw ListeningProblem("descriptor \(descriptor)", code: errno) }
    }

    /// `host:port`; nil when the system does not know.
    var address: String? {
        var address = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        var port = [CChar](repeating: 0, count: Int(NI_MAXSERV))
        let isKnown = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                getsockname(descriptor, $0, &length) == 0
                    && getnameinfo(
                        $0, length, &host, socklen_t(host.count), &port, socklen_t(port.count),
                        NI_NUMERICHOST | NI_NUMERICSERV) == 0
            }
        }
        guard isKnown else { return nil }
        let name = String(decoding: host.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let number = String(decoding: port.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return name.contains(":") ? "[\(name)]:\(number)" : "\(name):\(number)"
    }

    func close() { Glibc.close(descriptor) }

    private func option(_ name: Int32) -> Int32? {
        var value: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        return getsockopt(descriptor, SOL_SOCKET, name, &value, &length) == 0 ? value : nil
    }
}
