import Identity
import JSONText

/// That one account on one connection is invited: the body of an `invitation` on the bus, whose envelope names the connection.
public struct Invitation: Equatable, Sendable {
    /// The request that invites, by its connection and number there. It may be carried out more than once, and is to reach everybody
    /// once.
    public struct Source: Hashable, Sendable {
        public let connection: ConnectionID
        public let request: RequestSequence

        public init(connection: ConnectionID, request: RequestSequence) {
            self.connection = connection
            self.request = request
        }
    }

    public let source: Source
    /// Who is invited.
    public let account: AddressOfRecord
    public let originator: Originator
    public let room: RoomURI

    public init(source: Source, account: AddressOfRecord, originator: Originator, room: RoomURI) {
        self.source = source
        self.account = account
        self.originator = originator
        self.room = room
    }

    public var encoded: [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.member("connection", source.connection.description)
            json.member("request", source.request.rawValue)
            json.member("account", account.description)
            json.member("originator", originator.account.description)
            if let name = originator.displayName { json.member("display_name", name) }
            json.member("room", room.description)
        }
        return json.bytes
    }

    public static func decode(_ body: [UInt8]) throws(ProtocolError) -> Invitation {
        let fields = try InteriorFields(body)
        guard let connection = ConnectionID(try fields.string("connection")),
            let account = AddressOfRecord(try fields.string("account")),
            let originator = AddressOfRecord(try fields.string("originator")),
            let room = RoomURI(try fields.string("room"))
        else { throw ProtocolError("invitation: malformed") }
        return Invitation(
            source: Source(connection: connection, request: try fields.sequence("request")), account: account,
            originator: Originator(account: originator, displayName: try fields.optional("display_name", \.string)),
            room: room)
    }
}
