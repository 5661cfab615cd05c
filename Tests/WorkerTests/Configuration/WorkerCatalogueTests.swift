import Foundation
import Settings
import TestSupport
import Testing

@testable import Worker

/// What a worker reads is what the catalogue of settings says of it.
@Suite struct WorkerCatalogueTests {
    private static let own = CatalogueCheck.own(.worker)

    private static let ofRooms = SettingsCatalogue.standard.settings.filter { $0.section == nil }

    private let check: CatalogueCheck
    private let uri = room("room@x.com")

    init() {
        let directory = TemporaryDirectory()
        check = CatalogueCheck(.worker) { text in
            let file = try directory.file("worker.ini", text)
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file)
            return try WorkerConfiguration(file: file)
        }
    }

    @Test func `B34 every key that a worker reads is refused in the words of its documentation, and no other is`()
        throws
    {
        let (said, documented) = try check.nonsense()
        #expect(said == documented)
    }

    @Test(arguments: own.filter { $0.legal == nil && $0.hasEffect })
    func `B34 every text that a worker reads changes something`(setting: Setting) throws {
        #expect(try !check.isDefault("changed", of: setting))
    }

    @Test(arguments: own)
    func `B34 the default in the catalogue is the default`(setting: Setting) throws {
        #expect(try check.isDefault(setting.standard, of: setting))
    }

    @Test func `B20 B34 every key of a room is refused in the words of its documentation`() throws {
        let lines = Self.ofRooms.map { "\($0.key) = ?!\n" }.joined()
        let (configuration, problems) = RoomConfiguration.of(
            uri, in: try INIFile("[room@x.com]\n\(lines)"), fallback: RoomConfiguration())
        #expect(problems.sorted() == Self.ofRooms.compactMap { CatalogueCheck.refusal($0, in: "room@x.com") }.sorted())
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
