import Testing

@testable import Frontdoor

@Suite struct ManagementInterfaceTests {
    @Test(arguments: [
        ("127.0.0.1", "127.0.0.1:20888", true), ("127.8.0.1:1", "127.8.0.1:1", true),
        ("[::1]:20888", "[::1]:20888", true),
        ("[::1]", "[::1]:20888", true), ("0.0.0.0:65535", "0.0.0.0:65535", false), ("[::]", "[::]:20888", false),
        ("192.0.2.1", "192.0.2.1:20888", false), ("[::ffff:127.0.0.1]", "[::ffff:127.0.0.1]:20888", true),
        ("none", "none", true), ("None", "none", true),
    ])
    func `B31 B34 A management interface is an IP address and a port, or none`(
        text: String, meant: String, isLoopback: Bool
    ) throws {
        let interface = try #require(ManagementInterface(text))
        #expect(interface.description == meant)
        #expect(interface.isLoopback == isLoopback)
    }

    @Test(arguments: [
        "localhost:1", "127.0.0.1:0", "127.0.0", "127.0.0.256", "127.0.0.1:65536", "1.2.3.4.5", "::1", "20888", "",
        "127.0.0.1:", "127.0.0.1:+1", "127.0.0.1:1:2", "[127.0.0.1]:1", "[::1", "[::1]1", "[::1]:", "[]:1",
        "127.0.0.1:000001",
    ])
    func `B34 Anything else is no interface`(text: String) { #expect(ManagementInterface(text) == nil) }
}
