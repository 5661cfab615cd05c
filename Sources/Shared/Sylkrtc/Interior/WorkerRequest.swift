import Identity
import JSONText

/// What a front door asks of a worker: the dialect-neutral body of a `request` on the bus.
///
/// Sessions are named by the request that created them (``SessionID``); the connection stands in the envelope, so a
/// front door can only speak of sessions of its own. What creates a session is that session's first request: it bears
/// the number the session will be known by.
public enum WorkerRequest: Equatable, Sendable {
    case join(Join)
    case feedAttach(base: RequestSequence, feed: ClientSessionID, publisher: String)
    case feedAnswer(feed: RequestSequence, answer: SessionDescription)
    case feedDetach(feed: RequestSequence)
    case trickle(session: RequestSequence, candidates: [Candidate])
    case update(session: RequestSequence, audio: Bool?, video: Bool?, bitrate: Int?)
    case terminate(session: RequestSequence)
    /// Who is prominent in the session's room from now on; at most two, by the names that clients know (R11).
    case configureRoom(session: RequestSequence, activeParticipants: [String])
    /// Every connection that holds one of the accounts is told of the session's room, the session's own aside. At most
    /// ``ElementLimits/legal`` of them.
    case invite(session: RequestSequence, participants: [AddressOfRecord])
    /// The connection has removed an account: everything of that account on that connection ends.
    case releaseAccount(AddressOfRecord)
    /// An account registers with its SIP registrar, or does so again (R03).
    case register(Register)
    /// The registration ends, without an event (R04).
    case unregister(registration: RequestSequence)
    /// Somebody is called (R06).
    case call(Call)
    /// An incoming call is answered (R07).
    case accept(call: RequestSequence, answer: SessionDescription)

    /// What Janus needs to know of an account. It is sent with every request that may need it, and kept by nobody else.
    public struct Identity: Equatable, Sendable {
        public let account: AddressOfRecord
        /// As the client wrote it.
        public let accountAsSent: String
        public let displayName: String?
        public let userAgent: String?
        /// HA1, hexadecimal. Secret.
        public let password: String

        public init(account: SentAddress, displayName: String?, userAgent: String?, password: String) {
            self.account = account.address
            accountAsSent = account.sent
            self.displayName = displayName
            self.userAgent = userAgent
            self.password = password
        }
    }

    public struct Register: Equatable, Sendable {
        public let identity: Identity
        /// The registration that is renewed; nil: this request begins one.
        public let registration: RequestSequence?

        public init(identity: Identity, registration: RequestSequence?) {
            self.identity = identity
            self.registration = registration
        }
    }

    public struct Call: Equatable, Sendable {
        public let session: ClientSessionID
        public let identity: Identity
        /// Who is called, without a scheme; ports and parameters stay (D25).
        public let uri: String
        public let offer: SessionDescription

        public init(session: ClientSessionID, identity: Identity, uri: String, offer: SessionDescription) {
            self.session = session
            self.identity = identity
            self.uri = uri
            self.offer = offer
        }
    }

    public struct Join: Equatable, Sendable {
        public let session: ClientSessionID
        public let account: AddressOfRecord
        public let displayName: String?
        /// The account may be believed: it is registered, or claims are trusted (D22).
        public let isVerified: Bool
        public let room: RoomURI
        /// As the client wrote them, for texts that repeat them to it (D25).
        public let accountAsSent: String
        public let roomAsSent: String
        public let offer: SessionDescription

        public init(
            session: ClientSessionID, account: SentAddress, displayName: String?, isVerified: Bool, room: SentAddress,
            offer: SessionDescription
        ) {
            self.session = session
            self.account = account.address
            accountAsSent = account.sent
            self.displayName = displayName
            self.isVerified = isVerified
            self.room = RoomURI(room.address)
            roomAsSent = room.sent
            self.offer = offer
        }
    }

    /// What it creates is known by the request's own number.
    public var createsSession: Bool {
        switch self {
        case .join, .feedAttach, .call: true
        case .register(let register): register.registration == nil
        case .feedAnswer, .feedDetach, .trickle, .update, .terminate, .configureRoom, .releaseAccount, .invite,
            .unregister, .accept:
            false
        }
    }

    public var encoded: [UInt8] {
        var json = JSONWriter()
        json.object { json in
            switch self {
            case .join(let join):
                json.member("request", "join")
                json.member("client", join.session.description)
                json.member("account", join.accountAsSent)
                if let displayName = join.displayName { json.member("display_name", displayName) }
                json.member("verified", join.isVerified)
                json.member("room", join.roomAsSent)
                json.member("sdp", join.offer.text)
            case .feedAttach(let base, let feed, let publisher):
                json.member("request", "feed-attach")
                json.member("session", base.rawValue)
                json.member("client", feed.description)
                json.member("publisher", publisher)
            case .feedAnswer(let feed, let answer):
                json.member("request", "feed-answer")
                json.member("session", feed.rawValue)
                json.member("sdp", answer.text)
            case .feedDetach(let feed):
                json.member("request", "feed-detach")
                json.member("session", feed.rawValue)
            case .trickle(let session, let candidates):
                json.member("request", "trickle")
                json.member("session", session.rawValue)
                json.array("candidates") { json in
                    for candidate in candidates { candidate.write(to: &json) }
                }
            case .update(let session, let audio, let video, let bitrate):
                json.member("request", "update")
                json.member("session", session.rawValue)
                if let audio { json.member("audio", audio) }
                if let video { json.member("video", video) }
                if let bitrate { json.member("bitrate", bitrate) }
            case .terminate(let session):
                json.member("request", "terminate")
                json.member("session", session.rawValue)
            case .configureRoom(let session, let activeParticipants):
                json.member("request", "configure-room")
                json.member("session", session.rawValue)
                json.array("active") { json in
                    for participant in activeParticipants { json.value(participant) }
                }
            case .invite(let session, let participants):
                json.member("request", "invite")
                json.member("session", session.rawValue)
                json.array("participants") { json in
                    for participant in participants { json.value(participant.description) }
                }
            case .releaseAccount(let account):
                json.member("request", "release-account")
                json.member("account", account.description)
            case .register(let register):
                json.member("request", "register")
                register.identity.write(to: &json)
                if let registration = register.registration { json.member("session", registration.rawValue) }
            case .unregister(let registration):
                json.member("request", "unregister")
                json.member("session", registration.rawValue)
            case .call(let call):
                json.member("request", "call")
                json.member("client", call.session.description)
                call.identity.write(to: &json)
                json.member("uri", call.uri)
                json.member("sdp", call.offer.text)
            case .accept(let call, let answer):
                json.member("request", "accept")
                json.member("session", call.rawValue)
                json.member("sdp", answer.text)
            }
        }
        return json.bytes
    }

    /// - Throws: ``ProtocolError``. A worker must withstand a confused front door as a front door withstands clients.
    public static func decode(_ body: [UInt8]) throws(ProtocolError) -> WorkerRequest {
        let fields = try InteriorFields(body)
        switch try fields.string("request") {
        case "join":
            guard let client = ClientSessionID(try fields.string("client")),
                let account = SentAddress(try fields.string("account")),
                let room = SentAddress(try fields.string("room")), let isVerified = fields.object["verified"]?.bool
            else { throw ProtocolError("join: malformed") }
            return .join(
                Join(
                    session: client, account: account, displayName: try fields.optional("display_name", \.string),
                    isVerified: isVerified, room: room, offer: try fields.description("sdp")))
        case "feed-attach":
            guard let client = ClientSessionID(try fields.string("client")) else {
                throw ProtocolError("feed-attach: malformed")
            }
            return .feedAttach(base: try fields.session(), feed: client, publisher: try fields.string("publisher"))
        case "feed-answer":
            return .feedAnswer(feed: try fields.session(), answer: try fields.description("sdp"))
        case "feed-detach": return .feedDetach(feed: try fields.session())
        case "trickle":
            return .trickle(session: try fields.session(), candidates: try Candidate.list(fields.object["candidates"]))
        case "update":
            return .update(
                session: try fields.session(), audio: try fields.optional("audio", \.bool),
                video: try fields.optional("video", \.bool), bitrate: try fields.optional("bitrate") { $0.integer() })
        case "terminate": return .terminate(session: try fields.session())
        case "configure-room":
            return .configureRoom(session: try fields.session(), activeParticipants: try activeParticipants(fields))
        case "invite":
            return .invite(session: try fields.session(), participants: try participants(fields))
        case "release-account":
            guard let account = AddressOfRecord(try fields.string("account")) else {
                throw ProtocolError("release-account: malformed")
            }
            return .releaseAccount(account)
        case "register":
            return .register(
                Register(
                    identity: try Identity(fields),
                    registration: try fields.optional("session") { $0.integer(UInt64.self) }
                        .map(RequestSequence.init)))
        case "unregister": return .unregister(registration: try fields.session())
        case "call":
            guard let client = ClientSessionID(try fields.string("client")) else {
                throw ProtocolError("call: malformed")
            }
            return .call(
                Call(
                    session: client, identity: try Identity(fields), uri: try fields.string("uri"),
                    offer: try fields.description("sdp")))
        case "accept": return .accept(call: try fields.session(), answer: try fields.description("sdp"))
        case let unknown: throw ProtocolError("unknown request \(unknown.excerpt)", isUnknown: true)
        }
    }

    private static func activeParticipants(_ fields: InteriorFields) throws(ProtocolError) -> [String] {
        guard let elements = fields.object["active"]?.elements, elements.count <= MessageLimits.activeParticipants
        else {
            throw ProtocolError("configure-room: malformed")
        }
        let participants = elements.compactMap(\.string)
        guard participants.count == elements.count else { throw ProtocolError("configure-room: malformed") }
        return participants
    }

    private static func participants(_ fields: InteriorFields) throws(ProtocolError) -> [AddressOfRecord] {
        guard let elements = fields.object["participants"]?.elements, elements.count <= ElementLimits.legal.upperBound
        else {
            throw ProtocolError("invite: malformed")
        }
        var participants: [AddressOfRecord] = []
        for element in elements {
            guard let account = element.string.flatMap(AddressOfRecord.init) else {
                throw ProtocolError("invite: malformed participant")
            }
            participants.append(account)
        }
        return participants
    }
}

extension WorkerRequest.Identity {
    fileprivate func write(to json: inout JSONWriter) {
        json.member("account", accountAsSent)
        if let displayName { json.member("display_name", displayName) }
        if let userAgent { json.member("user_agent", userAgent) }
        json.member("ha1", password)
    }

    fileprivate init(_ fields: InteriorFields) throws(ProtocolError) {
        guard let account = SentAddress(try fields.string("account")) else { throw ProtocolError("account: malformed") }
        self.init(
            account: account, displayName: try fields.optional("display_name", \.string),
            userAgent: try fields.optional("user_agent", \.string), password: try fields.string("ha1"))
    }
}

extension Candidate {
    /// The object Janus takes in a `trickle`.
    public func write(to json: inout JSONWriter) {
        json.object { json in
            json.member("candidate", candidate)
            json.member("sdpMLineIndex", lineIndex)
            json.member("sdpMid", mid)
        }
    }

    fileprivate static func list(_ value: JSONValue?) throws(ProtocolError) -> [Candidate] {
        guard let elements = value?.elements else { throw ProtocolError("trickle: malformed") }
        var candidates: [Candidate] = []
        for element in elements {
            guard let candidate = element["candidate"], candidate.isString, let mid = element["sdpMid"], mid.isString,
                let lineIndex = element["sdpMLineIndex"]?.integer(Int.self)
            else { throw ProtocolError("trickle: malformed candidate") }
            candidates.append(Candidate(candidate: candidate.raw, lineIndex: lineIndex, mid: mid.raw))
        }
        return candidates
    }
}
