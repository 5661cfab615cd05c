import Identity
import JSONText

/// What a worker tells of a conference session: the body of an `event` on the bus. The base session is named in the
/// envelope, feeds by the request that created them; the front door knows what the client calls them.
public enum WorkerEvent: Equatable, Sendable {
    case state(ConferenceState)
    case initialPublishers([Publisher])
    case publishersJoined([Publisher])
    case publishersLeft([ClientSessionID])
    /// Who is prominent in the room, by whose word (nil: the gateway's), and which change of that room it is (E13).
    case roomConfigured(version: Int64, originator: ClientSessionID?, activeParticipants: [ClientSessionID])
    case feedOffered(feed: RequestSequence, offer: SessionDescription)
    case feedEstablished(feed: RequestSequence)
    /// The feed is over without the client having asked; no dialect tells the client so.
    case feedEnded(feed: RequestSequence)

    public var encoded: [UInt8] {
        var json = JSONWriter()
        json.object { json in
            switch self {
            case .state(.progress): json.member("event", "progress")
            case .state(.accepted(let answer)):
                json.member("event", "accepted")
                json.member("sdp", answer.text)
            case .state(.established): json.member("event", "established")
            case .state(.terminated(let reason)):
                json.member("event", "terminated")
                if let reason { json.member("reason", reason) }
            case .initialPublishers(let publishers):
                json.member("event", "initial-publishers")
                Self.write(publishers, to: &json)
            case .publishersJoined(let publishers):
                json.member("event", "publishers-joined")
                Self.write(publishers, to: &json)
            case .publishersLeft(let sessions):
                json.member("event", "publishers-left")
                Self.write(sessions, as: "publishers", to: &json)
            case .roomConfigured(let version, let originator, let activeParticipants):
                json.member("event", "room-configured")
                json.member("version", version)
                if let originator { json.member("originator", originator.description) }
                Self.write(activeParticipants, as: "active", to: &json)
            case .feedOffered(let feed, let offer):
                json.member("event", "feed-offered")
                json.member("feed", feed.rawValue)
                json.member("sdp", offer.text)
            case .feedEstablished(let feed):
                json.member("event", "feed-established")
                json.member("feed", feed.rawValue)
            case .feedEnded(let feed):
                json.member("event", "feed-ended")
                json.member("feed", feed.rawValue)
            }
        }
        return json.bytes
    }

    public static func decode(_ body: [UInt8]) throws(ProtocolError) -> WorkerEvent {
        let fields = try InteriorFields(body)
        switch try fields.string("event") {
        case "progress": return .state(.progress)
        case "accepted": return .state(.accepted(answer: try fields.description("sdp")))
        case "established": return .state(.established)
        case "terminated": return .state(.terminated(reason: try fields.optional("reason", \.string)))
        case "initial-publishers": return .initialPublishers(try publishers(fields))
        case "publishers-joined": return .publishersJoined(try publishers(fields))
        case "publishers-left": return .publishersLeft(try sessions(fields, "publishers"))
        case "room-configured": return try roomConfigured(fields)
        case "feed-offered":
            return .feedOffered(feed: try fields.sequence("feed"), offer: try fields.description("sdp"))
        case "feed-established": return .feedEstablished(feed: try fields.sequence("feed"))
        case "feed-ended": return .feedEnded(feed: try fields.sequence("feed"))
        case let unknown: throw ProtocolError("unknown event \(unknown.excerpt)", isUnknown: true)
        }
    }

    private static func write(_ publishers: [Publisher], to json: inout JSONWriter) {
        json.array("publishers") { json in
            for publisher in publishers {
                json.object { json in
                    json.member("id", publisher.session.description)
                    json.member("publisher", publisher.id.rawValue)
                    json.member("account", publisher.account.description)
                    json.member("display_name", publisher.displayName)
                }
            }
        }
    }

    private static func write(_ sessions: [ClientSessionID], as name: StaticString, to json: inout JSONWriter) {
        json.array(name) { json in
            for session in sessions { json.value(session.description) }
        }
    }

    private static func roomConfigured(_ fields: InteriorFields) throws(ProtocolError) -> WorkerEvent {
        guard let version = fields.object["version"]?.integer(Int64.self) else {
            throw ProtocolError("version: missing")
        }
        return .roomConfigured(
            version: version,
            originator: try fields.optional("originator") { $0.string.flatMap(ClientSessionID.init) },
            activeParticipants: try sessions(fields, "active"))
    }

    private static func sessions(
        _ fields: InteriorFields, _ name: StaticString
    ) throws(ProtocolError) -> [ClientSessionID] {
        guard let elements = fields.object[name]?.elements else { throw ProtocolError("\(name): missing") }
        var sessions: [ClientSessionID] = []
        for element in elements {
            guard let session = element.string.flatMap(ClientSessionID.init) else {
                throw ProtocolError("\(name): malformed")
            }
            sessions.append(session)
        }
        return sessions
    }

    private static func publishers(_ fields: InteriorFields) throws(ProtocolError) -> [Publisher] {
        guard let elements = fields.object["publishers"]?.elements else { throw ProtocolError("publishers: missing") }
        var publishers: [Publisher] = []
        for element in elements {
            guard let session = element["id"]?.string.flatMap(ClientSessionID.init),
                let account = element["account"]?.string.flatMap(AddressOfRecord.init),
                let displayName = element["display_name"]?.string,
                let id = element["publisher"]?.integer(UInt64.self)
            else { throw ProtocolError("publishers: malformed") }
            publishers.append(
                Publisher(
                    id: PublisherID(rawValue: id), session: session, account: account, displayName: displayName))
        }
        return publishers
    }
}
