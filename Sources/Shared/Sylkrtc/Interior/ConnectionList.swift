import Identity
import JSONText

/// What a front door's loop holds on a worker: the body of `list`, sent on each new link. A long one takes several
/// messages; between the first and the last of them stand the unanswered requests, as they were sent (`repeat` is set on
/// those that may have arrived before).
///
/// It speaks for its loop and incarnation: what the worker holds for that loop and is not in it, is released.
public struct ConnectionList: Equatable, Sendable {
    public struct Entry: Equatable, Sendable {
        public let session: SessionID
        public let told: Told

        public init(session: SessionID, told: Told) {
            self.session = session
            self.told = told
        }
    }

    public let sessions: [Entry]
    /// Sessions that were given up while they might still come about.
    public let releases: [SessionID]
    /// Nothing more belongs to the list.
    public let isLast: Bool

    public init(sessions: [Entry] = [], releases: [SessionID] = [], isLast: Bool = true) {
        self.sessions = sessions
        self.releases = releases
        self.isLast = isLast
    }

    /// Announced publishers and releases of one message: what fits when every name is as long as it may be and JSON escapes
    /// each of its bytes.
    static let maximumNames = 1000

    /// The same in as many messages as it takes, none of them the last one.
    public static func parts(sessions: [Entry], releases: [SessionID]) -> [ConnectionList] {
        var parts: [ConnectionList] = []
        var batch: [Entry] = []
        var names = 0
        func weight(_ entry: Entry) -> Int {
            guard case .publisher(let told) = entry.told else { return 1 }
            return 1 + told.announced.count
        }
        for entry in sessions {
            if names + weight(entry) > maximumNames, !batch.isEmpty {
                parts.append(ConnectionList(sessions: batch, isLast: false))
                (batch, names) = ([], 0)
            }
            batch.append(entry)
            names += weight(entry)
        }
        if !batch.isEmpty { parts.append(ConnectionList(sessions: batch, isLast: false)) }
        for start in stride(from: 0, to: releases.count, by: maximumNames) {
            let some = releases[start..<min(start + maximumNames, releases.count)]
            parts.append(ConnectionList(releases: Array(some), isLast: false))
        }
        return parts
    }

    public var encoded: [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.array("sessions") { json in
                for entry in sessions { json.object { json in entry.write(to: &json) } }
            }
            json.array("releases") { json in
                for session in releases { json.value(session.description) }
            }
            json.member("last", isLast)
        }
        return json.bytes
    }

    public static func decode(_ body: [UInt8]) throws(ProtocolError) -> ConnectionList {
        let fields = try InteriorFields(body)
        guard let elements = fields.object["sessions"]?.elements, let released = fields.object["releases"]?.elements,
            let isLast = fields.object["last"]?.bool
        else { throw ProtocolError("list: malformed") }
        var entries: [Entry] = []
        for element in elements { entries.append(try Entry(element)) }
        var releases: [SessionID] = []
        for element in released {
            guard let session = element.string.flatMap({ SessionID($0) }) else {
                throw ProtocolError("releases: malformed")
            }
            releases.append(session)
        }
        return ConnectionList(sessions: entries, releases: releases, isLast: isLast)
    }
}

extension ConnectionList.Entry {
    fileprivate func write(to json: inout JSONWriter) {
        json.member("id", session.description)
        switch told {
        case .publisher(let told):
            json.member("acked", told.isAcked)
            json.member("stage", told.stage.rawValue)
            json.member("initial", told.hasInitialPublishers)
            if let bitrate = told.bitrateCap { json.member("bitrate", bitrate) }
            if let version = told.configuration { json.member("configuration", version) }
            json.array("announced") { json in
                for (client, publisher) in told.announced {
                    json.object { json in
                        json.member("client", client.description)
                        json.member("publisher", publisher.rawValue)
                    }
                }
            }
        case .feed(let base, let told):
            json.member("base", base.rawValue)
            json.member("acked", told.isAcked)
            json.member("offered", told.isOffered)
            json.member("answered", told.isAnswered)
            json.member("established", told.isEstablished)
        case .registration(let told):
            json.member("registration", told.stage.rawValue)
            json.member("acked", told.isAcked)
        case .call(let registration, let told):
            json.member("call", told.stage.rawValue)
            json.member("acked", told.isAcked)
            json.member("answered", told.isAnswered)
            if let registration { json.member("incoming", registration.rawValue) }
        }
    }

    fileprivate init(_ json: JSONValue) throws(ProtocolError) {
        guard let session = json["id"]?.string.flatMap({ SessionID($0) }), let isAcked = json["acked"]?.bool else {
            throw ProtocolError("sessions: malformed")
        }
        if let registration = json["registration"] {
            guard let stage = registration.integer(Int.self).flatMap(ToldRegistration.Stage.init) else {
                throw ProtocolError("sessions: malformed registration")
            }
            self.init(session: session, told: .registration(ToldRegistration(isAcked: isAcked, stage: stage)))
        } else if let call = json["call"] {
            guard let stage = call.integer(Int.self).flatMap(ToldCall.Stage.init),
                let isAnswered = json["answered"]?.bool
            else { throw ProtocolError("sessions: malformed call") }
            let told = ToldCall(isAcked: isAcked, isAnswered: isAnswered, stage: stage)
            let registration = json["incoming"]?.integer(UInt64.self).map(RequestSequence.init)
            guard (registration != nil) == session.request.isOfIncomingCall else {
                throw ProtocolError("sessions: malformed call")
            }
            self.init(session: session, told: .call(registration: registration, told))
        } else if let base = json["base"]?.integer(UInt64.self) {
            guard let isOffered = json["offered"]?.bool, let isAnswered = json["answered"]?.bool,
                let isEstablished = json["established"]?.bool
            else { throw ProtocolError("sessions: malformed feed") }
            let told = ToldFeed(
                isAcked: isAcked, isOffered: isOffered, isAnswered: isAnswered, isEstablished: isEstablished)
            self.init(session: session, told: .feed(base: RequestSequence(rawValue: base), told))
        } else {
            guard let stage = json["stage"]?.integer(Int.self).flatMap(ToldState.Stage.init),
                let hasInitialPublishers = json["initial"]?.bool, let elements = json["announced"]?.elements
            else { throw ProtocolError("sessions: malformed publisher") }
            var announced: [ClientSessionID: PublisherID] = [:]
            for element in elements {
                guard let client = element["client"]?.string.flatMap(ClientSessionID.init),
                    let publisher = element["publisher"]?.integer(UInt64.self)
                else { throw ProtocolError("sessions: malformed announcement") }
                announced[client] = PublisherID(rawValue: publisher)
            }
            let told = ToldState(
                isAcked: isAcked, stage: stage, hasInitialPublishers: hasInitialPublishers, announced: announced,
                bitrateCap: json["bitrate"]?.integer(Int.self),
                configuration: json["configuration"]?.integer(Int64.self))
            self.init(session: session, told: .publisher(told))
        }
    }
}
