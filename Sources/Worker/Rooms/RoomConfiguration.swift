import Identity
import JSONText
import Settings

/// How a room is: read afresh from its section of the configuration file when it is created, and kept for its life
/// (protocol page, section 6).
struct RoomConfiguration: Equatable, Sendable {
    static let bitrates = 64_000...4_194_304
    static let publishers = 1...1000
    static let videoCodecs = ["vp8", "vp9", "h264"]

    var record = false
    var access = AccessPolicy()
    /// Bits a second, shared among the participants.
    var maximumBitrate = 2_016_000
    /// In order of preference.
    var videoCodecs = ["vp9"]
    var maximumPublishers = 10

    /// The defaults of every room: `[Janus]`.
    static func defaults(_ reader: inout SettingsReader) -> RoomConfiguration {
        RoomConfiguration(&reader, section: "Janus", fallback: RoomConfiguration(), readsAccess: false)
    }

    /// A room's own section on top of `fallback`. An access rule that cannot be used closes the room (D41).
    static func of(
        _ room: RoomURI, in file: INIFile, fallback: RoomConfiguration
    ) -> (configuration: RoomConfiguration, problems: [String]) {
        let sections = sections(of: room, in: file)
        let section = sections.first ?? room.description
        var reader = SettingsReader(file)
        var configuration = RoomConfiguration(&reader, section: section, fallback: fallback, readsAccess: true)
        var problems = reader.problems
        if sections.count > 1 { problems.append("one room has several sections: \(sections.joined(separator: ", "))") }
        if !problems.isEmpty { configuration.access = .closed }
        return (configuration, problems)
    }

    /// What is wrong with a room's access rules alone.
    static func accessProblems(of room: RoomURI, in file: INIFile) -> [String] {
        var reader = SettingsReader(file)
        _ = AccessPolicy(&reader, section: sections(of: room, in: file).first ?? room.description)
        return reader.problems
    }

    /// Rooms are addresses, so no section of the gateway's own can be one (D41).
    private static func sections(of room: RoomURI, in file: INIFile) -> [String] {
        file.sections.keys.filter { RoomURI($0) == room }.sorted()
    }

    init() {}

    private init(_ reader: inout SettingsReader, section: String, fallback: RoomConfiguration, readsAccess: Bool) {
        self = fallback
        maximumBitrate = reader.integer(section, "max_bitrate", default: fallback.maximumBitrate, in: Self.bitrates)
        maximumPublishers = reader.integer(
            section, "max_publishers", default: fallback.maximumPublishers, in: Self.publishers)
        videoCodecs = reader.value(
            section, "video_codec", default: fallback.videoCodecs,
            legal: SettingsCatalogue.codecs
        ) { text in
            let codecs = text.split(separator: ",").map { $0.lowercased().filter { !$0.isWhitespace } }
            return !codecs.isEmpty && codecs.allSatisfy(Self.videoCodecs.contains) ? codecs : nil
        }
        guard readsAccess else { return }
        record = reader.boolean(section, "record", default: fallback.record)
        access = AccessPolicy(&reader, section: section)
    }

    /// What the registry keeps of it.
    var snapshot: String {
        RawJSON { json in
            json.object { json in
                json.member("record", record)
                json.member("max_bitrate", maximumBitrate)
                json.member("video_codec", videoCodecs.joined(separator: ","))
                json.member("max_publishers", maximumPublishers)
                json.member("access_policy", access.order.rawValue)
                json.member("allow", access.allow.description)
                json.member("deny", access.deny.description)
            }
        }.description
    }

    /// - Returns: nil for what no version has written.
    init?(snapshot: String) {
        guard let root = try? JSONDocument(Array(snapshot.utf8)).root, let record = root["record"]?.bool,
            let bitrate = root["max_bitrate"]?.integer(Int.self), Self.bitrates.contains(bitrate),
            let codecs = root["video_codec"]?.string?.split(separator: ",").map(String.init),
            let publishers = root["max_publishers"]?.integer(Int.self), Self.publishers.contains(publishers),
            let order = root["access_policy"]?.string.flatMap(AccessPolicy.Order.init),
            let allow = root["allow"]?.string.flatMap(AddressList.init),
            let deny = root["deny"]?.string.flatMap(AddressList.init)
        else { return nil }
        self.record = record
        maximumBitrate = bitrate
        videoCodecs = codecs
        maximumPublishers = publishers
        access = AccessPolicy(order: order, allow: allow, deny: deny)
    }
}
