import GRDB
import Identity

/// A released row is kept, hidden, for its incarnation: the next one must be larger though wall clocks may step back.
extension SQLiteRegistryStore {
    public func registerFrontdoor(
        _ id: FrontdoorID, wallClock: UInt64, lease: LeaseInstant
    ) throws(RegistryError) -> Incarnation {
        try operation(.write) { transaction throws(RegistryError) in
            let previous = try recorded(id, transaction)?.incarnation
            let incarnation = try Incarnation.next(after: previous, wallClock: wallClock)
            try write(FrontdoorRow(id: id, incarnation: incarnation, leaseUntil: lease), transaction)
            try releaseAllAccounts(of: id, transaction)
            return incarnation
        }
    }

    public func restoreFrontdoor(_ row: FrontdoorRow) throws(RegistryError) {
        try operation(.write) { transaction throws(RegistryError) in
            if let found = try recorded(row.id, transaction), found.incarnation > row.incarnation { throw .superseded }
            try write(row, transaction)
        }
    }

    public func renewFrontdoor(
        _ id: FrontdoorID, incarnation: Incarnation, lease: LeaseInstant
    ) throws(RegistryError) {
        try operation(.write) { transaction throws(RegistryError) in
            try requireCurrent(id, incarnation, transaction)
            try transaction.change(
                "UPDATE frontdoor SET boot = ?, lease = ? WHERE id = ?",
                [boot.description, lease.rawValue.column, Int(id.number)])
        }
    }

    public func releaseFrontdoor(_ id: FrontdoorID, incarnation: Incarnation) throws(RegistryError) {
        try operation(.write) { transaction throws(RegistryError) -> Void in
            let changed = try transaction.change(
                "UPDATE frontdoor SET registered = 0 WHERE id = ? AND incarnation = ?",
                [Int(id.number), incarnation.rawValue.column])
            if changed > 0 { try releaseAllAccounts(of: id, transaction) }
        }
    }

    public func sweepFrontdoors() throws(RegistryError) -> [FrontdoorID] {
        try operation(.write) { transaction throws(RegistryError) in
            let now = LeaseInstant.now()
            let overdue = try frontdoors().filter {
                $0.leaseUntil.advanced(byMilliseconds: FrontdoorRow.patience) <= now
            }
            for row in overdue { try releaseFrontdoor(row.id, incarnation: row.incarnation) }
            return overdue.map(\.id)
        }
    }

    /// The condition under every write of a front door.
    func requireCurrent(
        _ id: FrontdoorID, _ incarnation: Incarnation, _ transaction: SQLiteTransaction
    ) throws(RegistryError) {
        let found = try recorded(id, transaction)
        if let found, found.incarnation > incarnation { throw .superseded }
        guard let found, found.incarnation == incarnation, found.isRegistered else {
            throw .unavailable("the registry has no row of front door \(id)")
        }
    }

    public func frontdoors() throws(RegistryError) -> [FrontdoorRow] {
        try operation(.read) { transaction throws(RegistryError) in
            let rows = try transaction.all(
                "SELECT id, incarnation, boot, lease FROM frontdoor WHERE registered ORDER BY id")
            return try rows.map { row throws(RegistryError) in
                var reader = RowReader(row, table: "frontdoor")
                guard let id = FrontdoorID(Int(try reader.integer())) else { throw reader.unreadable }
                return FrontdoorRow(
                    id: id, incarnation: Incarnation(rawValue: try reader.unsigned()),
                    leaseUntil: try reader.lease(boot: boot))
            }
        }
    }

    private func recorded(
        _ id: FrontdoorID, _ transaction: SQLiteTransaction
    ) throws(RegistryError) -> (incarnation: Incarnation, isRegistered: Bool)? {
        let row = try transaction.first(
            "SELECT incarnation, registered FROM frontdoor WHERE id = ?", [Int(id.number)])
        guard let row else { return nil }
        var reader = RowReader(row, table: "frontdoor")
        return (Incarnation(rawValue: try reader.unsigned()), try reader.flag())
    }

    private func write(_ row: FrontdoorRow, _ transaction: SQLiteTransaction) throws(RegistryError) {
        try transaction.change(
            "INSERT OR REPLACE INTO frontdoor (id, incarnation, boot, lease, registered) VALUES (?, ?, ?, ?, 1)",
            [
                Int(row.id.number), row.incarnation.rawValue.column, boot.description, row.leaseUntil.rawValue.column,
            ])
    }
}
