import Identity
import JSONText

/// What a worker answers: the body of an `answer` on the bus. The request is named in the envelope.
public enum WorkerAnswer: Equatable, Sendable {
    case ack
    /// In words for the client.
    case error(String)
    /// The session it is about does not exist, or not any more. Only the front door knows what the client calls it.
    case unknownSession
    /// The room lives elsewhere: ask there. With the answering slot itself: the room is nobody's, and that slot takes no new
    /// ones.
    case notOwner(SlotID)

    public var encoded: [UInt8] {
        var json = JSONWriter()
        json.object { json in
            switch self {
            case .ack: json.member("answer", "ack")
            case .error(let text):
                json.member("answer", "error")
                json.member("error", text)
            case .unknownSession: json.member("answer", "unknown-session")
            case .notOwner(let slot):
                json.member("answer", "not-owner")
                json.member("slot", slot.description)
            }
        }
        return json.bytes
    }

    public static func decode(_ body: [UInt8]) throws(ProtocolError) -> WorkerAnswer {
        let fields = try InteriorFields(body)
        switch try fields.string("answer") {
        case "ack": return .ack
        case "error": return .error(try fields.string("error"))
        case "unknown-session": return .unknownSession
        case "not-owner":
            guard let slot = SlotID(try fields.string("slot")) else { throw ProtocolError("slot: malformed") }
            return .notOwner(slot)
        case let unknown: throw ProtocolError("unknown answer \(unknown.excerpt)", isUnknown: true)
        }
    }
}
