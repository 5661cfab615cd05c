import Foundation

/// A directory of the test run's own, removed when it ends.
enum TemporaryFolder {
    static let path: String = {
        let path = make(NSTemporaryDirectory() + "frontdoor-tests-\(getpid())-\(UUID().uuidString)")
        atexit { try? FileManager.default.removeItem(atPath: TemporaryFolder.path) }
        return path
    }()

    /// A new folder in it.
    static func folder() -> String { make(newPath()) }

    private static func make(_ path: String) -> String {
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        } catch {
            preconditionFailure("no temporary directory: \(error)")
        }
        return path
    }

    /// The path of a new file with this text.
    static func file(_ text: String) throws -> String {
        let path = newPath()
        try text.write(toFile: path, atomically: false, encoding: .utf8)
        return path
    }

    /// Where nothing is yet.
    static func newPath() -> String { "\(path)/\(UUID().uuidString)" }
}
