import CUnixSocket
import Foundation
import NIOConcurrencyHelpers

/// Accepts clients, on a thread of its own. (NIO's server channel takes it that nobody else accepts from its socket: one
/// that is woken for nothing, because another process was faster, is an assertion that fails.)
final class Acceptor: Sendable {
    private let sockets: [ListeningSocket]
    /// The end of a pipe whose closing wakes the thread for the last time; nil: closed.
    private let rope: NIOLockedValueBox<Int32?>
    private let ended: AsyncStream<Never>

    /// - Parameters:
    ///   - sockets: closed at the end.
    ///   - leavesNobody: who waits at the end is still accepted, because nobody shares the sockets.
    ///   - accepted: called on the thread with each client's number, from 0, and descriptor, which is the callee's.
    ///   - failed: called on the thread with the `errno` when nobody can be accepted for now.
    init(
        _ sockets: [ListeningSocket], leavesNobody: Bool = false, accepted: @escaping @Sendable (Int, Int32) -> Void,
        failed: @escaping @Sendable (Int32) -> Void = { _ in }
    ) throws(ListeningProblem) {
        for socket in sockets { try socket.prepare() }
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw ListeningProblem("pipe", code: errno) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        self.sockets = sockets
        rope = NIOLockedValueBox(ends[1])
        let (ended, end) = AsyncStream.makeStream(of: Never.self)
        self.ended = ended
        let bell = ends[0]
        let thread = Thread {
            let count = Self.run(sockets, bell: bell, accepted, failed)
            if leavesNobody { Self.acceptThoseWhoWait(sockets, from: count, accepted) }
            for socket in sockets { socket.close() }
            close(bell)
            end.finish()
        }
        thread.name = "acceptor"
        thread.start()
    }

    /// Returns when nobody is accepted any more. Who waits to be accepted stays with those who share the sockets, if they are
    /// shared.
    func stop() async {
        let rope = rope.withLockedValue { rope in
            defer { rope = nil }
            return rope
        }
        if let rope { close(rope) }
        for await _ in ended {}
    }

    /// - Returns: how many have been accepted.
    private static func run(
        _ sockets: [ListeningSocket], bell: Int32, _ accepted: (Int, Int32) -> Void, _ failed: (Int32) -> Void
    ) -> Int {
        var waiting = ([bell] + sockets.map(\.descriptor)).map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        var count = 0
        while true {
            guard poll(&waiting, nfds_t(waiting.count), -1) > 0 else { continue }
            if waiting[0].revents != 0 { return count }
            for socket in waiting.dropFirst() where socket.revents != 0 {
                let client = continuo_accept(socket.fd)
                if client >= 0 {
                    accepted(count, client)
                    count &+= 1
                } else if ![EAGAIN, EINTR, ECONNABORTED].contains(errno) {
                    // There are too many descriptors, or there is no memory: that may pass, but not at once.
                    failed(errno)
                    var end = pollfd(fd: bell, events: Int16(POLLIN), revents: 0)
                    poll(&end, 1, 100)
                }
            }
        }
    }

    /// As many as may wait, so that this ends.
    private static func acceptThoseWhoWait(
        _ sockets: [ListeningSocket], from first: Int, _ accepted: (Int, Int32) -> Void
    ) {
        var count = first
        for socket in sockets {
            for _ in 0..<ListeningSocket.backlog {
                let client = continuo_accept(socket.descriptor)
                guard client >= 0 else { break }
                accepted(count, client)
                count &+= 1
            }
        }
    }
}
