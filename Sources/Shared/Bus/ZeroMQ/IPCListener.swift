import Glibc

/// A listening socket in the file system, made here and handed to ZeroMQ or used as it is. It does not block.
///
/// ZeroMQ would remove the file whenever it comes to close its listener, and that may be a successor's file by then.
public struct IPCListener: Sendable {
    public let path: String
    public let descriptor: Int32
    private let device: dev_t
    private let inode: ino_t

    /// Listens in the place of whatever socket was there: left behind by a process that died, or about to be.
    public static func listen(at path: IPCPath) throws(BusError) -> IPCListener {
        try path.makeDirectory()
        let path = path.path
        try removeStaleSocket(path)
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let descriptor = socket(AF_UNIX, type, 0)
        guard descriptor >= 0 else { throw .system(operation: "socket", path: path, code: errno) }
        var status = stat()
        // The file takes its mode from the socket's own: nobody else's from the beginning.
        guard fchmod(descriptor, 0o600) == 0, bind(descriptor, to: path) == 0, Glibc.listen(descriptor, backlog) == 0,
            stat(path, &status) == 0
        else {
            let code = errno
            close(descriptor)
            throw .system(operation: "listen", path: path, code: code)
        }
        return IPCListener(path: path, descriptor: descriptor, device: status.st_dev, inode: status.st_ino)
    }

    /// Removes the file, unless it is a successor's. The descriptor must still be open: it keeps the inode number ours.
    public func remove() {
        var status = stat()
        guard stat(path, &status) == 0, status.st_dev == device, status.st_ino == inode else { return }
        unlink(path)
    }

    /// Nobody took the descriptor over.
    public func abandon() {
        remove()
        close(descriptor)
    }

    /// Connections that wait to be accepted: every loop of every front door after a restart.
    private static let backlog: Int32 = 1024

    private static func removeStaleSocket(_ path: String) throws(BusError) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFSOCK else { throw .notASocket(path) }
        guard unlink(path) == 0 || errno == ENOENT else {
            throw .system(operation: "unlink", path: path, code: errno)
        }
    }

    private static func bind(_ descriptor: Int32, to path: String) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}
