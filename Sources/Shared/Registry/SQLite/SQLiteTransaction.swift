import GRDB
import Identity

/// A transaction on its way, and the statements run in it.
final class SQLiteTransaction {
    private let database: Database
    private let access: RegistryAccess
    private let path: String
    /// Why SQLite gave the whole transaction up (a full disk may do that): nothing more may run in it.
    private var lost: RegistryError?
    /// An owner that was found to be current. While this transaction holds the writer's lock nobody else can change that,
    /// so what shares a commit looks once.
    var currentOwner: RoomOwner?

    init(_ database: Database, access: RegistryAccess, path: String) {
        self.database = database
        self.access = access
        self.path = path
    }

    func run<Value>(_ body: () throws(RegistryError) -> Value) throws(RegistryError) -> Value {
        if database.isInsideTransaction { try execute("ROLLBACK") }
        try execute(access == .write ? "BEGIN IMMEDIATE" : "BEGIN DEFERRED")
        do throws(RegistryError) {
            let value = try body()
            if let lost { throw lost }
            try execute("COMMIT")
            return value
        } catch {
            if database.isInsideTransaction { try? execute("ROLLBACK") }
            throw error
        }
    }

    func nested<Value>(
        _ access: RegistryAccess, _ body: () throws(RegistryError) -> Value
    ) throws(RegistryError) -> Value {
        requireAccess(access)
        if let lost { throw lost }
        guard access == .write else { return try body() }
        try execute("SAVEPOINT operation")
        do throws(RegistryError) {
            let value = try body()
            if let lost { throw lost }
            try execute("RELEASE operation")
            return value
        } catch {
            currentOwner = nil
            if lost == nil {
                try execute("ROLLBACK TO operation")
                try execute("RELEASE operation")
            }
            throw error
        }
    }

    func requireAccess(_ access: RegistryAccess) {
        precondition(access == .read || self.access == .write, "a write within a transaction that only reads")
    }

    // MARK: Statements

    /// - Returns: how many rows were written.
    @discardableResult
    func change(_ sql: String, _ arguments: StatementArguments) throws(RegistryError) -> Int {
        try guarded {
            try database.cachedStatement(sql: sql).execute(arguments: arguments)
            return database.changesCount
        }
    }

    func first(_ sql: String, _ arguments: StatementArguments) throws(RegistryError) -> Row? {
        try guarded { try Row.fetchOne(database.cachedStatement(sql: sql), arguments: arguments) }
    }

    func all(_ sql: String, _ arguments: StatementArguments = StatementArguments()) throws(RegistryError) -> [Row] {
        try guarded { try Row.fetchAll(database.cachedStatement(sql: sql), arguments: arguments) }
    }

    private func execute(_ sql: String) throws(RegistryError) {
        do {
            try database.cachedStatement(sql: sql).execute()
        } catch {
            throw RegistryError(error, path: path)
        }
    }

    private func guarded<Value>(_ body: () throws -> Value) throws(RegistryError) -> Value {
        if let lost { throw lost }
        do {
            return try body()
        } catch {
            let error = RegistryError(error, path: path)
            if !database.isInsideTransaction { lost = error }
            throw error
        }
    }
}
