import GRDB
import Identity

/// The registry in one file per host, in a directory that does not outlive the boot.
///
/// All processes of the host open the same file (write-ahead log, one writer at a time). The file may vanish under it or
/// be replaced at any time: that is noticed at the next transaction, which fails with
/// ``RegistryError/unavailable(_:)`` and leaves the store on the new file. There the owners' rows are missing until they
/// put them back.
public final class SQLiteRegistryStore: RegistryStore {
    /// How long another process's lock is waited for.
    public static let defaultBusyTimeout = Duration.milliseconds(250)

    let boot: BootID
    let file: RegistryFile
    private let schema: SQLiteSchema
    private let busyTimeout: Duration

    /// nil when the file could not be opened again, and after ``close()``.
    private var connection: SQLiteConnection?
    /// What was open last.
    private var lastIdentity: RegistryFile.Identity
    private var isClosed = false
    private var running: SQLiteTransaction?
    /// How many were begun, nested ones not counted.
    private(set) var transactions = 0

    /// Opens or makes the file (mode 0600). Its directory must exist.
    ///
    /// - Parameters:
    ///   - busyTimeout: how long somebody else's lock is waited for, in short tries.
    ///   - boot: nil asks the kernel.
    /// - Throws: ``RegistryError/unavailable(_:)``, ``RegistryError/incompatible(_:)``.
    public convenience init(
        path: String, busyTimeout: Duration = SQLiteRegistryStore.defaultBusyTimeout, boot: BootID? = nil
    ) throws(RegistryError) {
        try self.init(path: path, busyTimeout: busyTimeout, boot: boot, schema: .current)
    }

    init(path: String, busyTimeout: Duration, boot: BootID?, schema: SQLiteSchema) throws(RegistryError) {
        if let boot { self.boot = boot } else { self.boot = try BootID.current() }
        file = RegistryFile(path: path)
        self.schema = schema
        self.busyTimeout = busyTimeout
        let connection = try SQLiteConnection(file, replacing: nil, schema: schema, busyTimeout: busyTimeout)
        self.connection = connection
        lastIdentity = connection.identity
    }

    public func close() {
        isClosed = true
        disconnect()
    }

    // MARK: Transactions

    public func transaction<Value>(
        _ access: RegistryAccess, _ body: () throws(RegistryError) -> Value
    ) throws(RegistryError) -> Value {
        if let running { return try running.nested(access, body) }
        let queue = try currentConnection().queue
        transactions += 1
        let outcome = queue.writeWithoutTransaction { database in
            Result { () throws(RegistryError) -> Value in
                let transaction = SQLiteTransaction(database, access: access, path: file.path)
                running = transaction
                defer { running = nil }
                return try transaction.run(body)
            }
        }
        return try outcome.get()
    }

    /// Runs one operation in the transaction that is open, or else in one of its own.
    func operation<Value>(
        _ access: RegistryAccess, _ body: (SQLiteTransaction) throws(RegistryError) -> Value
    ) throws(RegistryError) -> Value {
        if let running {
            running.requireAccess(access)
            return try body(running)
        }
        return try transaction(access) { () throws(RegistryError) -> Value in
            guard let running else { preconditionFailure("no transaction within a transaction") }
            return try body(running)
        }
    }

    // MARK: The file

    private func currentConnection() throws(RegistryError) -> SQLiteConnection {
        guard !isClosed else { throw .unavailable("the registry is closed") }
        if let connection, file.isStill(connection.identity) { return connection }
        disconnect()
        let connection = try SQLiteConnection(
            file, replacing: lastIdentity, schema: schema, busyTimeout: busyTimeout)
        self.connection = connection
        lastIdentity = connection.identity
        throw .unavailable("the registry file was replaced")
    }

    private func disconnect() {
        // SQLite leaves the files beside it alone if its own is no longer at the path. What else may fail here concerns a
        // file that nobody will use again.
        try? connection?.queue.close()
        connection = nil
    }
}
