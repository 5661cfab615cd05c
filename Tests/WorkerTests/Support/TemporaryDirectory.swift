import Foundation

/// An empty directory of mode 0700. It goes with the process.
struct TemporaryDirectory: Sendable {
    let path = Self.root + "/" + UUID().uuidString

    init() { Self.make(path) }

    /// Writes a file into it.
    ///
    /// - Returns: its path.
    func file(_ name: String, _ text: String) throws -> String {
        let file = "\(path)/\(name)"
        try text.write(toFile: file, atomically: true, encoding: .utf8)
        return file
    }

    private static let root: String = {
        let path = NSTemporaryDirectory() + "worker-tests-\(getpid())-\(UUID().uuidString.prefix(8))"
        make(path)
        atexit { try? FileManager.default.removeItem(atPath: TemporaryDirectory.root) }
        return path
    }()

    private static func make(_ path: String) {
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        } catch {
            preconditionFailure("no temporary directory: \(error)")
        }
    }
}
