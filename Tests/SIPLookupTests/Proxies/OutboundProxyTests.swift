import Testing

@testable import SIPLookup

@Suite struct OutboundProxyTests {
    @Test(arguments: [
        ("proxy.example.com", "proxy.example.com:5060;transport=udp"),
        ("Proxy.Example.com:5070", "proxy.example.com:5070;transport=udp"),
        ("192.0.2.1", "192.0.2.1:5060;transport=udp"),
        ("192.0.2.1:65535;transport=tcp", "192.0.2.1:65535;transport=tcp"),
        ("[2001:db8::1]", "[2001:db8::1]:5060;transport=udp"),
        ("[2001:db8::1]:5061;transport=tls", "[2001:db8::1]:5061;transport=tls"),
        ("proxy.example.com;transport=UDP", "proxy.example.com:5060;transport=udp"),
        ("proxy.example.com ; transport=tls", "proxy.example.com:5060;transport=tls"),
        ("localhost", "localhost:5060;transport=udp"),
    ])
    func `B34 An outbound proxy is host, port and transport`(text: String, read: String) throws {
        let proxy = try #require(OutboundProxy(text))
        #expect(proxy.description == read)
        #expect(OutboundProxy(read) == proxy)
    }

    @Test(arguments: [
        "", "proxy:0", "proxy:65536", "proxy:", "proxy:x", ":5060", "proxy;transport=sctp", "proxy;x=y", "proxy;",
        "a b",
        "a..b", "sip:proxy", "[::1", "[]", "[x]", "::1", "[::1]5060", "proxy;transport=udp;transport=tcp", "proxy:+1",
        "proxy:５０６０", "[1.2.3.4]", ";transport=udp",
    ])
    func `B34 Anything else is none`(text: String) { #expect(OutboundProxy(text) == nil) }

    @Test(arguments: [
        ("127.0.0.1", "127.0.0.1:53"), ("127.0.0.1:5353", "127.0.0.1:5353"), ("::1", "[::1]:53"),
        ("[::1]:5353", "[::1]:5353"),
    ])
    func `B34 A name server is an address and a port`(text: String, read: String) {
        #expect(NameServer(text)?.description == read)
    }

    @Test(arguments: [
        "", "localhost", "127.0.0.1:", "127.0.0.1:0", "::1:53x", "[::1", "[::1]", "127.0.0.1:99999", "a:1",
    ])
    func `B34 Anything else is no name server`(text: String) { #expect(NameServer(text) == nil) }
}
