import Identity
import JSONText

/// What a worker tells of a session: the body of an `event` on the bus. The session is named in the envelope: of a feed its
/// base session, of a call that comes in its registration. Feeds and calls are named by the request that created them; the
/// front door knows what the client calls them.
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
    /// E02, of a registration.
    case registration(RegistrationState)
    /// The registration is over without anybody having asked: who wants to be registered registers anew.
    case registrationLost
    /// E03, of a registration. The call's number is beyond those of requests (``RequestSequence/isOfIncomingCall``).
    case incomingCall(call: RequestSequence, client: ClientSessionID, caller: Caller, offer: SessionDescription)
    /// E04, of a registration: a call that nobody heard of. It may be told again, on another link or by another worker: it has the
    /// same number then.
    case missedCall(Caller, number: UInt64? = nil)
    /// E06, of a call.
    case call(CallState)

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
            case .registration(.registering): json.member("event", "registering")
            case .registration(.registered): json.member("event", "registered")
            case .registration(.failed(let reason)):
                json.member("event", "registration-failed")
                json.member("reason", reason)
            case .registrationLost: json.member("event", "registration-lost")
            case .incomingCall(let call, let client, let caller, let offer):
                json.member("event", "incoming-call")
                json.member("call", call.rawValue)
                json.member("client", client.description)
                Self.write(caller, to: &json)
                json.member("sdp", offer.text)
            case .missedCall(let caller, let number):
                json.member("event", "missed-call")
                if let number { json.member("number", number) }
                Self.write(caller, to: &json)
            case .call(.progress): json.member("event", "call-progress")
            case .call(.accepted(let answer)):
                json.member("event", "call-accepted")
                if let answer { json.member("sdp", answer.text) }
            case .call(.established): json.member("event", "call-established")
            case .call(.terminated(let reason, let missed)):
                json.member("event", "call-terminated")
                json.member("reason", reason)
                if let missed { Self.write(missed, to: &json) }
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
        case "registering": return .registration(.registering)
        case "registered": return .registration(.registered)
        case "registration-failed": return .registration(.failed(reason: try fields.string("reason")))
        case "registration-lost": return .registrationLost
        case "incoming-call":
            guard let client = ClientSessionID(try fields.string("client")), let caller = try caller(fields) else {
                throw ProtocolError("incoming-call: malformed")
            }
            let call = try fields.sequence("call")
            guard call.isOfIncomingCall else { throw ProtocolError("call: malformed") }
            return .incomingCall(call: call, client: client, caller: caller, offer: try fields.description("sdp"))
        case "missed-call":
            guard let caller = try caller(fields) else { throw ProtocolError("missed-call: malformed") }
            return .missedCall(caller, number: try fields.optional("number") { $0.integer(UInt64.self) })
        case "call-progress": return .call(.progress)
        case "call-accepted":
            return .call(
                .accepted(
                    answer: try fields.optional("sdp") { $0.isString ? SessionDescription($0.raw) : nil }))
        case "call-established": return .call(.established)
        case "call-terminated":
            return .call(.terminated(reason: try fields.string("reason"), missed: try caller(fields)))
        case let unknown: throw ProtocolError("unknown event \(unknown.excerpt)", isUnknown: true)
        }
    }

    private static func write(_ caller: Caller, to json: inout JSONWriter) {
        json.member("caller", caller.uri)
        json.member("caller_name", caller.displayName)
    }

    private static func caller(_ fields: InteriorFields) throws(ProtocolError) -> Caller? {
        guard let uri = try fields.optional("caller", \.string) else { return nil }
        return Caller(uri: uri, displayName: try fields.string("caller_name"))
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
