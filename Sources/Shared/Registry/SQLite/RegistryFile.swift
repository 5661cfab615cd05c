import Glibc

/// The registry's place in the file system, and whether what lies there is still the file that was opened.
///
/// SQLite does not notice when its file is deleted under it, and the files beside it (`-wal`, `-shm`) are found by name
/// only: a new file next to another one's log would be damaged, and a file whose log was deleted (`rm registry*` while
/// somebody makes a new one) would be two registries in one. So all opening happens under a lock on the directory, and
/// whoever finds one of them missing removes the others before making new ones.
struct RegistryFile {
    let path: String
    private let log: String
    private let index: String
    private let directory: String

    init(path: String) {
        self.path = path
        log = path + "-wal"
        index = path + "-shm"
        let end = path.lastIndex(of: "/")
        directory = end.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    }

    /// A file and those beside it, as they were at one moment.
    struct Identity: Equatable {
        fileprivate struct Inode: Equatable {
            let device: dev_t
            let number: ino_t
        }

        fileprivate let database: Inode?
        fileprivate let log: Inode?
        fileprivate let index: Inode?

        func isSameFile(as other: Identity) -> Bool { database != nil && database == other.database }

        var isComplete: Bool { database != nil && log != nil && index != nil }
    }

    func identity() -> Identity { Identity(database: inode(path), log: inode(log), index: inode(index)) }

    /// Whether the path still names the file of that identity, and its log, which stays as long as the file is open.
    ///
    /// Both are open, so their inodes cannot have been used anew.
    func isStill(_ identity: Identity) -> Bool {
        inode(path) == identity.database && inode(log) == identity.log
    }

    /// Holds the directory's lock while `body` opens the file.
    ///
    /// - Throws: ``RegistryError/unavailable(_:)`` if the directory cannot be opened or stays locked.
    func locked<Value>(
        atMost limit: Duration, _ body: () throws(RegistryError) -> Value
    ) throws(RegistryError) -> Value {
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.failure("cannot open the directory \(directory)") }
        defer { close(descriptor) }
        var wait = BusyWait(atMost: limit)
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            guard errno == EWOULDBLOCK || errno == EINTR else { throw Self.failure("cannot lock \(directory)") }
            guard wait.pauseForRetry() else { throw .unavailable("the directory \(directory) is locked") }
        }
        return try body()
    }

    /// Makes an empty file (mode 0600) if there is none, and removes what lies beside the path and belongs to another.
    /// Called under the lock.
    ///
    /// - Parameter previous: what this process had open until it found it gone, nil if nothing.
    func create(replacing previous: Identity?) throws(RegistryError) {
        var found = identity()
        if let previous, found.database == previous.database, found.log != previous.log {
            // The same file without what was written to it last. Others who have it open will notice.
            unlink(path)
            found = identity()
        }
        let isOther = found.database != previous?.database
        if found.database == nil || (isOther && found.log == previous?.log) { unlink(log) }
        if found.database == nil || (isOther && found.index == previous?.index) { unlink(index) }
        // Not open(2): closing that descriptor would drop the locks of any other connection of this process.
        guard found.database != nil || mknod(path, S_IFREG | 0o600, 0) == 0 || errno == EEXIST else {
            throw Self.failure("cannot create \(path)")
        }
    }

    /// What is at the path is a file, and this process may read and write it.
    var isReadable: Bool {
        var status = stat()
        guard stat(path, &status) == 0 else { return true }
        return status.st_mode & S_IFMT == S_IFREG && access(path, R_OK | W_OK) == 0
    }

    private func inode(_ path: String) -> Identity.Inode? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return Identity.Inode(device: status.st_dev, number: status.st_ino)
    }

    private static func failure(_ what: String) -> RegistryError {
        .unavailable("\(what): \(String(cString: strerror(errno)))")
    }
}
