/// Reads typed values out of a configuration file and collects what is wrong, so that one start shows every mistake.
///
/// A value that is not legal is named together with the legal ones. Keys that nobody asked for are reported by
/// ``unknownKeys(sections:)``, for a warning.
public struct SettingsReader {
    private let file: INIFile
    public private(set) var problems: [String] = []
    private var asked: Set<String> = []

    public init(_ file: INIFile) { self.file = file }

    /// The key is there, be it empty.
    public func isSet(_ section: String, _ key: String) -> Bool {
        file.sections[section]?.contains { $0.key == key } == true
    }

    /// The text of a key; nil when absent or empty.
    public mutating func text(_ section: String, _ key: String) -> String? {
        asked.insert("\(section)/\(key)")
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
        value(section, key, default: fallback, legal: "yes, true, on, 1, no, false, off, 0") { text in
            switch text.lowercased() {
            case "1", "yes", "true", "on": true
            case "0", "no", "false", "off": false
            default: nil
            }
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
        guard isSet(section, key) else {
            asked.insert("\(section)/\(key)")
            return fallback
        }
        return text(section, key)
    }

    /// Comma-separated; `none` is the empty list.
    public mutating func list(_ section: String, _ key: String, default fallback: [String]) -> [String] {
        guard let text = text(section, key) else { return fallback }
        guard text.lowercased() != "none" else { return [] }
        return text.split(separator: ",").map { String($0.trimmed()) }.filter { !$0.isEmpty }
    }

    /// Says that a value cannot be used. The value is repeated unless its key names a secret.
    public mutating func refuse(_ section: String, _ key: String, _ value: String, legal: String) {
        let shown = key.hasSuffix("secret") || key.hasSuffix("key") ? "the value" : "\"\(value)\""
        problems.append("[\(section)] \(key): \(shown) is not legal; legal is \(legal)")
    }

    /// - Throws: ``SettingsError`` when anything was refused.
    public func finish() throws(SettingsError) {
        if !problems.isEmpty { throw SettingsError(problems: problems) }
    }

    /// Keys of `sections` that no getter asked for, as `[section] key`.
    public func unknownKeys(sections: [String]) -> [String] {
        sections.flatMap { section in
            (file.sections[section] ?? []).filter { !asked.contains("\(section)/\($0.key)") }
                .map { "[\(section)] \($0.key)" }
        }
    }
}
