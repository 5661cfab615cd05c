import Foundation
import Settings
import Testing

@testable import Frontdoor

/// What a front door reads is what the catalogue of settings says of it.
@Suite struct FrontdoorCatalogueTests {
    /// Certificate and key are looked at together, by tests of their own.
    private static let readElsewhere: Set = ["TLS/certificate", "TLS/private_key"]

    private static let own = SettingsCatalogue.standard.settings.filter { setting in
        guard let section = setting.section, !readElsewhere.contains("\(section)/\(setting.key)") else { return false }
        return setting.readers != .worker || !setting.hasEffect
    }

    private let file = TemporaryFolder.newPath()

    private func read(_ text: String) throws -> FrontdoorConfiguration {
        try text.write(toFile: file, atomically: false, encoding: .utf8)
        return try FrontdoorConfiguration(file: file)
    }

    /// Everything that comes out of such a file.
    private func described(_ file: String) throws -> String {
        var text = ""
        dump(try read(file), to: &text)
        return text
    }

    @Test func `B34 Every key that a front door reads is refused in the words of its documentation, and no other is`()
        throws
    {
        let everything = SettingsCatalogue.standard.settings.filter { $0.section != "TLS" }.compactMap { setting in
            setting.section.map { "[\($0)]\n\(setting.key) = ?!\n" }
        }
        let expected = Self.own.compactMap { setting in
            setting.legal.map { "[\(setting.section ?? "")] \(setting.key): \"?!\" is not legal; legal is \($0)" }
        }
        do {
            _ = try read(everything.joined())
            Issue.record("a configuration full of nonsense was accepted")
        } catch let error as SettingsError {
            #expect(error.problems.sorted() == expected.sorted())
        }
    }

    @Test(arguments: own.filter { $0.legal == nil && $0.hasEffect })
    func `B34 Every text that a front door reads changes something`(setting: Setting) throws {
        let section = try #require(setting.section)
        let standard = try described("[\(section)]\n")
        let changed = try described("[\(section)]\n\(setting.key) = changed\n")
        #expect(changed != standard)
    }

    @Test(arguments: own)
    func `B34 The default in the catalogue is the default`(setting: Setting) throws {
        let section = try #require(setting.section)
        let standard = try described("[\(section)]\n")
        let written = try described("[\(section)]\n\(setting.key) = \(setting.standard)\n")
        #expect(written == standard)
    }
}
