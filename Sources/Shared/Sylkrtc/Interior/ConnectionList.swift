import Identity
import JSONText

/// Every live connection of a front door's loop with a session on the worker: the body of `list`, sent on each new link.
///
/// It speaks for its loop and incarnation: what the worker holds for that loop and is not in it, is released.
public struct ConnectionList: Equatable, Sendable {
    public struct Entry: Equatable, Sendable {
        public let session: SessionID

        public init(session: SessionID) { self.session = session }
    }

    public let sessions: [Entry]

    public init(sessions: [Entry]) { self.sessions = sessions }

    public var encoded: [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.array("sessions") { json in
                for entry in sessions {
                    json.object { json in json.member("id", entry.session.description) }
                }
            }
        }
        return json.bytes
    }

    public static func decode(_ body: [UInt8]) throws(ProtocolError) -> ConnectionList {
        let fields = try InteriorFields(body)
        guard let elements = fields.object["sessions"]?.elements else { throw ProtocolError("sessions: missing") }
        var entries: [Entry] = []
        for element in elements {
            guard let session = element["id"]?.string.flatMap({ SessionID($0) }) else {
                throw ProtocolError("sessions: malformed")
            }
            entries.append(Entry(session: session))
        }
        return ConnectionList(sessions: entries)
    }
}
