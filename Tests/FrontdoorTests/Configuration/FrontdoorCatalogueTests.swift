import Foundation
import Settings
import TestSupport
import Testing

@testable import Frontdoor

/// What a front door reads is what the catalogue of settings says of it.
@Suite struct FrontdoorCatalogueTests {
    /// Certificate and key are looked at together, by tests of their own.
    private static let readElsewhere: Set = ["TLS/certificate", "TLS/private_key"]

    private static let own = CatalogueCheck.own(.frontdoor, besides: readElsewhere)

    private let check: CatalogueCheck

    init() {
        let file = TemporaryFolder.newPath()
        check = CatalogueCheck(.frontdoor, besides: Self.readElsewhere) { text in
            try text.write(toFile: file, atomically: false, encoding: .utf8)
            return try FrontdoorConfiguration(file: file)
        }
    }

    @Test func `B34 Every key that a front door reads is refused in the words of its documentation, and no other is`()
        throws
    {
        let (said, documented) = try check.nonsense()
        #expect(said == documented)
    }

    @Test(arguments: own.filter { $0.legal == nil && $0.hasEffect })
    func `B34 Every text that a front door reads changes something`(setting: Setting) throws {
        #expect(try !check.isDefault("changed", of: setting))
    }

    @Test(arguments: own)
    func `B34 The default in the catalogue is the default`(setting: Setting) throws {
        #expect(try check.isDefault(setting.standard, of: setting))
    }
}
