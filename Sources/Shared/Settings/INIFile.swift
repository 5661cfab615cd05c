import Foundation

/// A configuration file in the classic form: `[section]`, `key = value` or `key: value`, whole-line comments with `#` or `;`.
///
/// Section names are kept as they stand (a room's section is its address); keys are lower-cased, and dashes in them equal
/// underscores. A section may be continued further down; a key set twice is an error, because one of the two is not meant.
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
        let text: String
        do {
            text = try String(contentsOfFile: path, encoding: .utf8)
        } catch {
            throw SettingsError(problems: ["\(path) cannot be read"])
        }
        return try INIFile(text)
    }

    public init(_ text: String) throws(SettingsError) {
        var section: String?
        var problems: [String] = []
        // A line ended by CR and LF ends in one character of its own.
        let lines = text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }
        for (index, raw) in lines.enumerated() {
            let line = raw.trimmed()
            guard let first = line.first, first != "#", first != ";" else { continue }
            if first == "[" {
                let name = String(line.dropFirst().dropLast().trimmed())
                guard line.last == "]", !name.isEmpty else {
                    problems.append("line \(index + 1): a section is written [name]")
                    continue
                }
                section = name
                sections[name, default: []] += []
                continue
            }
            guard let separator = line.firstIndex(where: { $0 == "=" || $0 == ":" }), separator != line.startIndex
            else {
                problems.append("line \(index + 1): expected key = value")
                continue
            }
            guard let section else {
                problems.append("line \(index + 1): a key before the first [section]")
                continue
            }
            let key = String(line[..<separator].trimmed()).lowercased().map { $0 == "-" ? "_" : $0 }
            let value = String(line[line.index(after: separator)...].trimmed())
            if let earlier = sections[section]?.first(where: { $0.key == String(key) }) {
                problems.append("line \(index + 1): \(String(key)) is already set in line \(earlier.line)")
                continue
            }
            sections[section, default: []].append(Entry(key: String(key), value: value, line: index + 1))
        }
        if !problems.isEmpty { throw SettingsError(problems: problems) }
    }
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
