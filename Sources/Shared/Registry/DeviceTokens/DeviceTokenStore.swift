import Foundation
import GRDB
import Identity
import Logging

/// Account → tokens of its devices, in a file of their own that outlives everything (protocol page, section 8.1): written through
/// to the disk with each commit, and shared by all processes of the host.
///
/// A file that cannot be read is put aside, and an empty one takes its place. Confined to the queue of ``DeviceTokens``.
final class DeviceTokenStore {
    /// Tokens of one account: as many devices nobody has. The oldest goes.
    static let maximumTokens = 32
    static let fileName = "device_tokens.sqlite"
    /// How long another process's lock is waited for: a write to the disk takes its time.
    private static let busyTimeout = Duration.seconds(5)
    /// Marks the file as ours: "CoDT".
    private static let applicationID = 0x436F_4454

    private let directory: String
    private let file: RegistryFile
    private let logger: Logger
    private let now: @Sendable () -> Date
    private var queue: DatabaseQueue?
    private var identity: RegistryFile.Identity?

    init(directory: String, logger: Logger, now: @escaping @Sendable () -> Date) {
        self.directory = directory
        file = RegistryFile(path: directory + "/" + Self.fileName)
        self.logger = logger
        self.now = now
    }

    /// All of them in one commit.
    func change(_ changes: [(AddressOfRecord, [DeviceTokenChange])]) throws(RegistryError) {
        try perform { database in
            for (account, changes) in changes {
                for change in changes { try self.apply(change, to: account.description, in: database) }
            }
        }
    }

    /// Oldest first; empty for an account nobody has a token of.
    func tokens(of account: AddressOfRecord) throws(RegistryError) -> [String] {
        try perform { database in
            try String.fetchAll(
                database, sql: "SELECT token FROM device_token WHERE account = ? ORDER BY number",
                arguments: [account.description])
        }
    }

    /// Makes the file where there is none.
    func open() throws(RegistryError) { try perform { _ in } }

    func close() {
        // The commits are on the disk; what may fail here concerns nothing of them.
        try? queue?.close()
        queue = nil
    }

    private func apply(_ change: DeviceTokenChange, to account: String, in database: Database) throws {
        if let token = change.removed {
            try database.execute(
                sql: "DELETE FROM device_token WHERE account = ? AND token = ?", arguments: [account, token])
        }
        guard let token = change.added else { return }
        // A token that is told again is the newest again.
        try database.execute(
            sql: "INSERT OR REPLACE INTO device_token (account, token, added) VALUES (?, ?, ?)",
            arguments: [account, token, Int64(now().timeIntervalSince1970)])
        try database.execute(
            sql: """
                DELETE FROM device_token WHERE number IN
                (SELECT number FROM device_token WHERE account = ? ORDER BY number DESC LIMIT -1 OFFSET ?)
                """, arguments: [account, Self.maximumTokens])
    }

    // MARK: The file

    /// Once more on an empty file, when this one cannot be read.
    private func perform<Value>(_ body: @escaping (Database) throws -> Value) throws(RegistryError) -> Value {
        do throws(DatabaseFailure) {
            return try attempt(body)
        } catch {
            guard isDamage(error) else { throw RegistryError(error.cause, path: file.path) }
            putAside(RegistryError(error.cause, path: file.path))
        }
        do throws(DatabaseFailure) {
            return try attempt(body)
        } catch {
            throw RegistryError(error.cause, path: file.path)
        }
    }

    private struct DatabaseFailure: Error { let cause: any Error }

    /// Nobody will ever read this file again. A disk that is full, or a lock, is another matter.
    private func isDamage(_ failure: DatabaseFailure) -> Bool {
        guard let error = failure.cause as? DatabaseError else { return false }
        return switch error.resultCode {
        case .SQLITE_NOTADB, .SQLITE_CORRUPT, .SQLITE_FORMAT: true
        case .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_READONLY, .SQLITE_IOERR: !file.isReadable
        default: false
        }
    }

    private func attempt<Value>(_ body: @escaping (Database) throws -> Value) throws(DatabaseFailure) -> Value {
        do {
            return try connection().inTransactionOfItsOwn(body)
        } catch {
            throw DatabaseFailure(cause: error)
        }
    }

    private func connection() throws -> DatabaseQueue {
        if let queue, let identity, file.isStill(identity) { return queue }
        close()
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        return try file.locked(atMost: Self.busyTimeout) {
            () throws(RegistryError) -> Result<DatabaseQueue, any Error> in
            try file.create(replacing: nil)
            identity = file.identity()
            return Result { try open(file.path) }
        }.get()
    }

    private func open(_ path: String) throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.label = "device-tokens"
        let busy = BusyHandler(atMost: Self.busyTimeout)
        configuration.busyMode = .callback { tries in busy.retries(after: tries) }
        let queue = try DatabaseQueue(path: path, configuration: configuration)
        try queue.writeWithoutTransaction { database in
            let mode = try String.fetchOne(database, sql: "PRAGMA journal_mode = WAL")
            guard mode == "wal" else { throw DatabaseError(resultCode: .SQLITE_READONLY) }
            try database.execute(sql: "PRAGMA synchronous = FULL")
            try database.inTransaction(.immediate) {
                try database.execute(
                    sql: """
                        PRAGMA application_id = \(Self.applicationID);
                        CREATE TABLE IF NOT EXISTS device_token (
                            number INTEGER PRIMARY KEY AUTOINCREMENT,
                            account TEXT NOT NULL,
                            token TEXT NOT NULL,
                            added INTEGER NOT NULL,
                            UNIQUE (account, token)
                        );
                        """)
                return .commit
            }
        }
        self.queue = queue
        identity = file.identity()
        return queue
    }

    /// Out of the way, and kept for whoever can make something of it.
    private func putAside(_ error: RegistryError) {
        close()
        let aside = "\(file.path).unreadable-\(Int64(now().timeIntervalSince1970))"
        logger.error(
            "the device tokens cannot be read: they are put aside, and there are none now",
            metadata: ["error": "\(error)", "path": "\(aside)"])
        do throws(RegistryError) {
            try file.locked(atMost: Self.busyTimeout) { () throws(RegistryError) in
                // Another process may have been faster.
                guard let identity, file.identity().isSameFile(as: identity) else { return }
                for end in ["", "-wal", "-shm"] { rename(file.path + end, aside + end) }
            }
        } catch {
            logger.error("the device tokens cannot be put aside", metadata: ["error": "\(error)"])
        }
        identity = nil
    }
}

extension DatabaseQueue {
    fileprivate func inTransactionOfItsOwn<Value>(_ body: @escaping (Database) throws -> Value) throws -> Value {
        try writeWithoutTransaction { database in
            var value: Value?
            try database.inTransaction(.immediate) {
                value = try body(database)
                return .commit
            }
            guard let value else { throw DatabaseError(resultCode: .SQLITE_INTERNAL) }
            return value
        }
    }
}
