import GRDB
import Identity
import Testing

@testable import Registry

@Suite("How the registry finds accounts")
struct SQLiteAccountPlanTests {
    @Test func `R15 Looking an account up searches its key, and scans nothing`() throws {
        let directory = TemporaryDirectory()
        _ = try SQLiteRegistryStore(path: directory.registry)
        let queue = try DatabaseQueue(path: directory.registry)
        let plan = try queue.read { database in
            try Row.fetchAll(
                database,
                sql: """
                    EXPLAIN QUERY PLAN SELECT loop, connection FROM claimed_account
                    WHERE account = 'a' AND frontdoor = 1 AND incarnation = 2 ORDER BY loop, connection LIMIT 9
                    """
            ).map { $0["detail"] as String }
        }
        #expect(
            plan == ["SEARCH claimed_account USING PRIMARY KEY (account=? AND frontdoor=? AND incarnation=?)"])
    }
}
