import Foundation

/// An empty directory. It goes with the process, not with the test: the last use of a registry is not the last of its
/// directory.
struct TemporaryDirectory: Sendable {
    let path = Self.root + "/" + UUID().uuidString

    init() { Self.make(path) }

    var registry: String { path + "/registry.sqlite" }

    private static let root: String = {
        let path = NSTemporaryDirectory() + "registry-tests-\(getpid())-\(UUID().uuidString)"
        make(path)
        atexit { try? FileManager.default.removeItem(atPath: TemporaryDirectory.root) }
        return path
    }()

    private static func make(_ path: String) {
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        } catch {
            preconditionFailure("no temporary directory: \(error)")
        }
    }
}
