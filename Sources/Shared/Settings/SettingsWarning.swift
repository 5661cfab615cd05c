import Foundation

/// What a configuration may contain without keeping anybody from starting, and is told to the operator.
public enum SettingsWarning: Equatable, Sendable {
    /// - Parameter resembling: a key of that section that may have been meant.
    case unknownKey(section: String, key: String, resembling: String?)
    /// Neither the gateway's own nor a room's address.
    case unknownSection(String, resembling: String?)
    case withoutEffect(section: String, key: String, reason: String)
    /// A room that nobody can join, because its rules cannot be used (D41).
    case roomClosed(problem: String)
    /// Everybody on this host can read the secrets in it.
    case readableByEverybody(path: String)
    /// Everybody knows the secret in use (D56).
    case publishedSecret

    /// Without what differs from file to file, for logs.
    public var message: String {
        switch self {
        case .unknownKey: "unknown configuration key"
        case .unknownSection: "unknown configuration section"
        case .withoutEffect: "configuration key without effect"
        case .roomClosed: "a room is closed because its configuration cannot be used"
        case .readableByEverybody: "everybody can read the configuration file and the secrets in it"
        case .publishedSecret: "the secret is the published default: change it here and in janus.jcfg"
        }
    }

    public var detail: String {
        switch self {
        case .unknownKey(let section, let key, let resembling):
            "[\(section)] \(key)\(Self.question(resembling))"
        case .unknownSection(let section, let resembling):
            "[\(section)]\(Self.question(resembling.map { "[\($0)]" }))"
        case .withoutEffect(let section, let key, let reason): "[\(section)] \(key): \(reason)"
        case .roomClosed(let problem): problem
        case .readableByEverybody(let path): path
        case .publishedSecret: "[Janus] api_secret"
        }
    }

    /// Somebody must act on it: who should come in cannot.
    public var isError: Bool {
        switch self {
        case .roomClosed: true
        case .unknownKey, .unknownSection, .withoutEffect, .readableByEverybody, .publishedSecret: false
        }
    }

    private static func question(_ resembling: String?) -> String { resembling.map { " (did you mean \($0)?)" } ?? "" }
}

extension SettingsReader {
    /// What is in the file that nobody reads, or that does nothing.
    ///
    /// - Parameter path: of the file; it is looked at who can read it.
    public func warnings(path: String?) -> [SettingsWarning] {
        var warnings: [SettingsWarning] = []
        var hasSecret = false
        for (section, entries) in file.sections.sorted(by: { $0.key < $1.key }) {
            guard catalogue.isOwn(section) || section.isRoomAddress else {
                warnings.append(
                    .unknownSection(section, resembling: Similarity.nearest(to: section, in: catalogue.sections)))
                continue
            }
            for entry in entries {
                guard let setting = catalogue.setting(section, entry.key) else {
                    let nearest = Similarity.nearest(to: entry.key, in: catalogue.keys(of: section))
                    warnings.append(.unknownKey(section: section, key: entry.key, resembling: nearest))
                    continue
                }
                guard !entry.value.isEmpty else { continue }
                if setting.isSecret { hasSecret = true }
                if let reason = setting.withoutEffect, !Self.isStandard(entry.value, of: setting) {
                    warnings.append(.withoutEffect(section: section, key: entry.key, reason: reason))
                }
            }
        }
        if hasSecret, let path, Self.isReadableByEverybody(path) { warnings.append(.readableByEverybody(path: path)) }
        return warnings
    }

    private static func isStandard(_ value: String, of setting: Setting) -> Bool {
        if setting.values == .boolean { return boolean(value) == boolean(setting.standard) }
        return value == setting.standard || value.lowercased() == "none"
    }

    private static func isReadableByEverybody(_ path: String) -> Bool {
        let attributes = try? FileManager.default.attributesOfItem(
            atPath: URL(fileURLWithPath: path).resolvingSymlinksInPath().path)
        return (attributes?[.posixPermissions] as? Int).map { $0 & 0o004 != 0 } ?? false
    }
}
