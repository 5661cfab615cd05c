import Foundation
import Testing

@testable import Settings

/// One description of every key, from which everything else is made. After a change,
/// `CONTINUO_WRITE_DOCUMENTS=1 swift test --filter SettingsCatalogueTests` writes the documents anew.
@Suite struct SettingsCatalogueTests {
    private let settings = SettingsCatalogue.standard.settings

    @Test func `Every key is there once, as readers name it`() {
        let names = settings.map { "\($0.section ?? "@")/\($0.key)" }
        #expect(Set(names).count == names.count)
        for setting in settings {
            #expect(setting.key.allSatisfy { ("a"..."z").contains($0) || $0 == "_" }, "\(setting.key)")
            #expect(setting.section.map { !$0.contains("@") } != false)
            #expect(!setting.meaning.isEmpty && setting.meaning.hasSuffix("."), "\(setting.key)")
        }
    }

    @Test func `A default that is written down is legal`() {
        for setting in settings where !setting.standard.isEmpty {
            switch setting.values {
            case .boolean: #expect(SettingsReader.boolean(setting.standard) != nil, "\(setting.key)")
            case .integers(let range, _): #expect(Int(setting.standard).map(range.contains) == true, "\(setting.key)")
            case .text, .list, .form, .secret: break
            }
        }
    }

    @Test func `The configuration page's table is the catalogue`() throws {
        let page = try String(contentsOf: SettingsDocuments.page, encoding: .utf8)
        let table = try #require(SettingsDocuments.table(in: page), "the page has a table of keys")
        if SettingsDocuments.isWriting {
            let text = page.replacingCharacters(in: table.startIndex..<table.endIndex, with: SettingsDocuments.table)
            try text.write(to: SettingsDocuments.page, atomically: true, encoding: .utf8)
        } else {
            #expect(table == SettingsDocuments.table)
        }
    }

    @Test func `The sample file is the catalogue`() throws {
        if SettingsDocuments.isWriting {
            try SettingsDocuments.sample.write(to: SettingsDocuments.sampleFile, atomically: true, encoding: .utf8)
        } else {
            let file = try String(contentsOf: SettingsDocuments.sampleFile, encoding: .utf8)
            #expect(file == SettingsDocuments.sample)
        }
    }

    @Test
    func `The sample file sets nothing, and with every default uncommented it sets every key and warns of nothing`()
        throws
    {
        let sample = try String(contentsOf: SettingsDocuments.sampleFile, encoding: .utf8)
        let asItIs = try INIFile(sample)
        #expect(asItIs.sections.values.allSatisfy { $0.isEmpty })
        #expect(Array(asItIs.sections.keys).sorted() == SettingsCatalogue.standard.sections.sorted())

        let lines = sample.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            line.hasPrefix("#") && !line.hasPrefix("# ") ? line.dropFirst() : line
        }
        let uncommented = try INIFile(lines.joined(separator: "\n"))
        #expect(uncommented.sections.values.map(\.count).reduce(0, +) == settings.count)
        #expect(SettingsReader(uncommented).warnings(path: nil) == [])
    }
}
