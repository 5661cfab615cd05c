import Identity
import Settings
import Testing

@testable import Worker

/// One read, checked as a whole (protocol page, section 9; B34).
@Suite struct WorkerConfigurationTests {
    private let directory = TemporaryDirectory()

    private func read(_ text: String) throws -> WorkerConfiguration {
        try WorkerConfiguration(file: try directory.file("worker.ini", text))
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
        #expect(configuration.unknownKeys == [])
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
        #expect(configuration.unknownKeys == [])
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
                allow = what?
                """
            ).count == 5)
    }

    @Test(arguments: ["access_policy = open", "allow = what?", "record = maybe", "max_bitrate = 1"])
    func `a room's section that cannot be used stops the start (D41)`(line: String) throws {
        #expect(try problems("[room@x.com]\n\(line)\n").count == 1)
    }

    @Test func `a section that looks like a room and is none stops the start`() throws {
        #expect(try problems("[room@]\nallow = all\n") == ["[room@]: not a room's address"])
        #expect(try problems("[some room@x.com]\nallow = all\n").count == 1)
    }

    @Test func `two sections for one room stop the start`() throws {
        #expect(try !problems("[room@x.com]\nallow = all\n[sip:room@X.com]\nallow = none\n").isEmpty)
    }

    @Test func `a value that is a secret is not repeated`() throws {
        let configuration = try read("[Janus]\napi_secret = hush\n")
        #expect(configuration.janusSecret == "hush")
        #expect(!configuration.unknownKeys.joined().contains("hush"))
    }

    @Test func `unknown keys are reported, those of other programs are not`() throws {
        let configuration = try read(
            "[Worker]\nslot = 1\n[Janus]\napi-url = ws://x:1\nspeed = 3\n[Frontdoor]\nport = 1\n")
        #expect(configuration.unknownKeys == ["[Worker] slot", "[Janus] speed"])
    }

    @Test func `a file that cannot be read stops the start`() {
        #expect(throws: SettingsError.self) { try WorkerConfiguration(file: "\(directory.path)/none.ini") }
    }
}
