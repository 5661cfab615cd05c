import Glibc

/// The path in an `ipc://` endpoint, and what its directory must be like.
///
/// The bus is not encrypted on a host: who may open the directory may be a worker or a front door. So it is ours alone.
public struct IPCPath: Sendable {
    public let path: String
    public let directory: String

    var endpoint: String { Self.scheme + path }

    private static let scheme = "ipc://"

    public init(_ endpoint: String) throws(BusError) {
        guard endpoint.hasPrefix(Self.scheme) else { throw .unsupportedEndpoint(endpoint) }
        path = String(endpoint.dropFirst(Self.scheme.count))
        guard let slash = path.lastIndex(of: "/"), path.hasPrefix("/"), !path.hasSuffix("/"),
            !path.utf8.contains(0)
        else { throw .unsupportedEndpoint(endpoint) }
        directory = slash == path.startIndex ? "/" : String(path[..<slash])
        guard path.utf8.count <= BusLimits.maximumPath else { throw .pathTooLong(path, length: path.utf8.count) }
    }

    /// Makes the directory when it is missing (not those above it), and checks it.
    func makeDirectory() throws(BusError) {
        guard mkdir(directory, 0o700) == 0 || errno == EEXIST else {
            throw .system(operation: "mkdir", path: directory, code: errno)
        }
        try checkDirectory()
    }

    /// A missing directory is well: it will be made by the worker, and made right.
    public func checkDirectory() throws(BusError) {
        var status = stat()
        guard stat(directory, &status) == 0 else {
            if errno == ENOENT { return }
            throw .system(operation: "stat", path: directory, code: errno)
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw .system(operation: "stat", path: directory, code: ENOTDIR)
        }
        let mode = status.st_mode & 0o7777
        guard status.st_uid == geteuid(), mode & 0o077 == 0 else { throw .directoryNotPrivate(directory, mode: mode) }
    }
}
