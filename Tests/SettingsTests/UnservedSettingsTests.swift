import Testing

@testable import Settings

/// Keys of the original that have no effect yet are checked all the same (protocol page, section 9).
@Suite struct UnservedSettingsTests {
    private func problems(_ section: String, _ line: String) throws -> [String] {
        var reader = SettingsReader(try INIFile("[\(section)]\n\(line)\n"))
        UnservedSettings.check(&reader)
        return reader.problems
    }

    @Test(arguments: [
        "", "none", "proxy.example.com", "proxy.example.com:5060", "192.0.2.1", "192.0.2.1:65535;transport=tcp",
        "[2001:db8::1]", "[2001:db8::1]:5061;transport=tls", "proxy.example.com;transport=UDP", "localhost",
    ])
    func `B34 An outbound proxy is host, port and transport`(text: String) throws {
        #expect(try problems("General", "outbound_sip_proxy = \(text)") == [])
    }

    @Test(arguments: [
        "proxy:0", "proxy:65536", "proxy:", "proxy:x", ":5060", "proxy;transport=sctp", "proxy;x=y", "proxy;", "a b",
        "a..b",
        "sip:proxy", "[::1", "[]", "[x]", "proxy;transport=udp;transport=tcp", "proxy:+1", "proxy:５０６０",
    ])
    func `B34 Anything else stops the start and is told what is legal`(text: String) throws {
        let problem = "[General] outbound_sip_proxy: \"\(text)\" is not legal; legal is \(UnservedSettings.proxies)"
        #expect(try problems("General", "outbound_sip_proxy = \(text)") == [problem])
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
