import Identity
import JSONText
import Logging
import NIOCore
import Telemetry

/// The slot's one Janus session: created, or claimed from a dead predecessor, and kept alive.
///
/// Its id is derived from deployment and slot, so "create it; when it exists, claim it" needs no look-up.
final class JanusSlotSession {
    /// Janus's reclaim time runs from the session's last request, so the last one must never be long ago.
    static let keepaliveInterval = TimeAmount.seconds(5)
    private static let idInUse = 468
    private static let acceptsNone = 472

    enum Origin: Equatable { case created, claimed }

    let id: JanusSessionID
    private let loop: any EventLoop
    private let logger: Logger
    private var keepalive: RepeatedTask?

    /// A keepalive failed although the link is up: the session is gone, or Janus hangs.
    var lost: (JanusError) -> Void = { _ in }

    init(_ id: JanusSessionID, loop: any EventLoop, logger: Logger) {
        self.id = id
        self.loop = loop
        self.logger = logger
    }

    /// Takes possession over `gateway`. `completion` tells how.
    func take(over gateway: JanusGateway, completion: @escaping (Result<Origin, JanusError>) -> Void) {
        gateway.request("create") { [id] json in
            json.member("id", id.rawValue)
        } completion: { [self] result in
            switch result {
            case .success:
                keepAlive(over: gateway)
                completion(.success(.created))
            // Looked at before the id: our session may be there all the same.
            case .failure(let error) where error.code == Self.idInUse || error.code == Self.acceptsNone:
                gateway.request("claim", session: id) { [self] result in
                    switch result {
                    case .success:
                        keepAlive(over: gateway)
                        completion(.success(.claimed))
                    case .failure(let error): completion(.failure(error))
                    }
                }
            case .failure(let error): completion(.failure(error))
            }
        }
    }

    /// Ends the session in Janus with all its handles.
    func destroy(over gateway: JanusGateway, completion: @escaping (Result<JanusReply, JanusError>) -> Void) {
        stop()
        gateway.request("destroy", session: id, completion: completion)
    }

    func stop() {
        keepalive?.cancel()
        keepalive = nil
    }

    private func keepAlive(over gateway: JanusGateway) {
        stop()
        let bound = NIOLoopBound((self, gateway), eventLoop: loop)
        keepalive = loop.scheduleRepeatedTask(
            initialDelay: Self.keepaliveInterval, delay: Self.keepaliveInterval
        ) { _ in
            let (session, gateway) = bound.value
            gateway.request("keepalive", session: session.id) { result in
                guard case .failure(let error) = result, gateway.isOpen else { return }
                session.logger.warning("keepalive failed", metadata: .keyed([.error: error.reason]))
                if error.saysAlreadyGone || error == .timedOut { session.lost(error) }
            }
        }
    }
}
