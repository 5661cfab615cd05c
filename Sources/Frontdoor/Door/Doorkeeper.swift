import Identity
import Logging
import NIOCore
import NIOHTTP1
import Telemetry

/// Decides whether the request that came over one socket makes it a WebSocket, once, and knows whose it is.
final class Doorkeeper {
    private let door: DoorLoop
    private let gate: Gate
    private let visit: Visit
    private let logger: Logger
    private var verdict: Handshake?
    private(set) var client: ClientOrigin?

    init(_ door: DoorLoop, gate: Gate, visit: Visit, logger: Logger) {
        self.door = door
        self.gate = gate
        self.visit = visit
        self.logger = logger
    }

    /// - Parameter peer: the other end of the socket.
    func judge(_ head: HTTPRequestHead, from peer: SocketAddress?) -> Handshake {
        if let verdict { return verdict }
        client = origin(head.headers, peer)
        var verdict = door.handshake(head)
        if case .accepted = verdict, let limit = visit.connect(client?.address) {
            gate.hits.hit(limit, by: self.metadata)
            verdict = .refused(.tooManyRequests, headers: ["Retry-After": "60"])
        }
        if case .refused(let status, _) = verdict {
            door.metrics.clients.refused(status)
            note(status)
        }
        self.verdict = verdict
        return verdict
    }

    private func origin(_ headers: HTTPHeaders, _ peer: SocketAddress?) -> ClientOrigin? {
        guard let address = IPAddress(peer) else { return nil }
        let own = ClientOrigin(address: address, port: UInt16(clamping: peer?.port ?? 0))
        switch gate.proxies.account(of: headers, from: address) {
        case .peer: return own
        case .forwarded(let hop): return ClientOrigin(address: hop.address, port: hop.port ?? own.port)
        case .malformed:
            logger.debug("proxy not understood", metadata: own.metadata)
            return own
        }
    }

    private var metadata: Logger.Metadata { client?.metadata ?? [:] }

    private func note(_ status: HTTPResponseStatus) {
        guard let stopped = door.refusals.passes(at: door.loop.now) else { return }
        let reason = Logger.Metadata.keyed([
            .reason: "\(status.code) \(status.reasonPhrase)", .suppressed: "\(stopped)",
        ])
        logger.info("handshake refused", metadata: reason.merging(metadata) { own, _ in own })
    }
}
