/// Every key there is. What is not in here is unknown, whichever process it was meant for.
public struct SettingsCatalogue: Sendable {
    public let settings: [Setting]
    private let byName: [String: Setting]
    private let keysBySection: [String?: [String]]

    public static let standard = SettingsCatalogue(general + processes + janus + limits + rooms)

    public init(_ settings: [Setting]) {
        self.settings = settings
        byName = Dictionary(
            settings.map { (Self.name($0.section, $0.key), $0) }, uniquingKeysWith: { first, _ in first })
        keysBySection = Dictionary(grouping: settings, by: \.section).mapValues { $0.map(\.key) }
    }

    private static func name(_ section: String?, _ key: String) -> String { "\(section ?? "@")/\(key)" }

    /// The gateway's own sections.
    public var sections: [String] {
        var seen: Set<String> = []
        return settings.compactMap(\.section).filter { seen.insert($0).inserted }
    }

    /// - Parameter section: as it stands in the file; one that is an address is a room's.
    public func setting(_ section: String, _ key: String) -> Setting? {
        byName[Self.name(isOwn(section) ? section : nil, key)]
    }

    /// - Returns: empty for a section that is neither the gateway's own nor a room's.
    func keys(of section: String) -> [String] {
        isOwn(section) || section.isRoomAddress ? keysBySection[isOwn(section) ? section : nil] ?? [] : []
    }

    func isOwn(_ section: String) -> Bool { keysBySection[section] != nil }
}
