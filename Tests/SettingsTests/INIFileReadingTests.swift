import Foundation
import Settings
import Testing

@Suite struct INIFileReadingTests {
    /// Gives `body` the path of a file that holds `bytes`.
    private func withFile<Result>(_ bytes: [UInt8], _ body: (String) throws -> Result) throws -> Result {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("continuo-\(UUID().uuidString).ini")
        try Data(bytes).write(to: url)
        defer { try? FileManager.default.removeItem(at: url) }
        return try body(url.path)
    }

    @Test func `Without a file everything has its default`() throws {
        #expect(try INIFile.read(nil) == INIFile())
    }

    @Test func `A file is read as UTF-8`() throws {
        let file = try withFile(Array("[Räume]\r\nname = é\n".utf8)) { try INIFile.read($0) }
        #expect(file.sections["Räume"]?.map(\.value) == ["é"])
    }

    @Test func `A file that is not there or not UTF-8 is named`() throws {
        #expect(throws: SettingsError(problems: ["/nonexistent/continuo.ini cannot be read"])) {
            try INIFile.read("/nonexistent/continuo.ini")
        }
        _ = try withFile([0x5B, 0x41, 0x5D, 0x0A, 0x61, 0x3D, 0xFF, 0xFE]) { path in
            #expect(throws: SettingsError(problems: ["\(path) cannot be read: it is not UTF-8"])) {
                try INIFile.read(path)
            }
        }
        #expect(throws: SettingsError.self) { try INIFile.read("") }
    }

    @Test func `Mistakes in a file are told as they are`() throws {
        _ = try withFile(Array("[A]\nkey\n".utf8)) { path in
            #expect(throws: SettingsError(problems: ["line 2: expected key = value"])) { try INIFile.read(path) }
        }
    }
}
