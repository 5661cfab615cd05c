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
            if previous == nil {
                try insert(row, transaction)
            } else {
                try transaction.change(
                    """
                    UPDATE slot SET incarnation = ?, endpoint = ?, janus = ?, boot = ?, lease = ?, load = ?, weight = ?,
                    serves_janus = ? WHERE slot = ?
                    """,
                    [
                        row.incarnation.rawValue.column, row.endpoint, row.janus, boot.description,
                        row.leaseUntil.rawValue.column, row.load, row.weight, row.servesJanus, row.slot.description,
                    ])
            }
            try giveRooms(of: row.slot, to: row.incarnation, transaction)
        }
    }

    @discardableResult
    public func renewSlot(
        _ owner: RoomOwner, load: Int, servesJanus: Bool, lease: LeaseInstant
    ) throws(RegistryError) -> SlotOrders {
        try operation(.write) { transaction throws(RegistryError) in
            try requireCurrent(owner, transaction)
            try transaction.change(
                "UPDATE slot SET boot = ?, lease = ?, load = ?, serves_janus = ? WHERE slot = ?",
                [boot.description, lease.rawValue.column, load, servesJanus, owner.slot.description])
            let row = try transaction.first(
                "SELECT draining, drain_boot, drain_until FROM slot WHERE slot = ?", [owner.slot.description])
            guard let row else { throw .unavailable("the registry has no row of slot \(owner.slot)") }
            var reader = RowReader(row, table: "slot")
            return try reader.orders(boot: boot)
        }
    }

    public func releaseSlot(_ owner: RoomOwner) throws(RegistryError) {
        try operation(.write) { transaction throws(RegistryError) in
            try requireCurrent(owner, transaction)
            try transaction.change(
                "UPDATE slot SET boot = ?, lease = ? WHERE slot = ?",
                [boot.description, LeaseInstant.now().rawValue.column, owner.slot.description])
        }
    }

    public func slots() throws(RegistryError) -> [SlotRow] {
        try operation(.read) { transaction throws(RegistryError) in
            let rows = try transaction.all(
                """
                SELECT slot, incarnation, endpoint, janus, boot, lease, load, draining, drain_boot, drain_until, weight,
                serves_janus FROM slot ORDER BY slot
                """)
            return try rows.map { row throws(RegistryError) in
                var reader = RowReader(row, table: "slot")
                let slot = try reader.parsed(SlotID.init)
                let incarnation = Incarnation(rawValue: try reader.unsigned())
                let (endpoint, janus) = (try reader.text(), try reader.text())
                let (lease, load) = (try reader.lease(boot: boot), Int(try reader.integer()))
                let orders = try reader.orders(boot: boot)
                return SlotRow(
                    slot: slot, incarnation: incarnation, endpoint: endpoint, janus: janus, leaseUntil: lease,
                    load: load, draining: orders.draining, drainUntil: orders.drainUntil,
                    weight: Int(try reader.integer()), servesJanus: try reader.flag())
            }
        }
    }

    /// The condition under every write of a worker.
    func requireCurrent(_ owner: RoomOwner, _ transaction: SQLiteTransaction) throws(RegistryError) {
        if transaction.currentOwner == owner { return }
        guard let current = try incarnation(of: owner.slot, transaction) else {
            throw .unavailable("the registry has no row of slot \(owner.slot)")
        }
        if current > owner.incarnation { throw .superseded }
        guard current == owner.incarnation else {
            throw .unavailable("the registry knows an earlier holder of slot \(owner.slot) only")
        }
        transaction.currentOwner = owner
    }

    func incarnation(
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
            INSERT INTO slot (slot, incarnation, endpoint, janus, boot, lease, load, draining, drain_boot, drain_until,
            weight, serves_janus) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                row.slot.description, row.incarnation.rawValue.column, row.endpoint, row.janus, boot.description,
                row.leaseUntil.rawValue.column, row.load, row.draining, row.drainUntil.map { _ in boot.description },
                row.drainUntil?.rawValue.column, row.weight, row.servesJanus,
            ])
    }

    func giveRooms(
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
