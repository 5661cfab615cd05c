import Bus
import CUnixSocket
import Foundation
import Identity
import Logging
import NIOConcurrencyHelpers
import Telemetry

/// Where a front door that is to take this one's place asks for the listening sockets. A thread of its own, because
/// descriptors travel only by calls that NIO does not make; one front door at a time is served.
final class HandoverServer: Sendable {
    /// Seconds that a front door has from getting the sockets to accepting on them. Longer than it waits for a worker.
    static let patience = 60

    private let listener: IPCListener
    /// nil: no longer ours to give. Sending them does not block, so it is done under the lock, where none can be closed.
    private let sockets: NIOLockedValueBox<[ListeningSocket]?>
    private let logger: Logger
    private let handedOver: @Sendable () -> Void

    static func path(of frontdoor: FrontdoorID, in busDirectory: String) throws(BusError) -> IPCPath {
        try IPCPath("ipc://\(busDirectory)/frontdoor-\(frontdoor).sock")
    }

    /// - Parameters:
    ///   - sockets: closed by ``stop()``.
    ///   - handedOver: another front door accepts clients now; called on a thread of this object's own.
    init(
        at path: IPCPath, sockets: [ListeningSocket], logger: Logger, handedOver: @escaping @Sendable () -> Void
    ) throws(BusError) {
        listener = try IPCListener.listen(at: path)
        self.sockets = NIOLockedValueBox(sockets)
        self.logger = logger
        self.handedOver = handedOver
        let thread = Thread { [self] in run() }
        thread.name = "handover"
        thread.start()
    }

    /// Nothing is given from now on.
    func stop() {
        sockets.withLockedValue { sockets in
            guard let ours = sockets else { return }
            for socket in ours { socket.close() }
            listener.remove()
            // Wakes the thread, which closes the descriptor as soon as it finds nothing to give.
            shutdown(listener.descriptor, Int32(SHUT_RDWR))
            sockets = nil
        }
    }

    private var isStopped: Bool { sockets.withLockedValue { $0 == nil } }

    private func run() {
        while !isStopped {
            var waiting = pollfd(fd: listener.descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&waiting, 1, -1) > 0 else { continue }
            let connection = accept(listener.descriptor, nil, nil)
            guard connection >= 0 else {
                // Too many descriptors are open, if anything: that passes.
                usleep(100_000)
                continue
            }
            do throws(ListeningProblem) {
                try serve(connection)
            } catch {
                logger.warning("not handed over", metadata: .keyed([.error: error.text]))
            }
            close(connection)
        }
        close(listener.descriptor)
    }

    private func serve(_ connection: Int32) throws(ListeningProblem) {
        var user = uid_t.max
        guard continuo_peer_user(connection, &user) == 0, user == geteuid() else {
            throw ListeningProblem("hand-over: asked for by another user")
        }
        let outcome = sockets.withLockedValue { sockets in
            Result { () throws(ListeningProblem) in
                let message = sockets.map { DescriptorMessage.sockets($0) } ?? .nothing
                try message.send(over: connection)
                return message
            }
        }
        guard case .sockets = try outcome.get() else { return }
        var time = timeval(tv_sec: Self.patience, tv_usec: 0)
        setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        let reply = try DescriptorMessage.receive(from: connection)
        // It gives what nobody has asked for.
        if case .sockets(let given) = reply { for socket in given { socket.close() } }
        guard reply == .accepting else {
            throw ListeningProblem("hand-over: the other front door has gone before it accepted clients")
        }
        handedOver()
    }
}
