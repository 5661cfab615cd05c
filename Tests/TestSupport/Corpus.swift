import Foundation

/// The files of `Tests/Corpus/<name>`: what fuzzing starts from. A file is one input, byte by byte, or in a `.lines` file
/// every line is one.
public struct Corpus: Sendable {
    public let name: String
    public let inputs: [[UInt8]]

    /// - Precondition: the folder exists and holds something.
    public init(_ name: String) {
        self.name = name
        let here = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let folder = here.appendingPathComponent("Corpus/\(name)")
        let files = (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)) ?? []
        var inputs: [[UInt8]] = []
        for file in files.sorted(by: { $0.lastPathComponent < $1.lastPathComponent }) {
            guard let data = try? Data(contentsOf: file) else { preconditionFailure("\(file.path) cannot be read") }
            if file.pathExtension == "lines" {
                inputs += data.split(separator: UInt8(ascii: "\n")).map { Array($0) }
            } else {
                inputs.append(Array(data))
            }
        }
        precondition(!inputs.isEmpty, "the corpus \(folder.path) is empty")
        self.inputs = inputs
    }
}
