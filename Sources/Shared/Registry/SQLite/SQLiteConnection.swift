import GRDB

/// One open file.
struct SQLiteConnection {
    let queue: DatabaseQueue
    let identity: RegistryFile.Identity

    /// Opens the file, making it or its tables where they are missing.
    ///
    /// - Parameter previous: the file that used to be at this path and is gone.
    init(
        _ file: RegistryFile, replacing previous: RegistryFile.Identity?, schema: SQLiteSchema, busyTimeout: Duration
    ) throws(RegistryError) {
        (queue, identity) = try file.locked(atMost: busyTimeout) {
            () throws(RegistryError) -> (DatabaseQueue, RegistryFile.Identity) in
            try file.create(replacing: previous)
            do {
                let queue = try DatabaseQueue(path: file.path, configuration: Self.configuration(busyTimeout))
                try queue.writeWithoutTransaction { database in
                    guard try String.fetchOne(database, sql: "PRAGMA journal_mode = WAL") == "wal" else {
                        throw RegistryError.unavailable("\(file.path): cannot be switched to write-ahead logging")
                    }
                    // Of what was committed last a power cut may take some, never a crash of ours; and after a power
                    // cut nothing in the registry is true any more.
                    try database.execute(sql: "PRAGMA synchronous = NORMAL")
                    try schema.prepare(database, path: file.path)
                }
                let identity = file.identity()
                guard identity.isComplete else { throw RegistryError.unavailable("\(file.path): was removed again") }
                return (queue, identity)
            } catch {
                throw RegistryError(error, path: file.path)
            }
        }
    }

    private static func configuration(_ busyTimeout: Duration) -> Configuration {
        var configuration = Configuration()
        configuration.label = "registry"
        configuration.foreignKeysEnabled = false
        // Statements are kept here, and a transaction that could not be rolled back is not a reason to trap.
        configuration.allowsUnsafeTransactions = true
        let busy = BusyHandler(atMost: busyTimeout)
        configuration.busyMode = .callback { tries in busy.retries(after: tries) }
        return configuration
    }
}
