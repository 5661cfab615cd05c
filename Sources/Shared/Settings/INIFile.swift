import Foundation

/// A configuration file in the classic form: `[section]`, `key = value` or `key: value`, comments with `#` or `;`.
///
/// A comment is a whole line; one that begins with white space and `;` may also follow a value, and any may follow a
/// section's name. A line that is indented deeper than its key continues that key's value. Section names are kept as they
/// stand (a room's section is its address); keys are lower-cased, and dashes in them equal underscores. A section may be
/// continued further down; a key set twice is an error, because one of the two is not meant.
public struct INIFile: Equatable, Sendable {
    public struct Entry: Equatable, Sendable {
        public let key: String
        public let value: String
        /// Counts from 1.
        public let line: Int
    }

    public private(set) var sections: [String: [Entry]] = [:]

    public init() {}

    /// The file at `path`; nil: an empty one, so that everything has its default.
    public static func read(_ path: String?) throws(SettingsError) -> INIFile {
        guard let path else { return INIFile() }
        guard let bytes = FileManager.default.contents(atPath: path) else {
            throw SettingsError(problems: ["\(path) cannot be read"])
        }
        guard let text = String(bytes: bytes, encoding: .utf8) else {
            throw SettingsError(problems: ["\(path) cannot be read: it is not UTF-8"])
        }
        return try INIFile(text)
    }

    public init(_ text: String) throws(SettingsError) {
        var parser = INIParser()
        // A line ended by CR and LF ends in one character of its own.
        for line in text.split(omittingEmptySubsequences: false, whereSeparator: { $0 == "\n" || $0 == "\r\n" }) {
            parser.read(line)
        }
        if !parser.problems.isEmpty { throw SettingsError(problems: parser.problems) }
        sections = parser.sections
    }
}

private struct INIParser {
    private(set) var sections: [String: [INIFile.Entry]] = [:]
    private(set) var problems: [String] = []
    private var section: String?
    /// In which line a section's key was set; looking for it among the entries would make long sections slow.
    private var lineOfKey: [String: [String: Int]] = [:]
    private var line = 0
    /// What the last key line was indented by; nil: there is nothing to continue.
    private var indentation: Int?

    mutating func read(_ raw: Substring) {
        line += 1
        // An editor's mark in front of everything is none of the file's words.
        let raw = line == 1 && raw.first == "\u{FEFF}" ? raw.dropFirst() : raw
        let text = raw.trimmed()
        guard let first = text.first, first != "#", first != ";" else { return }
        let depth = raw.prefix { $0.isWhitespace }.count
        if let indentation, depth > indentation { return continueValue(text) }
        indentation = nil
        if first == "[" { return begin(text) }
        set(text, depth: depth)
    }

    private mutating func begin(_ text: Substring) {
        let header = Self.withoutComment(text, marks: ["#", ";"])
        let name = String(header.dropFirst().dropLast().trimmed())
        guard header.last == "]", !name.isEmpty else { return complain("a section is written [name]") }
        section = name
        sections[name, default: []] += []
    }

    private mutating func set(_ text: Substring, depth: Int) {
        guard let separator = text.firstIndex(where: { $0 == "=" || $0 == ":" }), separator != text.startIndex else {
            return complain("expected key = value")
        }
        guard let section else { return complain("a key before the first [section]") }
        let key = String(text[..<separator].trimmed().lowercased().map { $0 == "-" ? "_" : $0 })
        let value = Self.value(text[text.index(after: separator)...])
        if let earlier = lineOfKey[section]?[key] { return complain("\(key) is already set in line \(earlier)") }
        lineOfKey[section, default: [:]][key] = line
        sections[section, default: []].append(INIFile.Entry(key: key, value: value, line: line))
        indentation = depth
    }

    private mutating func continueValue(_ text: Substring) {
        guard let section, let entry = sections[section]?.popLast() else { return }
        let value = [entry.value, Self.value(text)].filter { !$0.isEmpty }.joined(separator: " ")
        sections[section]?.append(INIFile.Entry(key: entry.key, value: value, line: entry.line))
    }

    private static func value(_ text: Substring) -> String {
        String(withoutComment(" " + text, marks: [";"]).trimmed())
    }

    /// Up to the first of `marks` that stands behind white space.
    private static func withoutComment(_ text: some StringProtocol, marks: Set<Character>) -> Substring {
        let text = Substring(text)
        var afterSpace = false
        for index in text.indices {
            if afterSpace, marks.contains(text[index]) { return text[..<index].trimmed() }
            afterSpace = text[index].isWhitespace
        }
        return text
    }

    private mutating func complain(_ problem: String) { problems.append("line \(line): \(problem)") }
}

/// Everything that is wrong with a configuration, a sentence each.
public struct SettingsError: Error, Equatable, Sendable, CustomStringConvertible {
    public let problems: [String]

    public init(problems: [String]) { self.problems = problems }

    public var description: String { problems.joined(separator: "; ") }
}

extension StringProtocol {
    func trimmed() -> SubSequence {
        guard let first = firstIndex(where: { !$0.isWhitespace }), let last = lastIndex(where: { !$0.isWhitespace })
        else {
            return self[endIndex...]
        }
        return self[first...last]
    }
}
