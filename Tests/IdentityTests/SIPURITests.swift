import Identity
import Testing

/// RFC 3261 §19.1 and §25.1.
@Suite struct SIPURITests {
    struct Good: Sendable, CustomTestStringConvertible {
        let text: String
        let user: String?
        let host: String
        let port: UInt16?

        init(_ text: String, _ user: String?, _ host: String, _ port: UInt16? = nil) {
            (self.text, self.user, self.host, self.port) = (text, user, host, port)
        }

        var testDescription: String { text }
    }

    static let longLabel = String(repeating: "a", count: 63)

    /// RFC 3261 §19.1.3.
    static let examplesOfTheRFC = [
        Good("sip:alice@atlanta.com", "alice", "atlanta.com"),
        Good("sip:alice:secretword@atlanta.com;transport=tcp", "alice", "atlanta.com"),
        Good("sips:alice@atlanta.com?subject=project%20x&priority=urgent", "alice", "atlanta.com"),
        Good("sip:+1-212-555-1212:1234@gateway.com;user=phone", "+1-212-555-1212", "gateway.com"),
        Good("sips:1212@gateway.com", "1212", "gateway.com"), Good("sip:alice@192.0.2.4", "alice", "192.0.2.4"),
        Good("sip:atlanta.com;method=REGISTER?to=alice%40atlanta.com", nil, "atlanta.com"),
        Good("sip:alice;day=tuesday@atlanta.com", "alice;day=tuesday", "atlanta.com"),
    ]

    /// RFC 3261 §19.1.4, URIs that are compared there.
    static let comparisonsOfTheRFC = [
        Good("sip:%61lice@atlanta.com;transport=TCP", "%61lice", "atlanta.com"),
        Good("sip:alice@AtLanTa.CoM;Transport=tcp", "alice", "AtLanTa.CoM"),
        Good("sip:carol@chicago.com;newparam=5", "carol", "chicago.com"),
        Good("sip:carol@chicago.com;security=on", "carol", "chicago.com"),
        Good("sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com", nil, "biloxi.com"),
        Good("sip:alice@atlanta.com?subject=project%20x&priority=urgent", "alice", "atlanta.com"),
        Good("sip:bob@phone21.boxesbybob.com", "bob", "phone21.boxesbybob.com"),
        Good("sip:bob@192.0.2.4;maddr=239.255.255.1;ttl=15", "bob", "192.0.2.4"),
    ]

    static let others = [
        Good("alice@example.com", "alice", "example.com"), Good("SIP:alice@example.com", "alice", "example.com"),
        Good("SiPs:alice@example.com", "alice", "example.com"),
        Good(
            "sip:alice:@example.com", "alice",
            "example.com"),
        Good("sip:sip@example.com", "sip", "example.com"), Good("sips@example.com", "sips", "example.com"),
        Good("alice@example.com:5060", "alice", "example.com", 5060),
        Good("alice@example.com:1", "alice", "example.com", 1),
        Good("alice@example.com:65535", "alice", "example.com", 65_535),
        Good("sip:alice@example.com:5061;lr;transport=tls?x=y", "alice", "example.com", 5061),
        Good("-_.!~*'()&=+$,;?/@example.com", "-_.!~*'()&=+$,;?/", "example.com"),
        Good("alice%40home@example.com", "alice%40home", "example.com"),
        Good("%00@example.com", "%00", "example.com"), Good("a@b", "a", "b"), Good("a@b-1.c_d", "a", "b-1.c_d"),
        Good("alice@example.com.", "alice", "example.com."), Good("alice@127.0.0.1:5060", "alice", "127.0.0.1", 5060),
        Good("alice@[::1]", "alice", "[::1]"), Good("alice@[2001:DB8::10]:5060", "alice", "[2001:DB8::10]", 5060),
        Good("sip:[2001:db8::10]", nil, "[2001:db8::10]"),
        Good("alice@[::ffff:192.0.2.4];transport=tcp", "alice", "[::ffff:192.0.2.4]"),
        Good("alice@example.com;maddr=[2001:db8::1]", "alice", "example.com"),
        Good(
            "example.com", nil,
            "example.com"),
        Good("sip:example.com:5060", nil, "example.com", 5060), Good("a@\(longLabel).com", "a", "\(longLabel).com"),
    ]

    static let bad = [
        "", "sip:", "sips:", "@", "@example.com", "sip:@example.com", ":secret@example.com", "alice@", "sip:alice@",
        "alice@@example.com", "alice@home@example.com", "a b@example.com", " alice@example.com", "alice@example.com ",
        "alice@exa mple.com", "alice@example.com\n", "alice\r\n@example.com", "alice\t@example.com",
        "\u{0}@example.com",
        "alice@example.com\u{0}", "alice\u{7F}@example.com", "älice@example.com", "alice@exämple.com",
        "alice@example.com;x=ä", "sip:sip:alice@example.com", "sip:sips:alice@example.com",
        "SIPS:SIP:alice@example.com", "sip: alice@example.com", "sip:\u{301}alice@example.com",
        "http://example.com/", "http://alice@example.com",
        "<sip:alice@example.com>", "\"Alice\" <alice@example.com>",
        "alice@example..com", "alice@.example.com", "alice@.", "alice@..", "alice@-example.com", "alice@example-.com",
        "alice@exam!ple.com", "alice@*", "alice@\(longLabel)a.com", "alice@example.com:", "alice@example.com:0",
        "alice@example.com:65536", "alice@example.com:-1", "alice@example.com:+1", "alice@example.com:5060x",
        "alice@example.com:99999999999999999999", "alice@example.com:5060:5060", "alice@example.com/path",
        "ali%@example.com", "ali%4@example.com", "ali%zz@example.com", "alice:pass word@example.com",
        "alice:pa/ss@example.com", "alice:%@example.com", "ali[ce]@example.com", "ali#ce@example.com",
        "ali\"ce@example.com", "ali\\ce@example.com", "alice@example.com;x=<", "alice@example.com;x=%4",
        "alice@example.com?a=\"b\"", "alice@[::1", "alice@::1", "alice@[]", "alice@[1]", "alice@[::g]",
        "alice@[::1]x",
        "alice@[::1]5060", "alice@[::1]:", "alice@[fe80::1%25eth0]", "alice@2001:db8::1",
    ]

    @Test(arguments: examplesOfTheRFC + comparisonsOfTheRFC + others)
    func `A SIP URI is taken apart`(good: Good) throws {
        let uri = try #require(SIPURI(good.text))
        #expect(uri.user == good.user)
        #expect(uri.host == good.host)
        #expect(uri.port == good.port)
    }

    @Test(arguments: bad)
    func `What is no SIP URI is refused`(text: String) {
        #expect(SIPURI(text) == nil)
        #expect(AddressOfRecord(text) == nil)
        #expect(RoomURI(text) == nil)
    }
}

/// What leads to a server (RFC 3263 §4).
@Suite struct SIPURITransportTests {
    @Test(
        arguments: [
            ("sip:alice@atlanta.com", nil, false), ("alice@atlanta.com;transport=tcp", "tcp", false),
            ("sips:alice@atlanta.com", nil, true), ("SIPS:atlanta.com;lr;Transport=UDP", "udp", true),
            ("alice@[::1]:5070;a=b;transport=TLS-SCTP;transport=udp?transport=x", "tls-sctp", false),
            ("alice;transport=udp@atlanta.com", nil, false), ("alice@atlanta.com?transport=udp", nil, false),
            ("alice@atlanta.com;transport", nil, false), ("alice@atlanta.com;xtransport=udp", nil, false),
            ("alice@atlanta.com;transport=a=b", "a=b", false), ("alice@atlanta.com;transport=", "", false),
        ] as [(String, String?, Bool)])
    func `B29 A URI says whether it is secure, and which transport it wants`(
        text: String, transport: String?, isSecure: Bool
    ) throws {
        let uri = try #require(SIPURI(text))
        #expect(uri.transport == transport)
        #expect(uri.isSecure == isSecure)
    }
}
