import Foundation
import GRDB
import Identity

extension SQLiteRegistryStore {
    public func room(_ uri: RoomURI) throws(RegistryError) -> RoomRow? {
        try operation(.read) { transaction throws(RegistryError) in try recorded(uri, transaction) }
    }

    public func claimRoom(_ claim: RoomRow) throws(RegistryError) -> RoomClaimOutcome {
        try operation(.write) { transaction throws(RegistryError) in
            try requireCurrent(claim.owner, transaction)
            let inserted = try transaction.change(
                """
                INSERT INTO room (uri, slot, incarnation, janus_room, configuration, active_participants, originator,
                version, configured_by, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
                """,
                [
                    claim.uri.description, claim.owner.slot.description, claim.owner.incarnation.rawValue.column,
                    claim.janusRoom.rawValue.column, claim.configuration, Self.column(claim.activeParticipants),
                    claim.originator, claim.version, Self.column(claim.configuredBy.map(\.description)),
                    claim.state.rawValue,
                ])
            if inserted == 1 { return .claimed }
            guard let found = try recorded(claim.uri, transaction) else {
                throw .unavailable("a row of the table room cannot be read")
            }
            let isOwn = found.owner == claim.owner && found.janusRoom == claim.janusRoom
            return isOwn ? .claimed : .ownedBy(found)
        }
    }

    public func roomCreated(_ uri: RoomURI, owner: RoomOwner, janusRoom: JanusRoomID) throws(RegistryError) {
        try setState(.created, of: uri, owner: owner, janusRoom: janusRoom)
    }

    public func roomDestroying(_ uri: RoomURI, owner: RoomOwner, janusRoom: JanusRoomID) throws(RegistryError) {
        try setState(.destroying, of: uri, owner: owner, janusRoom: janusRoom)
    }

    public func configureRoom(
        _ uri: RoomURI, owner: RoomOwner, janusRoom: JanusRoomID, activeParticipants: [String], originator: String?,
        version: Int64, by requests: [SessionID]
    ) throws(RegistryError) {
        try operation(.write) { transaction throws(RegistryError) in
            try requireCurrent(owner, transaction)
            let changed = try transaction.change(
                """
                UPDATE room SET active_participants = ?, originator = ?, version = ?, configured_by = ?
                WHERE uri = ? AND slot = ? AND janus_room = ? AND version <= ?
                """,
                [
                    Self.column(activeParticipants), originator, version, Self.column(requests.map(\.description)),
                    uri.description, owner.slot.description, janusRoom.rawValue.column, version,
                ])
            if changed == 0 { throw try failure(ofChanging: uri, transaction) }
        }
    }

    public func releaseRoom(_ uri: RoomURI, owner: RoomOwner, janusRoom: JanusRoomID) throws(RegistryError) {
        try operation(.write) { transaction throws(RegistryError) in
            try requireCurrent(owner, transaction)
            try transaction.change(
                "DELETE FROM room WHERE uri = ? AND slot = ? AND janus_room = ?",
                [uri.description, owner.slot.description, janusRoom.rawValue.column])
        }
    }

    public func rooms(of slot: SlotID) throws(RegistryError) -> [RoomRow] {
        try operation(.read) { transaction throws(RegistryError) in
            let rows = try transaction.all(Self.select + " WHERE slot = ? ORDER BY uri", [slot.description])
            return try rows.map(Self.decode)
        }
    }

    private func setState(
        _ state: RoomRow.State, of uri: RoomURI, owner: RoomOwner, janusRoom: JanusRoomID
    ) throws(RegistryError) {
        try operation(.write) { transaction throws(RegistryError) in
            try requireCurrent(owner, transaction)
            let changed = try transaction.change(
                "UPDATE room SET state = ? WHERE uri = ? AND slot = ? AND janus_room = ?",
                [state.rawValue, uri.description, owner.slot.description, janusRoom.rawValue.column])
            if changed == 0 { throw try failure(ofChanging: uri, transaction) }
        }
    }

    /// Why a room was not changed.
    private func failure(
        ofChanging uri: RoomURI, _ transaction: SQLiteTransaction
    ) throws(RegistryError) -> RegistryError {
        try recorded(uri, transaction) == nil
            ? .unavailable("the registry has no row of the room")
            : .conflict("the registry has another life or a later version of the room")
    }

    private func recorded(_ uri: RoomURI, _ transaction: SQLiteTransaction) throws(RegistryError) -> RoomRow? {
        guard let row = try transaction.first(Self.select + " WHERE uri = ?", [uri.description]) else { return nil }
        return try Self.decode(row)
    }

    private static let select = """
        SELECT uri, slot, incarnation, janus_room, configuration, active_participants, originator, version,
        configured_by, state FROM room
        """

    private static func decode(_ row: Row) throws(RegistryError) -> RoomRow {
        var reader = RowReader(row, table: "room")
        return RoomRow(
            uri: try reader.parsed { RoomURI($0) },
            owner: RoomOwner(
                slot: try reader.parsed(SlotID.init), incarnation: Incarnation(rawValue: try reader.unsigned())),
            janusRoom: JanusRoomID(rawValue: try reader.unsigned()), configuration: try reader.text(),
            activeParticipants: try reader.parsed(texts), originator: try reader.optionalText(),
            version: try reader.integer(), configuredBy: try reader.parsed(requests),
            state: try reader.parsed(RoomRow.State.init))
    }

    // A list of texts stands as a JSON array. Most are empty, and the JSON coders are not free.

    private static func column(_ texts: [String]) throws(RegistryError) -> String {
        if texts.isEmpty { return "[]" }
        do {
            return String(decoding: try JSONEncoder().encode(texts), as: UTF8.self)
        } catch {
            throw .unavailable("a list of a room cannot be encoded")
        }
    }

    private static func texts(_ column: String) -> [String]? {
        column == "[]" ? [] : try? JSONDecoder().decode([String].self, from: Data(column.utf8))
    }

    private static func requests(_ column: String) -> [SessionID]? {
        guard let texts = texts(column) else { return nil }
        let requests = texts.compactMap { SessionID($0) }
        return requests.count == texts.count ? requests : nil
    }
}
