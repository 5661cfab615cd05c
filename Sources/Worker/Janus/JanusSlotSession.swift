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

    /// Ends the session in Janus with all its handles, when all is done that was asked of telephones: as with a detach, Janus's
    /// SIP plugin stops for two seconds otherwise (``JanusHandle/detach(completion:)``). One question is enough: the messages
    /// of all handles go through one queue there.
    ///
    /// - Parameter patience: how long the plugin's answer is waited for; nil: as long as for any.
    func destroy(
        over gateway: JanusGateway, patience: TimeAmount? = nil,
        completion: @escaping (Result<JanusReply, JanusError>) -> Void
    ) {
        stop()
        var isOver = false
        let last = { [id] in
            guard !isOver else { return }
            isOver = true
            gateway.request("destroy", session: id, completion: completion)
        }
        let bound = NIOLoopBound(last, eventLoop: loop)
        let timer = patience.map { loop.scheduleTask(in: $0) { bound.value() } }
        gateway.request("attach", session: id) { json in
            json.member("plugin", JanusServerInfo.sipPlugin)
        } completion: { [id] result in
            guard case .success(let reply) = result, let handle = reply.identifier else {
                timer?.cancel()
                return last()
            }
            gateway.ask(SIPBody.ask, session: id, handle: JanusHandleID(rawValue: handle)) { _ in
                timer?.cancel()
                last()
            }
        }
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
