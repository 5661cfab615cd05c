import Identity
import Telemetry

/// Writes down what one client says and is told (`trace_client`; protocol page, section 8.4).
struct ClientTrace {
    private let writer: TraceWriter
    private let peer: String

    init(_ writer: TraceWriter, _ connection: ConnectionID, peer: String) {
        self.writer = writer
        self.peer = "client at \(peer) connection \(connection)"
    }

    func received(_ text: [UInt8]) { writer.record(.incoming, peer, text) }

    func sent(_ text: [UInt8]) { writer.record(.outgoing, peer, text) }
}
