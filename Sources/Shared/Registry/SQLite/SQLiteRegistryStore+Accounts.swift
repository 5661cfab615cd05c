import GRDB
import Identity

extension SQLiteRegistryStore {
    public func claimAccounts(
        _ accounts: [ClaimedAccount], of id: FrontdoorID, incarnation: Incarnation
    ) throws(RegistryError) {
        precondition(
            accounts.allSatisfy {
                $0.connection.owner.frontdoor == id && $0.connection.owner.incarnation == incarnation
            }, "a front door claims for its own connections only")
        try operation(.write) { transaction throws(RegistryError) in
            try requireCurrent(id, incarnation, transaction)
            for claim in accounts {
                try transaction.change(
                    """
                    INSERT INTO claimed_account (account, frontdoor, incarnation, loop, connection)
                    VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
                    """, claim.columns)
            }
        }
    }

    public func releaseAccounts(_ accounts: [ClaimedAccount]) throws(RegistryError) {
        try operation(.write) { transaction throws(RegistryError) in
            for claim in accounts {
                try transaction.change(
                    """
                    DELETE FROM claimed_account
                    WHERE account = ? AND frontdoor = ? AND incarnation = ? AND loop = ? AND connection = ?
                    """, claim.columns)
            }
        }
    }

    public func connections(for accounts: [AddressOfRecord]) throws(RegistryError) -> [ClaimedAccount] {
        try operation(.read) { transaction throws(RegistryError) in
            let now = LeaseInstant.now()
            let living = try frontdoors().filter { $0.leaseUntil > now }
            var found: [ClaimedAccount] = []
            for account in accounts {
                var room = min(ClaimedAccount.maximumConnections, ClaimedAccount.maximumFound - found.count)
                for frontdoor in living where room > 0 {
                    let connections = try connections(of: frontdoor, for: account, atMost: room, transaction)
                    room -= connections.count
                    found += connections.map { ClaimedAccount(account: account, connection: $0) }
                }
            }
            return found
        }
    }

    private func connections(
        of frontdoor: FrontdoorRow, for account: AddressOfRecord, atMost limit: Int, _ transaction: SQLiteTransaction
    ) throws(RegistryError) -> [ConnectionID] {
        let rows = try transaction.all(
            """
            SELECT loop, connection FROM claimed_account WHERE account = ? AND frontdoor = ? AND incarnation = ?
            ORDER BY loop, connection LIMIT ?
            """, [account.description, Int(frontdoor.id.number), frontdoor.incarnation.rawValue.column, limit])
        return try rows.map { row throws(RegistryError) in
            var reader = RowReader(row, table: "claimed_account")
            guard let loop = UInt16(exactly: try reader.integer()) else { throw reader.unreadable }
            return ConnectionID(
                owner: FrontdoorLoopID(frontdoor: frontdoor.id, incarnation: frontdoor.incarnation, loop: loop),
                number: try reader.unsigned())
        }
    }

    /// What any life of the front door has claimed. Looks at every row: it happens when a front door begins or ends.
    func releaseAllAccounts(of id: FrontdoorID, _ transaction: SQLiteTransaction) throws(RegistryError) {
        try transaction.change("DELETE FROM claimed_account WHERE frontdoor = ?", [Int(id.number)])
    }
}

extension ClaimedAccount {
    /// In the order of the table.
    fileprivate var columns: StatementArguments {
        let owner = connection.owner
        return [
            account.description, Int(owner.frontdoor.number), owner.incarnation.rawValue.column, Int(owner.loop),
            connection.number.column,
        ]
    }
}
