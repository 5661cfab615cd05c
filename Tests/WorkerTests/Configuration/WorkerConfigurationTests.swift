import Foundation
import Identity
import Settings
import Testing

@testable import Worker

/// One read, checked as a whole (protocol page, section 9; B34).
@Suite struct WorkerConfigurationTests {
    private let directory = TemporaryDirectory()

    private func read(_ text: String, mode: Int = 0o600) throws -> WorkerConfiguration {
        let file = try directory.file("worker.ini", text)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file)
        return try WorkerConfiguration(file: file)
    }
    private func problems(_ text: String) throws -> [String] {
        do {
            _ = try read(text)
            return []
        } catch let error as SettingsError {
            return error.problems
        }
    }

    @Test func `B34 without a file everything has its default`() throws {
        let configuration = try WorkerConfiguration(file: nil)
        #expect(configuration.slots == [1])
        #expect(configuration.janus.description == "ws://127.0.0.1:8188/")
        #expect(configuration.janusSecret == WorkerConfiguration.publicSecret)
        #expect(configuration.admin == nil)
        #expect(configuration.adminSecret == nil)
        #expect(configuration.rooms.defaults == RoomConfiguration())
        #expect(configuration.rooms.file == nil)
        #expect(configuration.installation.busDirectory == "/run/continuo/bus")
        #expect(configuration.janusRequestTime == 10)
        #expect(configuration.warnings == [.publishedSecret])
    }

    @Test func `B34 Janus may not take as long as the whole request`() throws {
        func problem(_ janus: Int, _ request: Int) -> String {
            "[Limits] janus_request_time: \(janus) is not legal; legal is less than request_time, \(request)"
        }
        #expect(try problems("[Limits]\njanus_request_time = 30") == [problem(30, 30)])
        #expect(try problems("[Limits]\nrequest_time = 10") == [problem(10, 10)])
        #expect(try problems("[Limits]\nrequest_time = 3\njanus_request_time = 2") == [])
    }

    @Test func `D56 a password in an address is not repeated`() throws {
        #expect(
            try problems("[Janus]\napi_url = ws://janus:s3cret@host:8188") == [
                "[Janus] api_url: \"ws://janus:[redacted]@host:8188\" is not legal; legal is ws://host:port"
            ])
    }

    @Test func `B34 everything can be set`() throws {
        let configuration = try read(
            """
            [General]
            recording_dir = /var/rec
            [Deployment]
            id = main
            node = host1
            [Worker]
            slots = 2-3
            [Janus]
            api_url = ws://janus:8188/ws
            api_secret = s3cret
            admin_url = ws://janus:7188
            admin_secret = adm1n
            max_bitrate = 64000
            [Limits]
            janus_request_time = 5
            [room@x.com]
            max_publishers = 2
            """)
        #expect(configuration.slots == [2, 3])
        #expect(configuration.janus.description == "ws://janus:8188/ws")
        #expect(configuration.janusSecret == "s3cret")
        #expect(configuration.admin?.port == 7188)
        #expect(configuration.adminSecret == "adm1n")
        #expect(configuration.rooms.recordings == "/var/rec")
        #expect(configuration.rooms.defaults.maximumBitrate == 64_000)
        #expect(configuration.rooms.configuration(of: room("room@x.com")).0.maximumPublishers == 2)
        #expect(configuration.installation.deployment.description == "main")
        #expect(configuration.janusRequestTime == 5)
        #expect(configuration.warnings == [])
    }

    @Test func `B20 B34 a file of the original works as it is`() throws {
        let fixture = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../Fixtures/webrtcgateway-of-the-original.ini").standardized.path
        let configuration = try WorkerConfiguration(file: fixture)
        #expect(configuration.janus.description == "ws://127.0.0.1:8188/")
        #expect(configuration.janusSecret == "s3cretOfThisHost")
        #expect(configuration.rooms.recordings == "/var/spool/sylkserver/videoconference/recordings")
        #expect(configuration.rooms.defaults.maximumBitrate == 1_000_000)
        #expect(configuration.rooms.defaults.videoCodecs == ["vp8"])

        let (team, problems) = configuration.rooms.configuration(of: room("team@conference.example.com"))
        #expect(problems == [])
        #expect(team.record)
        #expect(team.maximumBitrate == 512_000)
        #expect(team.videoCodecs == ["h264"])
        for (name, isAdmitted) in [
            ("anna@example.com", true), ("guest@example.org", true), ("carol@home.example.net", true),
            ("other@example.org", false), ("mallory@example.net", false),
        ] { #expect(team.access.admits(account(name), isVerified: true) == isAdmitted, "\(name)") }

        let (open, _) = configuration.rooms.configuration(of: room("open@conference.example.com"))
        #expect(!open.record)
        #expect(open.access.admits(account("anna@example.net"), isVerified: true))
        #expect(!open.access.admits(account("mallory@example.com"), isVerified: true))
    }

    @Test func `an empty secret is none`() throws {
        #expect(try read("[Janus]\napi_secret =\n").janusSecret == nil)
    }

    @Test(arguments: [
        ("1", [1]), ("1-4", [1, 2, 3, 4]), ("1,2,5", [1, 2, 5]), ("5, 1-2 ,2", [1, 2, 5]), ("999", [999]), ("7-7", [7]),
    ])
    func `B34 slots are numbers and ranges`(text: String, slots: [Int]) throws {
        #expect(try read("[Worker]\nslots = \(text)\n").slots == slots)
    }

    @Test(arguments: ["0", "1000", "1-1000", "4-1", "-5", "5-", "1-2-3", "a", "1.5", ",", "1;2"])
    func `B34 other slots stop the start`(text: String) throws {
        #expect(
            try problems("[Worker]\nslots = \(text)\n") == [
                "[Worker] slots: \"\(text)\" is not legal; legal is numbers from 1 to 999, as 1-4 or 1,2,5"
            ])
    }

    @Test(arguments: [
        "api_url = http://x", "api_url = x:1", "admin_url = wss://x:1", "max_bitrate = 1", "video_codec = av1",
    ])
    func `B34 other values of [Janus] stop the start and name the legal ones`(line: String) throws {
        let problems = try problems("[Janus]\n\(line)\n")
        #expect(problems.count == 1)
        #expect(problems.first?.contains("legal is") == true)
    }

    @Test func `B34 all mistakes are named together`() throws {
        #expect(
            try problems(
                """
                [Deployment]
                id = NO
                [Worker]
                slots = x
                [Janus]
                api_url = x
                max_publishers = 0
                [room@x.com]
                max_bitrate = what?
                """
            ).count == 5)
    }

    @Test(arguments: ["access_policy = open", "allow = what?", "deny = a@x.com b@x.com"])
    func `B20 an access rule that cannot be used closes its room, and the start goes on (D41)`(line: String) throws {
        let configuration = try read("[room@x.com]\n\(line)\n[other@x.com]\ndeny = b@x.com\n")
        let problem = try #require(configuration.warnings.last)
        #expect(problem.isError)
        #expect(problem.detail.hasPrefix("[room@x.com] \(line.prefix { $0 != " " }): "), "\(problem.detail)")
        #expect(configuration.rooms.configuration(of: room("room@x.com")).0.access == .closed)
        #expect(configuration.rooms.configuration(of: room("other@x.com")).0.access != .closed)
    }

    @Test(arguments: ["record = maybe", "max_bitrate = 1", "max_publishers = x", "video_codec = av1"])
    func `B34 another wrong value of a room's section stops the start`(line: String) throws {
        #expect(try problems("[room@x.com]\n\(line)\nallow = what?\n").count == 1)
    }

    @Test func `a section that looks like a room and is none stops the start`() throws {
        #expect(try problems("[room@]\nallow = all\n") == ["[room@]: not a room's address"])
        #expect(try problems("[some room@x.com]\nallow = all\n").count == 1)
    }

    @Test func `two sections for one room stop the start`() throws {
        #expect(
            try problems("[room@x.com]\nallow = all\n[sip:room@X.com]\nallow = none\n")
                == ["one room has several sections: room@x.com, sip:room@X.com"])
    }

    @Test func `D56 a value that is a secret is not repeated`() throws {
        let configuration = try read("[Janus]\napi_secret = hush\n[General]\nfirebase_server_key = hush\n")
        #expect(configuration.janusSecret == "hush")
        #expect(configuration.warnings.map(\.message) == ["configuration key without effect"])
        #expect(!configuration.warnings.contains { $0.detail.contains("hush") })
    }

    @Test(arguments: [0o604, 0o644, 0o666])
    func `D56 a file with secrets that everybody can read is warned of`(mode: Int) throws {
        let warning = SettingsWarning.readableByEverybody(path: "\(directory.path)/worker.ini")
        #expect(try read("[Janus]\napi_secret = hush\n", mode: mode).warnings == [warning])
        #expect(try read("[Janus]\napi_secret = hush\n", mode: 0o640).warnings == [])
        #expect(try read("[Janus]\napi_secret =\n", mode: mode).warnings == [], "there is nothing to hide")
    }

    @Test func `D56 the published secret is warned of, written down or not`() throws {
        #expect(try read("").warnings == [.publishedSecret])
        #expect(try read("[Janus]\napi_secret = \(WorkerConfiguration.publicSecret)\n").warnings == [.publishedSecret])
    }

    @Test func `unknown keys are reported, those of other programs are not`() throws {
        let configuration = try read(
            "[General]\nsip_domains = x\n[Worker]\nslot = 1\n[Janus]\napi-url = ws://x:1\napi_secret = x\nspeed = 3\n"
                + "[Frontdoor]\nport = 1\nloops = 0\n")
        #expect(
            configuration.warnings == [
                .unknownKey(section: "Frontdoor", key: "port", resembling: nil),
                .unknownKey(section: "Janus", key: "speed", resembling: nil),
                .unknownKey(section: "Worker", key: "slot", resembling: "slots"),
            ])
    }

    @Test func `a file that cannot be read stops the start`() {
        #expect(throws: SettingsError.self) { try WorkerConfiguration(file: "\(directory.path)/none.ini") }
    }
}
