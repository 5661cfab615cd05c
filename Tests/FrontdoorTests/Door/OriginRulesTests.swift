import Testing

@testable import Frontdoor

/// Protocol page, section 1.1.
@Suite struct OriginRulesTests {
    @Test(arguments: [
        (["*"], "https://example.org", true), (["*"], "chrome-extension://abc", true), (["*"], "", true),
        (["https://example.org"], "https://example.org", true),
        (["https://example.org"], "https://example.org.evil.example", false),
        (["https://example.org"], "http://example.org", false),
        (["https://example.org"], "https://sub.example.org", false),
        (["https://example.org"], "https://example.org/", false),
        (["https://a.example", "https://b.example"], "https://b.example", true),
        ([], "https://example.org", false),
    ])
    func `B01 An entry matches the origin as a whole`(entries: [String], origin: String, isAdmitted: Bool) {
        #expect(OriginRules(entries).admits(origin) == isAdmitted)
    }

    @Test(arguments: [
        ("https://*.example.org", "https://www.example.org", true),
        ("https://*.example.org", "https://a.b.example.org", true),
        ("https://*.example.org", "https://example.org", false),
        ("https://*.example.org", "https://evil.example/.example.org", true),
        ("https://*.example.org", "https://www.example.org.evil.example", false),
        ("*://example.org", "ws://example.org", true), ("https://example.*", "https://example.org", true),
        ("https://*.example.*", "https://www.example.com", true), ("h*p*://*", "https://x", true),
        ("h*p*://*", "https:/x", false), ("**", "https://x", true), ("https://a.example", "https://abexample", false),
        ("https://[a-z]?.example", "https://b.example", false), ("*.example.org:*", "https://a.example.org", true),
    ])
    func `B01 A star stands for any run of characters, everything else for itself`(
        entry: String, origin: String, isAdmitted: Bool
    ) {
        #expect(OriginRules([entry]).admits(origin) == isAdmitted)
    }

    @Test(arguments: [
        ("https://example.org:443", "https://example.org", true), ("http://example.org:80", "http://example.org", true),
        ("https://example.org:80", "https://example.org", false),
        ("https://example.org:443", "http://example.org", false),
        ("https://example.org:8443", "https://example.org:8443", true),
        ("https://example.org", "https://example.org:8443", false),
        ("https://example.org:8443:443", "https://example.org:8443", false),
        ("https://[2001:db8::1]:443", "https://[2001:db8::1]", true), ("http://[::1]:80", "http://[::1]", true),
        ("https://[2001:db8::1]", "https://[2001:db8::1]", true), ("https://[::1]:8443", "https://[::1]:8443", true),
        ("https://[::1]:8443:443", "https://[::1]:8443", false), ("ws://example.org:80", "ws://example.org", false),
    ])
    func `B01 The scheme's own port may be part of an entry`(entry: String, origin: String, isAdmitted: Bool) {
        #expect(OriginRules([entry]).admits(origin) == isAdmitted)
    }

    @Test(arguments: ["null", "file://", "file:///home/alice/page.html"])
    func `B01 Origins that are none are admitted exactly when the only entry is a star`(origin: String) {
        #expect(OriginRules(["*"]).admits(origin))
        for entries in [[], ["*", "https://example.org"], ["*", "*"], [origin], ["n*"], ["file:*"], ["**"]] {
            #expect(!OriginRules(entries).admits(origin), "\(entries)")
        }
    }

    @Test func `B01 What is longer than any origin is none`() {
        let longest = "https://" + String(repeating: "a", count: OriginRules.maximumLength - 8)
        #expect(OriginRules(["*"]).admits(longest))
        #expect(!OriginRules(["*"]).admits(longest + "a"))
    }

    @Test func `B01 Many stars take no time`() {
        let stars = String(repeating: "*a", count: 100) + "*b"
        #expect(!OriginRules([stars]).admits(String(repeating: "a", count: OriginRules.maximumLength)))
    }

    @Test(arguments: [[], ["*"], ["https://example.org"]])
    func `B01 Without the header there is nothing to check`(entries: [String]) {
        #expect(OriginRules(entries).admits(nil))
    }
}
