import Foundation
import Testing

@testable import Settings

@Suite struct SettingsWarningTests {
    private func warnings(_ text: String) throws -> [SettingsWarning] {
        SettingsReader(try INIFile(text)).warnings(path: nil)
    }

    @Test func `A file of known keys is not warned of, whoever reads them`() throws {
        #expect(
            try warnings(
                """
                [General]
                Web-Origins = *
                [Worker]
                slots = 1
                [Frontdoor]
                loops = 1
                [Limits]
                accounts = 3
                [room@example.com]
                record = yes
                """) == [])
    }

    @Test(arguments: [
        ("General", "web_origin", "web_origins"), ("General", "sip_domain", "sip_domains"),
        ("Janus", "api_ulr", "api_url"),
        ("Worker", "slot", "slots"), ("Limits", "session", "sessions"), ("Janus", "max_bitrates", "max_bitrate"),
        ("room@x.com", "acess_policy", "access_policy"), ("sip:room@x.com", "dney", "deny"),
    ])
    func `B34 An unknown key is told with the one that it resembles`(section: String, key: String, meant: String) throws
    {
        let warning = try #require(try warnings("[\(section)]\n\(key) = 1").first)
        #expect(warning == .unknownKey(section: section, key: key, resembling: meant))
        #expect(warning.detail == "[\(section)] \(key) (did you mean \(meant)?)")
    }

    @Test(arguments: [("General", "speed"), ("Bus", "folder"), ("room@x.com", "password"), ("Janus", "x")])
    func `B34 An unknown key that resembles none is told as it is`(section: String, key: String) throws {
        #expect(try warnings("[\(section)]\n\(key) = 1") == [.unknownKey(section: section, key: key, resembling: nil)])
    }

    @Test(arguments: [
        ("general", "General"), ("Genral", "General"), ("Limit", "Limits"), ("FrontDoor", "Frontdoor"), ("tls", "TLS"),
        ("Databases", nil), ("room", nil), ("room@", nil), ("conference.example.com", nil),
    ])
    func `B34 A section that is neither ours nor a room's address is told`(name: String, meant: String?) throws {
        let warning = try #require(try warnings("[\(name)]\nkey = 1").first)
        #expect(warning == .unknownSection(name, resembling: meant))
        #expect(warning.detail == (meant.map { "[\(name)] (did you mean [\($0)]?)" } ?? "[\(name)]"))
    }

    @Test func `Keys of what is not served any more are told when they are set to something`() throws {
        #expect(
            try warnings("[General]\nfirebase_server_key = x") == [
                .withoutEffect(
                    section: "General", key: "firebase_server_key",
                    reason: "that push service is gone, sylk_push_url takes its place")
            ])
        #expect(
            try warnings("[General]\nfirebase_server_key =\nhttp_management_interface = 10.0.0.1:20888") == [])
    }

    @Test func `D56 No warning repeats a value`() throws {
        let all = try warnings(
            "[General]\nfirebase_server_key = 5ecre7\nunknown = 5ecre7\n[Unknown]\nkey = 5ecre7\n[a@b]\nsecret = 5ecre7"
        )
        #expect(all.count == 4)
        #expect(!all.contains { "\($0.message) \($0.detail)".contains("5ecre7") })
    }
}

@Suite struct SimilarityTests {
    @Test(arguments: [
        ("", "", 0), ("a", "", 1), ("abc", "abc", 0), ("abc", "abd", 1), ("abc", "acb", 1), ("abc", "xabc", 1),
        ("dney", "deny", 1),
        ("abcdef", "badcfe", 3), ("kitten", "sitting", 3),
    ])
    func `A distance counts what would have to be changed`(one: String, other: String, distance: Int) {
        #expect(Similarity.distance(one, other) == distance)
        #expect(Similarity.distance(other, one) == distance)
    }

    @Test func `The nearest is found, if any is near`() {
        let names = ["connections", "connections_per_address", "accounts"]
        #expect(Similarity.nearest(to: "connection", in: names) == "connections")
        #expect(Similarity.nearest(to: "CONNECTIONS", in: names) == "connections")
        #expect(Similarity.nearest(to: "connections_per_adress", in: names) == "connections_per_address")
        #expect(Similarity.nearest(to: "speed", in: names) == nil)
        #expect(Similarity.nearest(to: "", in: names) == nil)
        #expect(Similarity.nearest(to: "a", in: ["b"]) == nil, "another name altogether")
        #expect(Similarity.nearest(to: String(repeating: "a", count: 100_000), in: names) == nil)
    }
}
