import GRDB
import Identity

extension SQLiteRegistryStore {
    public func recordSession(_ row: SessionRow, owner: RoomOwner) throws(RegistryError) {
        precondition(row.slot == owner.slot, "a session is recorded by the slot it belongs to")
        try operation(.write) { transaction throws(RegistryError) in
            try requireCurrent(owner, transaction)
            let inserted = try transaction.change(
                """
                INSERT INTO session (id, slot, client_session, account, display_name, role, parent, room, feed_target,
                handle, ended, call_id, caller, caller_name, call_sent, master, missed, seen_calls)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
                """,
                [
                    row.id.description, row.slot.description, row.clientSession.description, row.account.description,
                    row.displayName, row.role.rawValue, row.parent?.description, row.room?.description,
                    row.feedTarget?.rawValue.column, row.handle?.rawValue.column, row.ended, row.callID,
                    row.caller, row.callerName, row.isCallSent, row.master?.column, row.isMissed,
                    row.seenCalls?.column,
                ])
            if inserted == 1 { return }
            guard let found = try transaction.first(Self.select + " WHERE id = ?", [row.id.description]),
                try Self.decode(found).isSameSession(as: row)
            else { throw .conflict("session \(row.id) is recorded with other content") }
        }
    }

    public func recordHandles(
        _ handles: [(SessionID, JanusHandleID)], owner: RoomOwner
    ) throws(RegistryError) {
        try operation(.write) { transaction throws(RegistryError) in
            try requireCurrent(owner, transaction)
            for (session, handle) in handles {
                try transaction.change(
                    "UPDATE session SET handle = ? WHERE id = ? AND slot = ?",
                    [handle.rawValue.column, session.description, owner.slot.description])
            }
        }
    }

    public func recordMasters(_ masters: [(SessionID, UInt64)], owner: RoomOwner) throws(RegistryError) {
        try operation(.write) { transaction throws(RegistryError) in
            try requireCurrent(owner, transaction)
            for (session, master) in masters {
                try transaction.change(
                    "UPDATE session SET master = ? WHERE id = ? AND slot = ?",
                    [master.column, session.description, owner.slot.description])
            }
        }
    }

    public func recordSeenCalls(_ calls: [(SessionID, SeenCalls)], owner: RoomOwner) throws(RegistryError) {
        try operation(.write) { transaction throws(RegistryError) in
            try requireCurrent(owner, transaction)
            for (session, calls) in calls {
                try transaction.change(
                    "UPDATE session SET seen_calls = ? WHERE id = ? AND slot = ?",
                    [calls.column, session.description, owner.slot.description])
            }
        }
    }

    public func callSent(_ session: SessionID, handle: JanusHandleID, owner: RoomOwner) throws(RegistryError) {
        try operation(.write) { transaction throws(RegistryError) in
            try requireCurrent(owner, transaction)
            let changed = try transaction.change(
                "UPDATE session SET call_sent = 1, handle = ? WHERE id = ? AND slot = ? AND ended = 0",
                [handle.rawValue.column, session.description, owner.slot.description])
            guard changed == 1 else { throw .conflict("call \(session) is not recorded") }
        }
    }

    public func markEnded(_ session: SessionID, isMissed: Bool, owner: RoomOwner) throws(RegistryError) {
        try operation(.write) { transaction throws(RegistryError) in
            try requireCurrent(owner, transaction)
            try transaction.change(
                "UPDATE session SET ended = 1, missed = ? WHERE id = ? AND slot = ?",
                [isMissed, session.description, owner.slot.description])
        }
    }

    public func deleteSessions(_ sessions: [SessionID], owner: RoomOwner) throws(RegistryError) {
        try operation(.write) { transaction throws(RegistryError) in
            try requireCurrent(owner, transaction)
            for session in sessions {
                try transaction.change(
                    "DELETE FROM session WHERE id = ? AND slot = ?",
                    [session.description, owner.slot.description])
            }
        }
    }

    public func sessions(of slot: SlotID) throws(RegistryError) -> [SessionRow] {
        try operation(.read) { transaction throws(RegistryError) in
            let rows = try transaction.all(Self.select + " WHERE slot = ? ORDER BY id", [slot.description])
            return try rows.map(Self.decode)
        }
    }

    private static let select = """
        SELECT id, slot, client_session, account, display_name, role, parent, room, feed_target, handle, ended,
        call_id, caller, caller_name, call_sent, master, missed, seen_calls FROM session
        """

    private static func decode(_ row: Row) throws(RegistryError) -> SessionRow {
        var reader = RowReader(row, table: "session")
        var session = SessionRow(
            id: try reader.parsed { SessionID($0) }, slot: try reader.parsed(SlotID.init),
            clientSession: try reader.parsed(ClientSessionID.init), account: try reader.parsed(AddressOfRecord.init),
            displayName: try reader.optionalText(), role: try reader.parsed(SessionRow.Role.init),
            parent: try reader.optionalParsed { SessionID($0) }, room: try reader.optionalParsed { RoomURI($0) },
            feedTarget: try reader.optionalInteger().map { PublisherID(rawValue: UInt64(bitPattern: $0)) },
            handle: try reader.optionalInteger().map { JanusHandleID(rawValue: UInt64(bitPattern: $0)) },
            ended: try reader.flag())
        session.callID = try reader.optionalText()
        session.caller = try reader.optionalText()
        session.callerName = try reader.optionalText()
        session.isCallSent = try reader.flag()
        session.master = try reader.optionalInteger().map { UInt64(bitPattern: $0) }
        session.isMissed = try reader.flag()
        session.seenCalls = try reader.optionalParsed(SeenCalls.init(column:))
        return session
    }
}
