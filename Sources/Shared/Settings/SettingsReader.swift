import Identity

/// Reads typed values out of a configuration file and collects what is wrong, so that one start shows every mistake.
///
/// A value that is not legal is named together with the legal ones. Every key that is read must be in the catalogue, so
/// that it is documented, and no mistake in a file.
public struct SettingsReader {
    let file: INIFile
    let catalogue: SettingsCatalogue
    public private(set) var problems: [String] = []

    public init(_ file: INIFile, catalogue: SettingsCatalogue = .standard) {
        self.file = file
        self.catalogue = catalogue
    }

    /// The key is there, be it empty.
    public func isSet(_ section: String, _ key: String) -> Bool {
        file.sections[section]?.contains { $0.key == key } == true
    }

    /// The text of a key; nil when absent or empty.
    public mutating func text(_ section: String, _ key: String) -> String? {
        assert(catalogue.setting(section, key) != nil, "[\(section)] \(key) is not in the catalogue of settings")
        guard let entry = file.sections[section]?.first(where: { $0.key == key }), !entry.value.isEmpty else {
            return nil
        }
        return entry.value
    }

    /// A value that `parse` understands; otherwise a problem that says what is `legal`.
    public mutating func value<Value>(
        _ section: String, _ key: String, default fallback: Value, legal: String, parse: (String) -> Value?
    ) -> Value {
        guard let text = text(section, key) else { return fallback }
        guard let value = parse(text) else {
            refuse(section, key, text, legal: legal)
            return fallback
        }
        return value
    }

    public mutating func boolean(_ section: String, _ key: String, default fallback: Bool) -> Bool {
        value(section, key, default: fallback, legal: Setting.booleans, parse: Self.boolean)
    }

    static func boolean(_ text: String) -> Bool? {
        switch text.lowercased() {
        case "1", "yes", "true", "on": true
        case "0", "no", "false", "off": false
        default: nil
        }
    }

    public mutating func integer(
        _ section: String, _ key: String, default fallback: Int, in range: ClosedRange<Int>
    ) -> Int {
        value(section, key, default: fallback, legal: "\(range.lowerBound) to \(range.upperBound)") { text in
            Int(text).flatMap { range.contains($0) ? $0 : nil }
        }
    }

    /// A secret: `fallback` when the key is absent, nil when it is there and empty.
    public mutating func secret(_ section: String, _ key: String, default fallback: String?) -> String? {
        let text = text(section, key)
        return isSet(section, key) ? text : fallback
    }

    /// Comma-separated; `none` is the empty list, and so is a key without a value: it was meant to say something.
    public mutating func list(_ section: String, _ key: String, default fallback: [String]) -> [String] {
        guard let text = text(section, key) else { return isSet(section, key) ? [] : fallback }
        guard text.lowercased() != "none" else { return [] }
        return text.split(separator: ",").map { String($0.trimmed()) }.filter { !$0.isEmpty }
    }

    /// Says that a value cannot be used. The value is repeated unless its key names a secret.
    public mutating func refuse(_ section: String, _ key: String, _ value: String, legal: String) {
        let isSecret = catalogue.setting(section, key)?.isSecret ?? true
        let shown = isSecret ? "the value" : "\"\(value.withoutPassword("[redacted]"))\""
        problems.append("[\(section)] \(key): \(shown) is not legal; legal is \(legal)")
    }

    /// - Throws: ``SettingsError`` when anything was refused.
    public func finish() throws(SettingsError) {
        if !problems.isEmpty { throw SettingsError(problems: problems) }
    }
}

extension String {
    /// It names a room's own section: no section of the gateway's does.
    var isRoomAddress: Bool { contains("@") && RoomURI(self) != nil }
}
