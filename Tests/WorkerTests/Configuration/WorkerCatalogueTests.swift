import Foundation
import Settings
import Testing

@testable import Worker

/// What a worker reads is what the catalogue of settings says of it.
@Suite struct WorkerCatalogueTests {
    private static let own = SettingsCatalogue.standard.settings.filter { setting in
        setting.section != nil && (setting.readers != .frontdoor || !setting.hasEffect)
    }

    private static let ofRooms = SettingsCatalogue.standard.settings.filter { $0.section == nil }

    private let directory = TemporaryDirectory()
    private let uri = room("room@x.com")

    private func read(_ text: String) throws -> WorkerConfiguration {
        let file = try directory.file("worker.ini", text)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file)
        return try WorkerConfiguration(file: file)
    }

    /// Everything that comes out of such a file.
    private func described(_ file: String) throws -> String {
        var text = ""
        dump(try read(file), to: &text)
        return text
    }

    private func refusal(_ setting: Setting, in section: String) -> String? {
        setting.legal.map { "[\(section)] \(setting.key): \"?!\" is not legal; legal is \($0)" }
    }

    @Test func `B34 every key that a worker reads is refused in the words of its documentation, and no other is`()
        throws
    {
        let everything = SettingsCatalogue.standard.settings.compactMap { setting in
            setting.section.map { "[\($0)]\n\(setting.key) = ?!\n" }
        }
        do {
            _ = try read(everything.joined())
            Issue.record("a configuration full of nonsense was accepted")
        } catch let error as SettingsError {
            #expect(error.problems.sorted() == Self.own.compactMap { refusal($0, in: $0.section ?? "") }.sorted())
        }
    }

    @Test(arguments: own.filter { $0.legal == nil && $0.hasEffect })
    func `B34 every text that a worker reads changes something`(setting: Setting) throws {
        let section = try #require(setting.section)
        let standard = try described("[\(section)]\n")
        let changed = try described("[\(section)]\n\(setting.key) = changed\n")
        #expect(changed != standard)
    }

    @Test(arguments: own)
    func `B34 the default in the catalogue is the default`(setting: Setting) throws {
        let section = try #require(setting.section)
        let standard = try described("[\(section)]\n")
        let written = try described("[\(section)]\n\(setting.key) = \(setting.standard)\n")
        #expect(written == standard)
    }

    @Test func `B20 B34 every key of a room is refused in the words of its documentation`() throws {
        let lines = Self.ofRooms.map { "\($0.key) = ?!\n" }.joined()
        let (configuration, problems) = RoomConfiguration.of(
            uri, in: try INIFile("[room@x.com]\n\(lines)"), fallback: RoomConfiguration())
        #expect(problems.sorted() == Self.ofRooms.compactMap { refusal($0, in: "room@x.com") }.sorted())
        #expect(configuration.access == .closed)
    }

    @Test(arguments: ofRooms)
    func `B20 the default of a room's key in the catalogue is the default`(setting: Setting) throws {
        var fallback = RoomConfiguration()
        fallback.maximumBitrate = 100_000
        fallback.maximumPublishers = 3
        fallback.videoCodecs = ["h264"]
        let file = try INIFile("[room@x.com]\n\(setting.key) = \(setting.standard)\n")
        let (configuration, problems) = RoomConfiguration.of(uri, in: file, fallback: fallback)
        #expect(problems == [])
        #expect(configuration == fallback)
    }
}
