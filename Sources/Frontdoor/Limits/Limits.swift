import NIOCore
import Settings
import Sylkrtc

/// `[Limits]`: what a client may ask of a front door (D07; protocol page, section 9).
struct Limits: Equatable, Sendable {
    static let legalUnansweredRequests = 1...1024

    /// Bytes of one message, however many frames it comes in: 1024 to 524288, so that it fits into one of the bus. Beyond:
    /// closed, 1009.
    var messageSize = 256 << 10
    /// Accounts of a connection, 1 to 10000. Beyond: `error`.
    var accounts = 16
    /// Sessions of a connection, feeds included, 1 to 10000. Beyond: `error`.
    var sessions = 128
    /// Candidates, and invitees, of a request, 1 to 10000 each. Beyond: `error`.
    var elements = ElementLimits()
    /// Requests of a connection, 1 to 1024. With so many it is not read.
    var unansweredRequests = 64
    /// Bytes of them: 65536 to 64 MiB. With so many it is not read.
    var unansweredBytes = 1 << 20
    /// From accepting a socket to the answer to its request, TLS included: 1 to 3600 s. Beyond: closed.
    var handshakeTime = TimeAmount.seconds(5)
    /// For a client to answer a close: 1 to 3600 s. Beyond: closed.
    var closingTime = TimeAmount.seconds(1)
    /// Bytes that wait for a client that does not read: 65536 to 1 GiB. Beyond: aborted.
    var unsentBytes = 1 << 20
    /// For a client to read at all: 1 to 3600 s. Beyond: aborted.
    var unwritableTime = TimeAmount.seconds(10)
    /// From a request to its answer: 1 to 3600 s. Beyond: `error`.
    var requestTime = TimeAmount.seconds(30)
    /// Sockets of all clients together, 0 to 1000000; 0: as many as there are descriptors for. Beyond: closed at once.
    var connections = 0
    /// WebSockets of one client address, 0 to 1000000; 0: any number. Beyond: 429.
    var connectionsPerAddress = 1000
    /// Sockets of one address that are not WebSockets yet, 0 to 1000000; 0: any number. Beyond: closed at once.
    var handshakesPerAddress = 128

    init() {}

    init(_ reader: inout SettingsReader) {
        func integer(_ key: String, _ fallback: Int, _ range: ClosedRange<Int>) -> Int {
            reader.integer("Limits", key, default: fallback, in: range)
        }
        func seconds(_ key: String, _ fallback: TimeAmount) -> TimeAmount {
            .seconds(Int64(integer(key, Int(fallback.nanoseconds / 1_000_000_000), 1...3600)))
        }
        messageSize = integer("message_size", messageSize, 1024...(512 << 10))
        accounts = integer("accounts", accounts, 1...10_000)
        sessions = integer("sessions", sessions, 1...10_000)
        elements.candidates = integer("candidates", elements.candidates, ElementLimits.legal)
        elements.invitees = integer("invitees", elements.invitees, ElementLimits.legal)
        unansweredRequests = integer("unanswered_requests", unansweredRequests, Self.legalUnansweredRequests)
        unansweredBytes = integer("unanswered_bytes", unansweredBytes, (64 << 10)...(64 << 20))
        handshakeTime = seconds("handshake_time", handshakeTime)
        closingTime = seconds("closing_time", closingTime)
        unsentBytes = integer("unsent_bytes", unsentBytes, (64 << 10)...(1 << 30))
        unwritableTime = seconds("unwritable_time", unwritableTime)
        requestTime = seconds("request_time", requestTime)
        connections = integer("connections", connections, 0...1_000_000)
        connectionsPerAddress = integer("connections_per_address", connectionsPerAddress, 0...1_000_000)
        handshakesPerAddress = integer("handshakes_per_address", handshakesPerAddress, 0...1_000_000)
    }

    /// What may be written ahead of a client before it counts as not writable.
    var waterMark: ChannelOptions.Types.WriteBufferWaterMark {
        let high = min(256 << 10, unsentBytes)
        return .init(low: high / 4, high: high)
    }
}
