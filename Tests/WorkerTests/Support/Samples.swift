import Identity
import JSONText
import Logging
import Sylkrtc

@testable import Worker

/// Values that stand for themselves in tests. What is malformed here is a mistake in the tests.
func sample<Value>(_ value: Value?, _ what: String = #function) -> Value {
    guard let value else { preconditionFailure("a sample is malformed: \(what)") }
    return value
}

let silentLogger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

let deployment = sample(DeploymentID("main"))
let slot = sample(SlotID("host1/1"))

/// A loop of the front door that most tests speak as.
let frontdoor = frontdoorLoop(1)

func frontdoorLoop(_ number: Int, incarnation: UInt64 = 100, loop: UInt16 = 0) -> FrontdoorLoopID {
    FrontdoorLoopID(
        frontdoor: sample(FrontdoorID(number)), incarnation: Incarnation(rawValue: incarnation), loop: loop)
}

func connection(_ number: UInt64, of owner: FrontdoorLoopID = frontdoor) -> ConnectionID {
    ConnectionID(owner: owner, number: number)
}

func session(_ number: UInt64, request: UInt64 = 1) -> SessionID {
    SessionID(connection: connection(number), request: sequence(request))
}

func sequence(_ number: UInt64) -> RequestSequence { RequestSequence(rawValue: number) }

func client(_ name: String) -> ClientSessionID { sample(ClientSessionID(name)) }

func account(_ address: String) -> AddressOfRecord { sample(AddressOfRecord(address)) }

func address(_ sent: String) -> SentAddress { sample(SentAddress(sent)) }

func room(_ address: String) -> RoomURI { sample(RoomURI(address)) }

func sdp(_ text: String) -> SessionDescription { SessionDescription(RawJSON(string: text)) }

func candidate(_ text: String) -> Candidate {
    Candidate(candidate: RawJSON(string: text), lineIndex: 0, mid: RawJSON(string: "audio"))
}

func someone(_ name: String) -> Publisher {
    Publisher(
        id: PublisherID(rawValue: name.utf8.reduce(7) { ($0 &* 31 &+ UInt64($1)) & 0xFFFF_FFFF }),
        session: client(name), account: account("\(name)@example.com"), displayName: name)
}

func handle(_ number: UInt64) -> JanusHandleID { JanusHandleID(rawValue: number) }

func publisher(_ number: UInt64) -> PublisherID { PublisherID(rawValue: number) }

func json(_ text: String) throws -> JSONValue { try JSONDocument(Array(text.utf8)).root }
