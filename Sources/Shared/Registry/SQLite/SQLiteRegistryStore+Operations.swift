import GRDB
import Identity

/// What the operator asks and orders, and what is done for a holder that does nothing any more.
extension SQLiteRegistryStore {
    public func drainSlot(_ slot: SlotID, until: LeaseInstant?) throws(RegistryError) -> Bool {
        try operation(.write) { transaction throws(RegistryError) in
            let changed = try transaction.change(
                "UPDATE slot SET draining = 1, drain_boot = ?, drain_until = ? WHERE slot = ?",
                [until.map { _ in boot.description }, until?.rawValue.column, slot.description])
            return changed > 0
        }
    }

    public func undrainSlot(_ slot: SlotID) throws(RegistryError) -> Bool {
        try operation(.write) { transaction throws(RegistryError) in
            let changed = try transaction.change(
                "UPDATE slot SET draining = 0, drain_boot = NULL, drain_until = NULL WHERE slot = ?",
                [slot.description])
            return changed > 0
        }
    }

    public func slotUsage() throws(RegistryError) -> [SlotID: SlotUsage] {
        try operation(.read) { transaction throws(RegistryError) in
            var usage: [SlotID: SlotUsage] = [:]
            for row in try transaction.all("SELECT slot, count(*) FROM room GROUP BY slot") {
                var reader = RowReader(row, table: "room")
                usage[try reader.parsed(SlotID.init), default: SlotUsage()].rooms = Int(try reader.integer())
            }
            for row in try transaction.all("SELECT slot, count(*) FROM session WHERE NOT ended GROUP BY slot") {
                var reader = RowReader(row, table: "session")
                usage[try reader.parsed(SlotID.init), default: SlotUsage()].sessions = Int(try reader.integer())
            }
            return usage
        }
    }

    public func abandonSlot(
        _ slot: SlotID, incarnation: Incarnation, wallClock: UInt64
    ) throws(RegistryError) -> AbandonedSlot? {
        try operation(.write) { transaction throws(RegistryError) in
            let found = try transaction.first(
                "SELECT incarnation, endpoint, janus, boot, lease FROM slot WHERE slot = ?", [slot.description])
            guard let found else { return nil }
            var reader = RowReader(found, table: "slot")
            let current = Incarnation(rawValue: try reader.unsigned())
            let (endpoint, janus, lease) = (try reader.text(), try reader.text(), try reader.lease(boot: boot))
            let now = LeaseInstant.now()
            guard current == incarnation, lease.advanced(byMilliseconds: AbandonedSlot.patience) <= now else {
                return nil
            }
            // Given up before, and cleared away.
            if endpoint.isEmpty, try !hasRows(slot, transaction) { return nil }
            let owner = RoomOwner(slot: slot, incarnation: try .next(after: current, wallClock: wallClock))
            // The lease gives whoever gives the slot up the time to clear away.
            try transaction.change(
                """
                UPDATE slot SET incarnation = ?, endpoint = '', boot = ?, lease = ?, load = 0, serves_janus = 0
                WHERE slot = ?
                """,
                [owner.incarnation.rawValue.column, boot.description, now.rawValue.column, slot.description])
            try giveRooms(of: slot, to: owner.incarnation, transaction)
            return AbandonedSlot(owner: owner, janus: janus, rooms: try rooms(of: slot))
        }
    }

    public func freeAbandonedSlot(_ owner: RoomOwner) throws(RegistryError) {
        try operation(.write) { transaction throws(RegistryError) in
            try requireCurrent(owner, transaction)
            try transaction.change("DELETE FROM room WHERE slot = ?", [owner.slot.description])
            try transaction.change("DELETE FROM session WHERE slot = ?", [owner.slot.description])
        }
    }

    private func hasRows(_ slot: SlotID, _ transaction: SQLiteTransaction) throws(RegistryError) -> Bool {
        let sql =
            "SELECT 1 WHERE EXISTS (SELECT 1 FROM room WHERE slot = ?) OR EXISTS (SELECT 1 FROM session WHERE slot = ?)"
        return try transaction.first(sql, [slot.description, slot.description]) != nil
    }
}

extension RowReader {
    /// The columns `draining`, `drain_boot`, `drain_until`, in this order.
    mutating func orders(boot: BootID) throws(RegistryError) -> SlotOrders {
        let draining = try flag()
        let bootThen = try optionalText()
        guard let instant = try optionalInteger() else { return SlotOrders(draining: draining) }
        let isOfThisBoot = bootThen == boot.description
        return SlotOrders(
            draining: draining,
            drainUntil: isOfThisBoot ? LeaseInstant(rawValue: UInt64(bitPattern: instant)) : .over)
    }
}
