import NIOHTTP1
import Telemetry

/// What became of a handshake (``Handshake``).
enum HandshakeOutcome: Int, MetricLabel, Equatable {
    case accepted, badRequest, originDenied, noSubprotocol, upgradeRequired, notServing
    /// Refused for another reason.
    case refused

    static let label = "outcome"

    /// Of a refusal.
    init(_ status: HTTPResponseStatus) {
        self =
            switch status.code {
            // The status that explains an origin is one of our own.
            case 400: status == .badRequest ? .badRequest : .originDenied
            case 406: .noSubprotocol
            case 426: .upgradeRequired
            case 503: .notServing
            default: .refused
            }
    }
}

/// Messages that nobody can be told of.
enum IgnoredMessage: Int, MetricLabel {
    case binary
    /// No JSON, no object, no transaction.
    case unanswerable

    static let label = "reason"
}

/// Who comes, and what goes over the sockets. Confined to the door's loop.
final class ClientMetrics {
    private var connections = Counter()
    private var handshakes = CounterRow<HandshakeOutcome>()
    private var ignored = CounterRow<IgnoredMessage>()
    private var messagesIn = Counter()
    private var messagesOut = Counter()
    private var bytesIn = Counter()
    private var bytesOut = Counter()

    func connected() {
        connections.add()
        handshakes.add(.accepted)
    }

    func refused(_ status: HTTPResponseStatus) { handshakes.add(HandshakeOutcome(status)) }

    func ignored(_ message: IgnoredMessage) { ignored.add(message) }

    func received(_ bytes: Int) {
        messagesIn.add()
        bytesIn.add(bytes)
    }

    func sent(_ bytes: Int) {
        messagesOut.add()
        bytesOut.add(bytes)
    }

    func report(to report: inout MetricsReport) {
        report.counter("gateway_frontdoor_connections_total", "Clients that were connected.", connections)
        report.counter("gateway_frontdoor_handshakes_total", "Opening handshakes of clients.", handshakes)
        report.counter("gateway_frontdoor_ignored_messages_total", "Messages that nobody can be told of.", ignored)
        report.counter("gateway_frontdoor_received_messages_total", "Text messages from clients.", messagesIn)
        report.counter("gateway_frontdoor_received_bytes_total", "Bytes of text messages from clients.", bytesIn)
        report.counter("gateway_frontdoor_sent_messages_total", "Text messages to clients.", messagesOut)
        report.counter("gateway_frontdoor_sent_bytes_total", "Bytes of text messages to clients.", bytesOut)
    }
}
