import Identity
import NIOHTTP1
import TestSupport
import Testing

@testable import Frontdoor

@Suite struct TrustedProxiesTests {
    private let proxies = TrustedProxies(["10.0.0.0/8", "192.0.2.1", "2001:db8::/32"]) ?? .none

    private func account(_ headers: KeyValuePairs<String, String>, from peer: String = "10.0.0.1") throws -> String {
        let headers = HTTPHeaders(headers.map { ($0.key, $0.value) })
        switch proxies.account(of: headers, from: try #require(IPAddress(peer))) {
        case .peer: return "peer"
        case .malformed: return "malformed"
        case .forwarded(let hop): return hop.port.map { "\(hop.address) \($0)" } ?? "\(hop.address)"
        }
    }

    // MARK: Networks

    @Test(arguments: [
        ("10.0.0.0/8", "10.255.1.2", "11.0.0.0"), ("192.0.2.1", "192.0.2.1", "192.0.2.2"),
        ("192.0.2.128/25", "192.0.2.255", "192.0.2.127"), ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"),
        ("2001:db8::/65", "2001:db8::7fff:0:0:1", "2001:db8::8000:0:0:1"), ("::1", "::1", "::2"),
        ("2001:db8::8000:0:0:0/65", "2001:db8::ffff:0:0:1", "2001:db8::1"), ("0.0.0.0/0", "255.0.0.1", "2001:db8::1"),
        ("10.0.0.0/8", "::ffff:10.1.1.1", "::10.1.1.1"), ("fe00::/7", "ff00::1", "fc00::1"),
    ])
    func `A network holds what begins as it does`(network: String, inside: String, outside: String) throws {
        let network = try #require(TrustedProxies.Network(network))
        #expect(network.contains(try #require(IPAddress(inside))))
        #expect(!network.contains(try #require(IPAddress(outside))))
    }

    @Test func `The whole of version 6 holds everything`() throws {
        let everything = try #require(TrustedProxies.Network("::/0"))
        #expect(everything.contains(try #require(IPAddress("ffff::1"))))
        #expect(everything.contains(try #require(IPAddress("1.2.3.4"))))
    }

    @Test(arguments: [
        "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/", "/8", "10.0.0.0/8/8", "2001:db8::/129",
        "2001:db8::1/64", "proxy.example.org", "",
    ])
    func `What is no network is refused`(text: String) { #expect(TrustedProxies([text]) == nil) }

    // MARK: Whose word is taken

    @Test(arguments: ["203.0.113.1", "::1", "192.0.2.2"])
    func `Only that of trusted peers`(peer: String) throws {
        #expect(try account(["X-Forwarded-For": "198.51.100.1"], from: peer) == "peer")
        #expect(try account(["Forwarded": "for=198.51.100.1"], from: peer) == "peer")
    }

    @Test(arguments: ["10.9.9.9", "192.0.2.1", "2001:db8::5", "::ffff:10.1.1.1"])
    func `Trusted peers are believed`(peer: String) throws {
        #expect(try account(["X-Forwarded-For": "198.51.100.1"], from: peer) == "198.51.100.1")
        #expect(try account([:], from: peer) == "peer")
    }

    @Test(arguments: [
        ("198.51.100.1", "198.51.100.1"), (" 198.51.100.1\t", "198.51.100.1"), ("2001:470::1", "2001:470::1"),
        ("[2001:470::1]", "2001:470::1"), ("[2001:470::1]:443", "2001:470::1 443"),
        ("198.51.100.1:65535", "198.51.100.1 65535"),
        ("203.0.113.7, 198.51.100.1", "198.51.100.1"), ("198.51.100.1, 10.0.0.2,192.0.2.1", "198.51.100.1"),
        ("10.0.0.3, 10.0.0.2", "10.0.0.3"), ("rubbish, 198.51.100.1", "198.51.100.1"),
        ("198.51.100.1, rubbish", "malformed"), ("198.51.100.1,", "malformed"), ("", "malformed"),
        ("198.51.100.1:65536", "malformed"), ("198.51.100.1:", "malformed"), ("198.51.100.1:+1", "malformed"),
        ("[2001:470::1", "malformed"), ("[198.51.100.1]", "malformed"), ("unknown, 10.0.0.2", "malformed"),
    ])
    func `X-Forwarded-For names the last hop that is not trusted`(field: String, expected: String) throws {
        #expect(try account(["X-Forwarded-For": field]) == expected)
    }

    @Test(arguments: [
        ("for=198.51.100.1", "198.51.100.1"), ("For=\"198.51.100.1:80\"", "198.51.100.1 80"),
        ("for=\"[2001:470::1]\"", "2001:470::1"), ("FOR=\"[2001:470::1]:80\";proto=http;by=10.0.0.2", "2001:470::1 80"),
        ("proto=https; for=198.51.100.1", "198.51.100.1"),
        ("for=203.0.113.9, for=198.51.100.1;by=10.0.0.2, for=10.0.0.3", "198.51.100.1"),
        ("for=10.0.0.4,for=10.0.0.3", "10.0.0.4"), ("for=unknown", "malformed"), ("for=_hidden", "malformed"),
        ("by=10.0.0.2", "malformed"), ("for=198.51.100.1;for=203.0.113.9", "malformed"),
        ("for=\"203.0.113.9, for=198.51.100.1", "malformed"), ("for=\"203.0.113.9\\\", for=198.51.100.1", "malformed"),
        ("for=\"a, for=b\", for=198.51.100.1", "198.51.100.1"), ("for=2001:470::1", "malformed"), ("", "malformed"),
        ("for=198.51.100.1\"", "malformed"), ("for=", "malformed"), ("for=\"", "malformed"), (";;;,,,", "malformed"),
    ])
    func `Forwarded names it with quotes, ports and other members`(field: String, expected: String) throws {
        #expect(try account(["Forwarded": field]) == expected)
    }

    @Test func `Fields are one behind the other, and names have any case`() throws {
        #expect(
            try account(["x-forwarded-for": "203.0.113.1", "X-FORWARDED-FOR": "198.51.100.1, 10.0.0.2"])
                == "198.51.100.1")
        #expect(try account(["Forwarded": "for=198.51.100.1", "forwarded": "for=10.0.0.9"]) == "198.51.100.1")
        #expect(
            try account(["Forwarded": "for=\"unended", "forwarded": "for=198.51.100.1"]) == "198.51.100.1",
            "the client's own field is not looked at")
    }

    @Test func `Both headers have to agree`() throws {
        #expect(
            try account(["Forwarded": "for=\"198.51.100.1:99\"", "X-Forwarded-For": "198.51.100.1"])
                == "198.51.100.1 99")
        #expect(try account(["Forwarded": "for=198.51.100.1", "X-Forwarded-For": "198.51.100.2"]) == "malformed")
        #expect(try account(["Forwarded": "for=unknown", "X-Forwarded-For": "198.51.100.2"]) == "malformed")
        #expect(try account(["Forwarded": "for=198.51.100.1", "X-Forwarded-For": "?"]) == "malformed")
    }

    @Test func `Nothing in a header traps`() throws {
        var generator = SeededGenerator(seed: 11)
        let alphabet = Array("for=,;\"\\[]:.0123456789abcdef_ \t\u{e9}")
        for _ in 0..<20_000 {
            let length = Int.random(in: 0...24, using: &generator)
            let text = String((0..<length).map { _ in alphabet.randomElement(using: &generator) ?? "x" })
            _ = try account(["Forwarded": text, "X-Forwarded-For": text])
            _ = TrustedProxies.Network(text)
        }
    }
}
