import Identity
import JSONText
import Logging
import Sylkrtc

// Names short enough to read in a line. What is malformed here is a mistake in the test.

let alice = "alice@example.org"
let bob = "bob@example.org"
let room = "room@conference.example.org"

func slot(_ number: Int) -> SlotID { valid(SlotID("host1/\(number)"), "slot") }

func account(_ text: String) -> AddressOfRecord { valid(AddressOfRecord(text), "address") }

func sent(_ text: String) -> SentAddress { valid(SentAddress(text), "address") }

func roomURI(_ text: String = room) -> RoomURI { valid(RoomURI(text), "room") }

func client(_ text: String) -> ClientSessionID { valid(ClientSessionID(text), "session") }

func sdp(_ text: String) -> SessionDescription { SessionDescription(RawJSON(string: text)) }

func request(_ number: UInt64) -> RequestSequence { RequestSequence(rawValue: number) }

func publisher(_ session: String, _ address: String = bob, _ name: String = "Bob") -> Publisher {
    Publisher(id: publisherID(session), session: client(session), account: account(address), displayName: name)
}

/// A number of its own for every name.
func publisherID(_ session: String) -> PublisherID {
    PublisherID(rawValue: session.utf8.reduce(7) { ($0 &* 31 &+ UInt64($1)) & 0xFFFF_FFFF })
}

func valid<Value>(_ value: Value?, _ what: String) -> Value {
    guard let value else { preconditionFailure("not a \(what)") }
    return value
}

extension FrontdoorLoopID {
    static let test = FrontdoorLoopID(
        frontdoor: valid(FrontdoorID(1), "front door"), incarnation: Incarnation(rawValue: 100), loop: 0)
}

extension ConnectionID {
    static let test = ConnectionID(owner: .test, number: 1)
}

extension SessionID {
    static func test(_ number: UInt64) -> SessionID {
        SessionID(connection: .test, request: RequestSequence(rawValue: number))
    }
}

extension Logger {
    static var silent: Logger { Logger(label: "frontdoor") { _ in SwiftLogNoOpLogHandler() } }
}
