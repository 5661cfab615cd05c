import GRDB
import Identity

extension SQLiteRegistryStore {
    public func takeSlot(
        _ slot: SlotID, endpoint: String, janus: String, weight: Int, wallClock: UInt64, lease: LeaseInstant
    ) throws(RegistryError) -> Incarnation {
        try operation(.write) { transaction throws(RegistryError) in
            let previous = try incarnation(of: slot, transaction)
            let incarnation = try Incarnation.next(after: previous, wallClock: wallClock)
            if previous == nil {
                try insert(
                    SlotRow(
                        slot: slot, incarnation: incarnation, endpoint: endpoint, janus: janus, leaseUntil: lease,
                        load: 0, draining: false, weight: weight, servesJanus: false), transaction)
            } else {
                try transaction.change(
                    """
                    UPDATE slot SET incarnation = ?, endpoint = ?, janus = ?, boot = ?, lease = ?, load = 0, weight = ?,
                    serves_janus = 0 WHERE slot = ?
                    """,
                    [
                        incarnation.rawValue.column, endpoint, janus, boot.description, lease.rawValue.column, weight,
                        slot.description,
                    ])
            }
            try giveRooms(of: slot, to: incarnation, transaction)
            return incarnation
        }
    }

    public func restoreSlot(_ row: SlotRow) throws(RegistryError) {
        try operation(.write) { transaction throws(RegistryError) in
            let previous = try incarnation(of: row.slot, transaction)
            if let previous, previous > row.incarnation { throw .superseded }
            if previous != nil {
                try transaction.change("DELETE FROM slot WHERE slot = ?", [row.slot.description])
            }
            try insert(row, transaction)
            try giveRooms(of: row.slot, to: row.incarnation, transaction)
        }
    }

    public func renewSlot(
        _ owner: RoomOwner, load: Int, servesJanus: Bool, lease: LeaseInstant
    ) throws(RegistryError) {
        try operation(.write) { transaction throws(RegistryError) in
            try requireCurrent(owner, transaction)
            try transaction.change(
                "UPDATE slot SET boot = ?, lease = ?, load = ?, serves_janus = ? WHERE slot = ?",
                [boot.description, lease.rawValue.column, load, servesJanus, owner.slot.description])
        }
    }

    public func setDraining(_ draining: Bool, owner: RoomOwner) throws(RegistryError) {
        try operation(.write) { transaction throws(RegistryError) in
            try requireCurrent(owner, transaction)
            try transaction.change(
                "UPDATE slot SET draining = ? WHERE slot = ?", [draining, owner.slot.description])
        }
    }

    public func releaseSlot(_ owner: RoomOwner) throws(RegistryError) {
        try operation(.write) { transaction throws(RegistryError) in
            try requireCurrent(owner, transaction)
            try transaction.change(
                "UPDATE slot SET lease = ? WHERE slot = ?",
                [LeaseInstant.over.rawValue.column, owner.slot.description])
        }
    }

    public func slots() throws(RegistryError) -> [SlotRow] {
        try operation(.read) { transaction throws(RegistryError) in
            let rows = try transaction.all(
                """
                SELECT slot, incarnation, endpoint, janus, boot, lease, load, draining, weight, serves_janus FROM slot
                ORDER BY slot
                """)
            return try rows.map { row throws(RegistryError) in
                var reader = RowReader(row, table: "slot")
                return SlotRow(
                    slot: try reader.parsed(SlotID.init), incarnation: Incarnation(rawValue: try reader.unsigned()),
                    endpoint: try reader.text(), janus: try reader.text(), leaseUntil: try reader.lease(boot: boot),
                    load: Int(try reader.integer()), draining: try reader.flag(), weight: Int(try reader.integer()),
                    servesJanus: try reader.flag())
            }
        }
    }

    /// The condition under every write of a worker.
    func requireCurrent(_ owner: RoomOwner, _ transaction: SQLiteTransaction) throws(RegistryError) {
        if transaction.currentOwner == owner { return }
        guard let current = try incarnation(of: owner.slot, transaction) else {
            throw .unavailable("the registry has no row of slot \(owner.slot)")
        }
        guard current == owner.incarnation else { throw .superseded }
        transaction.currentOwner = owner
    }

    private func incarnation(
        of slot: SlotID, _ transaction: SQLiteTransaction
    ) throws(RegistryError) -> Incarnation? {
        guard let row = try transaction.first("SELECT incarnation FROM slot WHERE slot = ?", [slot.description]) else {
            return nil
        }
        var reader = RowReader(row, table: "slot")
        return Incarnation(rawValue: try reader.unsigned())
    }

    private func insert(_ row: SlotRow, _ transaction: SQLiteTransaction) throws(RegistryError) {
        try transaction.change(
            """
            INSERT INTO slot (slot, incarnation, endpoint, janus, boot, lease, load, draining, weight, serves_janus)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                row.slot.description, row.incarnation.rawValue.column, row.endpoint, row.janus, boot.description,
                row.leaseUntil.rawValue.column, row.load, row.draining, row.weight, row.servesJanus,
            ])
    }

    private func giveRooms(
        of slot: SlotID, to incarnation: Incarnation, _ transaction: SQLiteTransaction
    ) throws(RegistryError) {
        transaction.currentOwner = nil
        try transaction.change(
            "UPDATE room SET incarnation = ? WHERE slot = ?", [incarnation.rawValue.column, slot.description])
    }
}

extension Incarnation {
    /// What was read of a damaged or foreign row must not trap.
    static func next(after previous: Incarnation?, wallClock: UInt64) throws(RegistryError) -> Incarnation {
        guard previous?.rawValue != .max else { throw .unavailable("an incarnation in the registry has no successor") }
        return .following(previous, wallClock: wallClock)
    }
}
