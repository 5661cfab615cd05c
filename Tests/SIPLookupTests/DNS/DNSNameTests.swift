import Testing

@testable import SIPLookup

@Suite struct DNSNameTests {
    @Test(arguments: [
        ("example.com", "example.com"), ("Example.COM.", "example.com"),
        ("_sip._udp.example.com", "_sip._udp.example.com"),
        ("localhost", "localhost"), ("1.2.3.256", "1.2.3.256"), ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        (String(repeating: "a", count: 63), String(repeating: "a", count: 63)),
    ])
    func `A name is told in lower case and without its final dot`(text: String, told: String) {
        #expect(DNSName(text)?.description == told)
    }

    @Test(arguments: [
        "", ".", "..", "a..b", ".a", "a b", "a\u{0}b", "exämple.com", "a/b", "*.example.com", "a\\.b", "[::1]",
        "a:5060",
        String(repeating: "a", count: 64), String(repeating: "a.", count: 127) + "b",
        String(repeating: "a", count: 100_000),
    ])
    func `Nothing else is asked for`(text: String) { #expect(DNSName(text) == nil) }

    @Test func `The longest name has 253 characters, and none with a service in front of it`() {
        let text = Array(repeating: String(repeating: "a", count: 49), count: 5).joined(separator: ".") + ".bcd"
        #expect(text.utf8.count == 253)
        let longest = name(text)
        #expect(DNSName(service: "_sip._udp", of: longest) == nil)
        #expect(DNSName(text + "e") == nil)
    }
}
