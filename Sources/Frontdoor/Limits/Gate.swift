import Glibc
import Identity
import Logging
import NIOConcurrencyHelpers
import Telemetry

/// Who may come in, counted across all loops: when a socket is accepted, when it becomes a WebSocket, and when it closes.
final class Gate: Sendable {
    let hits: LimitHits
    let proxies: TrustedProxies
    private let census: NIOLockedValueBox<AddressCensus>

    /// - Parameter descriptors: how many clients' sockets there may be at the most.
    init(_ limits: Limits, descriptors: Int, proxies: TrustedProxies, hits: LimitHits) {
        self.hits = hits
        self.proxies = proxies
        let sockets = limits.connections == 0 ? descriptors : min(limits.connections, descriptors)
        census = NIOLockedValueBox(
            AddressCensus(
                handshakes: limits.handshakesPerAddress, connections: limits.connectionsPerAddress, sockets: sockets))
    }

    /// A client was accepted. Whoever comes through a trusted proxy is told apart only when he says what he wants.
    ///
    /// - Parameter peer: the other end of the socket.
    /// - Returns: nil: the socket is to be closed.
    func admit(_ peer: IPAddress) -> Visit? {
        let counted = proxies.contains(peer) ? nil : peer
        if let limit = census.withLockedValue({ $0.came(counted) }) {
            hits.hit(limit, by: .keyed([.peer: "\(peer)"]))
            return nil
        }
        return Visit(self, handshakeOf: counted)
    }

    func withCensus<Value>(_ body: (inout AddressCensus) -> Value) -> Value { census.withLockedValue { body(&$0) } }
}

/// One socket's place in the census, given back exactly once, whatever becomes of the socket.
final class Visit: Sendable {
    private enum Stage {
        /// Nil: an address that is not counted yet. Goes on to `connected`, or ends.
        case handshake(IPAddress?)
        /// A WebSocket. Ends.
        case connected(IPAddress?)
        case ended
    }

    private let gate: Gate
    private let stage: NIOLockedValueBox<Stage>

    init(_ gate: Gate, handshakeOf address: IPAddress?) {
        self.gate = gate
        stage = NIOLockedValueBox(.handshake(address))
    }

    /// It becomes a WebSocket.
    ///
    /// - Parameter client: nil: unknown, and not counted.
    /// - Returns: the limit that forbids it.
    func connect(_ client: IPAddress?) -> LimitKind? {
        stage.withLockedValue { stage in
            guard case .handshake(let address) = stage else { return nil }
            let limit = gate.withCensus { census -> LimitKind? in
                if let client, let limit = census.connected(client) { return limit }
                if let address { census.handshakeEnded(address) }
                return nil
            }
            if limit == nil { stage = .connected(client) }
            return limit
        }
    }

    /// The socket is closed.
    func end() {
        stage.withLockedValue { stage in
            gate.withCensus { census in
                switch stage {
                case .handshake(let address):
                    if let address { census.handshakeEnded(address) }
                    census.left()
                case .connected(let address):
                    if let address { census.disconnected(address) }
                    census.left()
                case .ended: break
                }
            }
            stage = .ended
        }
    }
}
