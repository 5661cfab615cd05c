import NIOCore
import Settings
import Sylkrtc
import Testing

@testable import Frontdoor

@Suite struct LimitsTests {
    private func limits(_ text: String) throws -> Limits {
        try FrontdoorConfiguration(file: TemporaryFolder.file("[Limits]\n\(text)")).limits
    }

    @Test func `B34 D07 Without a key every limit has its default`() throws {
        let limits = try limits("")
        #expect(limits == Limits())
        #expect(limits.messageSize == 262_144 && limits.unsentBytes == 1_048_576)
        #expect(limits.accounts == 16 && limits.sessions == 128 && limits.unansweredRequests == 64)
        #expect(limits.unansweredBytes == 1_048_576)
        #expect(limits.elements.candidates == 64 && limits.elements.invitees == 100)
        #expect(limits.handshakeTime == .seconds(5) && limits.closingTime == .seconds(1))
        #expect(limits.unwritableTime == .seconds(10) && limits.requestTime == .seconds(30))
        #expect(limits.connections == 0 && limits.connectionsPerAddress == 1000 && limits.handshakesPerAddress == 128)
    }

    @Test func `B34 Every limit is read`() throws {
        let limits = try limits(
            """
            message_size = 1024
            accounts = 2
            sessions = 3
            candidates = 4
            invitees = 5
            unanswered_requests = 6
            unanswered_bytes = 65537
            handshake_time = 7
            closing_time = 8
            unsent_bytes = 65536
            unwritable_time = 9
            request_time = 10
            connections = 11
            connections_per_address = 12
            handshakes_per_address = 13
            """)
        #expect(limits.messageSize == 1024 && limits.accounts == 2 && limits.sessions == 3)
        #expect(limits.elements.candidates == 4 && limits.elements.invitees == 5 && limits.unansweredRequests == 6)
        #expect(limits.unansweredBytes == 65_537)
        #expect(limits.handshakeTime == .seconds(7) && limits.closingTime == .seconds(8))
        #expect(limits.unsentBytes == 65536 && limits.unwritableTime == .seconds(9))
        #expect(limits.requestTime == .seconds(10) && limits.connections == 11)
        #expect(limits.connectionsPerAddress == 12 && limits.handshakesPerAddress == 13)
        #expect(limits.waterMark.high == 65536 && Limits().waterMark.high == 256 << 10)
    }

    @Test(arguments: [
        ("message_size", 1024, 524_288), ("accounts", 1, 10_000), ("sessions", 1, 10_000), ("candidates", 1, 10_000),
        ("invitees", 1, 10_000), ("unanswered_requests", 1, 1024), ("unanswered_bytes", 65_536, 64 << 20),
        ("handshake_time", 1, 3600),
        ("closing_time", 1, 3600), ("unsent_bytes", 65_536, 1 << 30), ("unwritable_time", 1, 3600),
        ("request_time", 1, 3600), ("connections", 0, 1_000_000), ("connections_per_address", 0, 1_000_000),
        ("handshakes_per_address", 0, 1_000_000),
    ])
    func `B34 What is beyond its range stops the start`(key: String, lowest: Int, highest: Int) throws {
        for value in [lowest, highest] { _ = try limits("\(key) = \(value)") }
        for value in [lowest - 1, highest + 1] {
            let problem = "[Limits] \(key): \"\(value)\" is not legal; legal is \(lowest) to \(highest)"
            #expect(throws: SettingsError(problems: [problem])) { try limits("\(key) = \(value)") }
        }
    }

    @Test func `B34 Proxies and TLS are checked with the rest`() throws {
        let problems = [
            "[Frontdoor] trusted_proxies: \"10.0.0.1/8, x\" is not legal; legal is \(TrustedProxies.legal)",
            "[TLS] certificate: \"chain.pem\" is not legal; legal is a file, together with private_key",
        ]
        #expect(throws: SettingsError(problems: problems)) {
            try FrontdoorConfiguration(
                file: TemporaryFolder.file(
                    "[Frontdoor]\ntrusted_proxies = 10.0.0.1/8, x\n[TLS]\ncertificate = chain.pem"))
        }
        #expect(throws: SettingsError(problems: ["[TLS] certificate: /nowhere.pem cannot be read"])) {
            try FrontdoorConfiguration(
                file: TemporaryFolder.file("[TLS]\ncertificate = /nowhere.pem\nprivate_key = /nowhere.key"))
        }
    }
}
