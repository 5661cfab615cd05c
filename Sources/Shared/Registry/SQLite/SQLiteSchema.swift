import GRDB

/// The tables, and how a file of an earlier version gets them.
///
/// Two versions run side by side during an upgrade, so a migration only ever adds: what it adds has a default, and the
/// earlier version goes on without it. Where that cannot be, the migration raises `minimum`, and earlier versions refuse
/// the file.
struct SQLiteSchema: Sendable {
    struct Migration: Sendable {
        /// 1, 2, 3 …
        let version: Int
        /// The smallest version that may use the file afterwards.
        let minimum: Int
        let statements: String
    }

    /// Marks the file as ours: "Cont".
    static let applicationID = 0x436F_6E74

    let migrations: [Migration]

    /// 64-bit unsigned numbers stand as the signed ones with the same bits: they are compared for equality only.
    ///
    /// No index but the keys: what is looked for otherwise (all of a slot) is needed once, at a worker's start, while
    /// each index would cost every write another page.
    static let current = SQLiteSchema(migrations: [
        Migration(
            version: 1, minimum: 1,
            statements: """
                CREATE TABLE slot (
                    slot TEXT NOT NULL PRIMARY KEY,
                    incarnation INTEGER NOT NULL,
                    endpoint TEXT NOT NULL,
                    janus TEXT NOT NULL,
                    boot TEXT NOT NULL,
                    lease INTEGER NOT NULL,
                    load INTEGER NOT NULL,
                    draining INTEGER NOT NULL,
                    weight INTEGER NOT NULL,
                    serves_janus INTEGER NOT NULL
                ) WITHOUT ROWID;
                CREATE TABLE frontdoor (
                    id INTEGER NOT NULL PRIMARY KEY,
                    incarnation INTEGER NOT NULL,
                    boot TEXT NOT NULL,
                    lease INTEGER NOT NULL,
                    registered INTEGER NOT NULL
                );
                CREATE TABLE room (
                    uri TEXT NOT NULL PRIMARY KEY,
                    slot TEXT NOT NULL,
                    incarnation INTEGER NOT NULL,
                    janus_room INTEGER NOT NULL,
                    configuration TEXT NOT NULL,
                    active_participants TEXT NOT NULL,
                    originator TEXT,
                    version INTEGER NOT NULL,
                    state TEXT NOT NULL
                ) WITHOUT ROWID;
                CREATE TABLE session (
                    id TEXT NOT NULL PRIMARY KEY,
                    slot TEXT NOT NULL,
                    client_session TEXT NOT NULL,
                    account TEXT NOT NULL,
                    display_name TEXT,
                    role TEXT NOT NULL,
                    parent TEXT,
                    room TEXT,
                    feed_target INTEGER,
                    handle INTEGER,
                    ended INTEGER NOT NULL
                ) WITHOUT ROWID;
                """),
        // A slot's orders have a boot of their own: the slot's is renewed with its lease.
        Migration(
            version: 2, minimum: 1,
            statements: """
                ALTER TABLE slot ADD COLUMN drain_boot TEXT;
                ALTER TABLE slot ADD COLUMN drain_until INTEGER;
                """),
        Migration(
            version: 3, minimum: 1,
            statements: "ALTER TABLE room ADD COLUMN configured_by TEXT NOT NULL DEFAULT '[]'"),
        // The key begins with the account: an invitation costs the same however many others are connected.
        Migration(
            version: 4, minimum: 1,
            statements: """
                CREATE TABLE claimed_account (
                    account TEXT NOT NULL,
                    frontdoor INTEGER NOT NULL,
                    incarnation INTEGER NOT NULL,
                    loop INTEGER NOT NULL,
                    connection INTEGER NOT NULL,
                    PRIMARY KEY (account, frontdoor, incarnation, loop, connection)
                ) WITHOUT ROWID;
                """),
        Migration(
            version: 5, minimum: 1,
            statements: """
                ALTER TABLE session ADD COLUMN call_id TEXT;
                ALTER TABLE session ADD COLUMN caller TEXT;
                ALTER TABLE session ADD COLUMN caller_name TEXT;
                ALTER TABLE session ADD COLUMN call_sent INTEGER NOT NULL DEFAULT 0;
                ALTER TABLE session ADD COLUMN master INTEGER;
                """),
        Migration(
            version: 6, minimum: 1,
            statements: "ALTER TABLE session ADD COLUMN missed INTEGER NOT NULL DEFAULT 0"),
        Migration(version: 7, minimum: 1, statements: "ALTER TABLE session ADD COLUMN seen_calls TEXT"),
    ])

    var version: Int { migrations.last?.version ?? 0 }

    /// Brings the file up to this version, in one transaction, or finds that there is nothing to do.
    ///
    /// - Throws: ``RegistryError/incompatible(_:)``, ``RegistryError/unavailable(_:)`` for a database that is not ours,
    ///   or SQLite's own error.
    func prepare(_ database: Database, path: String) throws {
        if try recordedVersion(database, path: path) >= version { return }
        try database.inTransaction(.immediate) {
            // Again, now that nobody else can be at it.
            let recorded = try recordedVersion(database, path: path)
            for migration in migrations where migration.version > recorded {
                try database.execute(sql: migration.statements)
                try database.execute(
                    sql: "INSERT INTO migration (version, minimum) VALUES (?, ?)",
                    arguments: [migration.version, migration.minimum])
            }
            return .commit
        }
    }

    /// - Returns: the version of the newest migration that was run on the file, known here or not; 0 for an empty file.
    private func recordedVersion(_ database: Database, path: String) throws -> Int {
        let mark = try Int.fetchOne(database, sql: "PRAGMA application_id") ?? 0
        guard mark == Self.applicationID else {
            let tables = try Int.fetchOne(database, sql: "SELECT count(*) FROM sqlite_master") ?? 0
            guard mark == 0, tables == 0 else {
                throw RegistryError.unavailable("\(path): is a database of some other program")
            }
            if database.isInsideTransaction {
                try database.execute(
                    sql: """
                        PRAGMA application_id = \(Self.applicationID);
                        CREATE TABLE migration (version INTEGER NOT NULL PRIMARY KEY, minimum INTEGER NOT NULL);
                        """)
            }
            return 0
        }
        let row = try Row.fetchOne(database, sql: "SELECT max(version), max(minimum) FROM migration")
        var reader = RowReader(row ?? Row(), table: "migration")
        let recorded = try reader.optionalInteger() ?? 0
        let minimum = try reader.optionalInteger() ?? 0
        guard minimum <= Int64(version) else {
            throw RegistryError.incompatible(
                "\(path): needs at least version \(minimum) of the registry's tables, this program has \(version)")
        }
        return Int(clamping: recorded)
    }
}
