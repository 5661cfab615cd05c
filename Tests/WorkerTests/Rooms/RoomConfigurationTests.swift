import Identity
import JSONText
import Settings
import TestSupport
import Testing

@testable import Worker

/// What a room is like (protocol page, section 6.1; B20, B34).
@Suite struct RoomConfigurationTests {
    private let uri = room("room@conference.example.com")

    private func read(_ lines: String, fallback: RoomConfiguration = RoomConfiguration()) throws -> (
        configuration: RoomConfiguration, problems: [String]
    ) {
        RoomConfiguration.of(uri, in: try INIFile("[room@conference.example.com]\n\(lines)\n"), fallback: fallback)
    }

    private func defaults(_ lines: String) throws -> (RoomConfiguration, [String]) {
        var reader = SettingsReader(try INIFile("[Janus]\n\(lines)\n"))
        return (RoomConfiguration.defaults(&reader), reader.problems)
    }

    @Test func `B20 the defaults are those of the table`() throws {
        let (configuration, problems) = try defaults("")
        #expect(problems == [])
        #expect(configuration == RoomConfiguration())
        #expect(!configuration.record)
        #expect(configuration.maximumBitrate == 2_016_000)
        #expect(configuration.maximumPublishers == 10)
        #expect(configuration.videoCodecs == ["vp9"])
        #expect(configuration.access.isOpen)
    }

    @Test func `B20 [Janus] gives other defaults, but neither recording nor access`() throws {
        let (configuration, problems) = try defaults(
            "max_bitrate = 64000\nmax_publishers = 3\nvideo_codec = VP8\nrecord = yes\nallow = none")
        #expect(problems == [])
        #expect(configuration.maximumBitrate == 64_000)
        #expect(configuration.maximumPublishers == 3)
        #expect(configuration.videoCodecs == ["vp8"])
        #expect(!configuration.record)
        #expect(configuration.access.isOpen)
    }

    @Test func `B20 a room's section stands on top of the defaults`() throws {
        var fallback = RoomConfiguration()
        fallback.maximumBitrate = 500_000
        fallback.maximumPublishers = 4
        let (configuration, problems) = try read(
            "record = on\nmax_publishers = 7\ndeny = example.org", fallback: fallback)
        #expect(problems == [])
        #expect(configuration.record)
        #expect(configuration.maximumBitrate == 500_000)
        #expect(configuration.maximumPublishers == 7)
        #expect(!configuration.access.isOpen)
    }

    @Test func `keys are read in any spelling`() throws {
        #expect(try read("Max-Bitrate = 64000").configuration.maximumBitrate == 64_000)
    }

    @Test func `B20 a room without a section has the defaults`() throws {
        let (configuration, problems) = RoomConfiguration.of(
            room("other@conference.example.com"), in: try INIFile("[room@conference.example.com]\nallow = none\n"),
            fallback: RoomConfiguration())
        #expect(configuration == RoomConfiguration())
        #expect(problems == [])
    }

    @Test(arguments: [
        "sip:room@Conference.Example.Com", "room@conference.example.com:5060", "room@CONFERENCE.example.com",
    ])
    func `B20 a section is found in every spelling of its address (D41)`(section: String) throws {
        let file = try INIFile("[\(section)]\nallow = none\n")
        let (configuration, problems) = RoomConfiguration.of(uri, in: file, fallback: RoomConfiguration())
        #expect(problems == [])
        #expect(!configuration.access.admits(account("alice@example.com"), isVerified: true))
    }

    @Test func `B20 sections that are no addresses are not rooms`() throws {
        let file = try INIFile("[General]\nallow = none\n[Janus]\nallow = none\n[general@janus]\nallow = none\n")
        let (configuration, _) = RoomConfiguration.of(room("janus@general"), in: file, fallback: RoomConfiguration())
        #expect(configuration.access.isOpen)
    }

    @Test(arguments: [
        ("vp8", ["vp8"]), ("H264", ["h264"]), ("vp9,vp8,h264", ["vp9", "vp8", "h264"]),
        (" VP8 , vp9 ", ["vp8", "vp9"]),
    ])
    func `B20 codecs are a list in order of preference`(text: String, codecs: [String]) throws {
        #expect(try read("video_codec = \(text)").configuration.videoCodecs == codecs)
    }

    /// Each with the words that must name what is legal.
    @Test(arguments: [
        ("max_bitrate = 63999", "64000 to 4194304"), ("max_bitrate = 4194305", "64000 to 4194304"),
        ("max_bitrate = much", "64000 to 4194304"), ("max_bitrate = 1e6", "64000 to 4194304"),
        ("max_publishers = 0", "1 to 1000"), ("max_publishers = -1", "1 to 1000"),
        ("video_codec = av1", "vp8, vp9, h264"), ("video_codec = vp8,", ""), ("video_codec = ,", "vp8, vp9, h264"),
        ("video_codec = vp8,av1", "vp8, vp9, h264"), ("record = perhaps", "yes"),
        ("access_policy = open", "allow,deny"),
        ("allow = what?", "addresses and domains"), ("deny = what?", "addresses and domains"),
    ])
    func `B20 B34 a value that is not legal is named with the legal ones and closes the room`(
        line: String, legal: String
    )
        throws
    {
        guard !legal.isEmpty else { return #expect(try read(line).problems == []) }
        let (configuration, problems) = try read(line)
        #expect(problems.count == 1)
        #expect(problems.first?.contains("legal is") == true)
        #expect(problems.first?.contains(legal) == true)
        #expect(configuration.access == .closed, "it fails closed (D41)")
    }

    @Test(arguments: ["max_bitrate = 64000", "max_bitrate = 4194304", "max_publishers = 1", "max_publishers = 1000"])
    func `B34 the ends of the ranges are legal`(line: String) throws {
        #expect(try read(line).problems == [])
    }

    @Test func `B34 every mistake of a section is named`() throws {
        #expect(try read("max_bitrate = 1\nrecord = x\nallow = ?").problems.count == 3)
    }

    @Test(arguments: 1...100)
    func `what a snapshot holds is read back from it`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var configuration = RoomConfiguration()
        configuration.record = Bool.random(using: &random)
        configuration.maximumBitrate = Int.random(in: RoomConfiguration.bitrates, using: &random)
        configuration.maximumPublishers = Int.random(in: RoomConfiguration.publishers, using: &random)
        configuration.videoCodecs = Array(
            RoomConfiguration.videoCodecs.shuffled(using: &random).prefix(Int.random(in: 1...3, using: &random)))
        let addresses = ["alice@example.com", "example.com", "bob@x.org"].shuffled(using: &random)
        let lists = try [addresses.prefix(2), addresses.suffix(1)].map { list in
            try #require(AddressList(list.joined(separator: ",")))
        }
        configuration.access = AccessPolicy(
            order: Bool.random(using: &random) ? .allowDeny : .denyAllow, allow: lists[0], deny: lists[1])
        #expect(RoomConfiguration(snapshot: configuration.snapshot) == configuration)
    }

    @Test(arguments: [
        "", "{}", "null", #"{"record":true}"#, "[]",
        RoomConfiguration().snapshot.replacing("2016000", with: "1"),
        RoomConfiguration().snapshot.replacing(#""max_publishers":10"#, with: #""max_publishers":0"#),
    ])
    func `what no version has written is not read`(snapshot: String) {
        #expect(RoomConfiguration(snapshot: snapshot) == nil)
    }

    @Test func `B20 the snapshot holds what the room was made with`() throws {
        let (configuration, _) = try read(
            "record = yes\nvideo_codec = vp9,vp8\nmax_bitrate = 100000\nmax_publishers = 2")
        let snapshot = try json(configuration.snapshot)
        #expect(snapshot["record"]?.bool == true)
        #expect(snapshot["video_codec"]?.string == "vp9,vp8")
        #expect(snapshot["max_bitrate"]?.integer() == 100_000)
        #expect(snapshot["max_publishers"]?.integer() == 2)
    }
}
