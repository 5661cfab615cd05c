import Testing

@testable import Settings

/// Keys of the original that have no effect yet are checked all the same (protocol page, section 9).
@Suite struct UnservedSettingsTests {
    private func problems(_ section: String, _ line: String) throws -> [String] {
        var reader = SettingsReader(try INIFile("[\(section)]\n\(line)\n"))
        UnservedSettings.check(&reader)
        return reader.problems
    }

    @Test(arguments: ["127.0.0.1", "127.0.0.1:20888", "0.0.0.0:1", "[::1]:20888", "[::]", ""])
    func `B34 A management interface is an IP address and a port`(text: String) throws {
        #expect(try problems("General", "http_management_interface = \(text)") == [])
    }

    @Test(arguments: [
        "localhost:1", "127.0.0.1:0", "127.0.0", "127.0.0.256", "127.0.0.1:65536", "1.2.3.4.5", "::1", "none", "20888",
    ])
    func `B34 Another interface stops the start`(text: String) throws {
        #expect(try problems("General", "http_management_interface = \(text)").count == 1)
    }
}
