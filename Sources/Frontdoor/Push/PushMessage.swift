import Identity
import NIOCore

/// What the devices of somebody who is not connected are told (protocol page, section 8.3).
struct PushMessage: Equatable, Sendable {
    enum Event: String, Sendable {
        case incomingSession = "incoming_session"
        case missedSession = "missed_session"
    }

    /// A phone that rings for longer rings for nobody.
    static let ringing = TimeAmount.seconds(60)

    let event: Event
    /// Who calls: an address, or a host.
    let originator: String
    let destination: AddressOfRecord
    /// When we were told of it.
    let told: NIODeadline
    /// The same for all devices and all tries, so that a device that is told twice rings once.
    let callID: String

    /// From then on nobody is told any more: only of an incoming session.
    var expiry: NIODeadline? {
        switch event {
        case .incomingSession: told + Self.ringing
        case .missedSession: nil
        }
    }
}

/// A message for one device.
struct Push: Equatable, Sendable, CustomStringConvertible {
    let message: PushMessage
    /// Secret.
    let token: String

    /// Without the token, so that no log ever has it.
    var description: String { "\(message.event.rawValue) for \(message.destination)" }
}
