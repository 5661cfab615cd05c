import Foundation
import Identity
import Settings
import Telemetry
import Testing

@testable import Frontdoor

@Suite struct FrontdoorConfigurationTests {
    private func configuration(
        _ text: String, id: Int? = nil, listen: String? = nil, drainTime: Int? = nil, takeOver: Int? = nil
    ) throws -> FrontdoorConfiguration {
        try FrontdoorConfiguration(
            file: TemporaryFolder.file(text), id: id, listen: listen, drainTime: drainTime, takeOver: takeOver)
    }

    @Test func `B34 Without a file everything has its default`() throws {
        let configuration = try FrontdoorConfiguration(file: nil)
        #expect(configuration.id.number == 1)
        #expect(configuration.listen.description == "127.0.0.1:10888")
        #expect((1...64).contains(configuration.loops))
        #expect(configuration.origins == OriginRules(["*"]))
        #expect(configuration.domains == DomainRules(["*"]))
        #expect(configuration.pingInterval == 120)
        #expect(configuration.drainTime == 0)
        #expect(configuration.stateDirectory == "/var/lib/continuo")
        #expect(configuration.predecessor == nil)
        #expect(configuration.management == .ports(host: "127.0.0.1", 20860...20869))
        #expect(!configuration.tracesClients)
        #expect(configuration.warnings.isEmpty)
    }

    @Test func `B34 Every key is read`() throws {
        let configuration = try configuration(
            """
            [General]
            web-origins = https://a.example, https://b.example
            sip_domains = example.org, example.com
            websocket_ping_interval = 0
            trust_claimed_accounts = yes
            trace_client = yes
            trace_dir = /tmp/traces
            log_format = json
            state_dir = /srv/continuo
            [Frontdoor]
            id = 65535
            listen = [::1]:0
            loops = 64
            drain_time = 86400
            management = [::1]:9000-9001
            """)
        #expect(configuration.id.number == 65535)
        #expect(configuration.listen.description == "[::1]:0")
        #expect(configuration.loops == 64)
        #expect(configuration.origins == OriginRules(["https://a.example", "https://b.example"]))
        #expect(configuration.domains == DomainRules(["example.org", "example.com"]))
        #expect(configuration.pingInterval == 0)
        #expect(configuration.drainTime == 86400)
        #expect(configuration.management == .ports(host: "::1", 9000...9001))
        #expect(configuration.tracesClients)
        #expect(configuration.installation.traceDirectory == "/tmp/traces")
        #expect(configuration.installation.logFormat == "json")
        #expect(configuration.stateDirectory == "/srv/continuo")
        #expect(configuration.installation.trustsClaimedAccounts)
        #expect(configuration.warnings.isEmpty)
    }

    @Test func `B34 A file of the original works as it is`() throws {
        let fixture = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../Fixtures/webrtcgateway-of-the-original.ini").standardized.path
        let configuration = try FrontdoorConfiguration(file: fixture)
        #expect(configuration.origins == OriginRules(["https://webrtc.example.com", "https://*.example.org:8443"]))
        #expect(configuration.domains == DomainRules(["example.com", "example.org"]))
        #expect(configuration.pingInterval == 60)
        #expect(configuration.interface.secret != nil)
        #expect(configuration.warnings.filter { $0 != .readableByEverybody(path: fixture) } == [])
    }

    @Test func `B34 Every mistake is named with what is legal, all at once`() throws {
        let problems = [
            "[General] trust_claimed_accounts: \"maybe\" is not legal; legal is yes, true, on, 1, no, false, off, 0",
            "[Frontdoor] id: \"0\" is not legal; legal is 1 to 65535",
            "[Frontdoor] listen: \"10888\" is not legal; legal is host:port",
            "[Frontdoor] loops: \"65\" is not legal; legal is 1 to 64",
            "[Frontdoor] drain_time: \"86401\" is not legal; legal is 0 to 86400",
            "[General] websocket_ping_interval: \"-1\" is not legal; legal is 0 to 86400",
            "[General] trace_client: \"loud\" is not legal; legal is yes, true, on, 1, no, false, off, 0",
            "[Frontdoor] management: \"20860\" is not legal; legal is host:port, host:first-last, or none",
            "--id: legal is 1 to 65535", "--listen: legal is host:port", "--drain-time: legal is 0 to 86400",
            "--take-over: legal is the number of another front door, 1 to 65535",
        ]
        #expect(throws: SettingsError(problems: problems)) {
            try configuration(
                """
                [General]
                trust_claimed_accounts = maybe
                websocket_ping_interval = -1
                trace_client = loud
                [Frontdoor]
                id = 0
                listen = 10888
                loops = 65
                drain_time = 86401
                management = 20860
                """, id: 65536, listen: "here", drainTime: -1, takeOver: 0)
        }
    }

    @Test(arguments: [
        ("id", "65536"), ("id", "-1"), ("id", "one"), ("loops", "0"), ("loops", "many"), ("listen", ":1"),
    ])
    func `B34 A value out of its range stops the start`(key: String, value: String) throws {
        #expect(throws: SettingsError.self) { try configuration("[Frontdoor]\n\(key) = \(value)") }
    }

    @Test(arguments: ["86401", "1.5", "2 min"])
    func `B34 A ping interval is whole seconds, a day at most`(value: String) throws {
        #expect(throws: SettingsError.self) { try configuration("[General]\nwebsocket_ping_interval = \(value)") }
        #expect(try configuration("[General]\nwebsocket_ping_interval = 86400").pingInterval == 86400)
    }

    @Test func `The command line wins over the file`() throws {
        let configuration = try configuration(
            "[Frontdoor]\nid = 2\nlisten = 127.0.0.1:2\ndrain_time = 2", id: 3, listen: "127.0.0.1:3", drainTime: 3,
            takeOver: 2)
        #expect(configuration.id.number == 3)
        #expect(configuration.drainTime == 3)
        #expect(configuration.predecessor?.number == 2)
        #expect(configuration.listen.port == 3)
    }

    @Test func `A wrong command line does not fall back to the file`() throws {
        #expect(throws: SettingsError(problems: ["--id: legal is 1 to 65535"])) {
            try configuration("[Frontdoor]\nid = 2", id: 0)
        }
        #expect(throws: SettingsError(problems: ["--listen: legal is host:port"])) {
            try configuration("[Frontdoor]\nlisten = 127.0.0.1:2", listen: "")
        }
    }

    @Test func `A front door does not take over from itself`() throws {
        let problem = "--take-over: legal is the number of another front door, 1 to 65535"
        #expect(throws: SettingsError(problems: [problem])) { try configuration("[Frontdoor]\nid = 2", takeOver: 2) }
        #expect(throws: SettingsError(problems: [problem])) { try configuration("", id: 3, takeOver: 3) }
    }

    @Test func `Lists may be empty`() throws {
        let configuration = try configuration("[General]\nweb_origins = none\nsip_domains = None")
        #expect(!configuration.origins.admits("https://example.org") && configuration.origins.admits(nil))
        #expect(!configuration.domains.admits("example.org"))
    }

    @Test func `Unknown keys and sections are told, those of the other process are not`() throws {
        let configuration = try configuration(
            "[General]\nweb_origin = *\n[Frontdoor]\nport = 1\n[Bus]\nfolder = x\n[Worker]\nslots = none\n"
                + "[Limit]\n[room@example.org]\nrecord = yes\nrecrod = yes")
        #expect(
            configuration.warnings == [
                .unknownKey(section: "Bus", key: "folder", resembling: nil),
                .unknownKey(section: "Frontdoor", key: "port", resembling: nil),
                .unknownKey(section: "General", key: "web_origin", resembling: "web_origins"),
                .unknownSection("Limit", resembling: "Limits"),
                .unknownKey(section: "room@example.org", key: "recrod", resembling: "record"),
            ])
    }

    @Test func `A file that is not there stops the start`() {
        let path = TemporaryFolder.newPath()
        #expect(throws: SettingsError(problems: ["\(path) cannot be read"])) { try FrontdoorConfiguration(file: path) }
    }
}
