import Foundation

/// The web page that comes with the front door, read once into memory. What is not in it does not exist, so no path can
/// lead elsewhere.
struct PageFiles: Sendable {
    struct File: Sendable {
        let type: String
        let content: [UInt8]
    }

    static let path = "/webrtcgateway/"

    private let files: [String: File]

    private static let types = [
        "html": "text/html; charset=utf-8", "css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8",
        "svg": "image/svg+xml",
    ]

    /// - Throws: when the resources are not where they were built.
    init() throws {
        guard let folder = Bundle.module.url(forResource: "Page", withExtension: nil) else {
            throw CocoaError(.fileNoSuchFile)
        }
        var files: [String: File] = [:]
        for url in try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil) {
            guard let type = Self.types[url.pathExtension] else { continue }
            files[url.lastPathComponent] = File(type: type, content: [UInt8](try Data(contentsOf: url)))
        }
        self.files = files
    }

    /// - Parameter name: what stands behind ``path``; empty: the page itself.
    func file(_ name: some StringProtocol) -> File? { files[name.isEmpty ? "index.html" : String(name)] }
}
