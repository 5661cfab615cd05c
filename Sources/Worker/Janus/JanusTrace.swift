import Telemetry

/// Writes down what is said to Janus's API and what it says (`trace_janus`; protocol page, section 8.4).
struct JanusTrace {
    private let writer: TraceWriter
    private let peer: String

    init(_ writer: TraceWriter, _ address: JanusAddress) {
        self.writer = writer
        peer = "janus at \(address)"
    }

    func received(_ text: [UInt8]) { writer.record(.incoming, peer, text) }

    func sent(_ text: [UInt8]) { writer.record(.outgoing, peer, text) }
}
