import JSONText
import Logging

/// How log records are written: `[General] log_format`.
public enum LogFormat: String, CaseIterable, Sendable {
    /// `time level label: message key=value…`
    case text
    /// An object a line.
    case json
}

/// One log record and how it becomes one line. Whatever a client or Janus managed to get into a value stays inside that
/// value: control characters, quotes and line ends are escaped, and lengths are bounded.
struct LogRecord {
    /// A pipe takes this much in one piece (PIPE_BUF), so that records of several threads and processes stay whole.
    static let maximumLine = 4096
    /// Bytes of a value or of the message, before it is escaped.
    static let maximumValue = 512

    let time: UTCTimestamp
    let level: Logger.Level
    let label: String
    let message: String
    let metadata: Logger.Metadata

    /// The line, its end included.
    func line(_ format: LogFormat) -> [UInt8] {
        var line =
            switch format {
            case .text: text
            case .json: json
            }
        line.append(UInt8(ascii: "\n"))
        return line
    }

    private var text: [UInt8] {
        var line = Array("\(time) \(level.rawValue) \(label): ".utf8)
        line += Self.escaped(Self.bounded(message), isQuoted: false)
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
            let value = Self.bounded("\(value)")
            let pair = Array(" \(key)=".utf8) + (Self.isPlain(value) ? Array(value.utf8) : Self.escaped(value))
            guard line.count + pair.count < Self.maximumLine - Self.reserve else {
                line += Array(" truncated=true".utf8)
                break
            }
            line += pair
        }
        return line
    }

    /// Every member a string; the record's own come first. Metadata that is called like one of these has an underscore.
    private var json: [UInt8] {
        var line = Array(#"{"time":"\#(time)","level":"\#(level.rawValue)","label":"#.utf8) + Self.escaped(label)
        line += Array(#","message":"#.utf8) + Self.escaped(Self.bounded(message))
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
            let name = ["time", "level", "label", "message", "truncated"].contains(key) ? "_\(key)" : key
            let pair =
                [UInt8(ascii: ",")] + Self.escaped(Self.bounded(name)) + [UInt8(ascii: ":")]
                + Self.escaped(Self.bounded("\(value)"))
            guard line.count + pair.count < Self.maximumLine - Self.reserve else {
                line += Array(#","truncated":"true""#.utf8)
                break
            }
            line += pair
        }
        line.append(UInt8(ascii: "}"))
        return line
    }

    /// For what says that something is missing, and the line's end.
    private static let reserve = 32

    private static func bounded(_ text: String) -> String {
        guard text.utf8.count > maximumValue else { return text }
        var length = 0
        let kept = text.unicodeScalars.prefix { scalar in
            length += UTF8.width(scalar)
            return length <= maximumValue
        }
        return String(String.UnicodeScalarView(kept)) + "…"
    }

    /// Needs no quotes.
    private static func isPlain(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                ("!"..."~").contains(Unicode.Scalar(byte)) && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
                    && byte != UInt8(ascii: "=")
            }
    }

    /// As a JSON string, in pure ASCII.
    private static func escaped(_ text: String, isQuoted: Bool = true) -> [UInt8] {
        var json = JSONWriter()
        json.value(text)
        return isQuoted ? json.bytes : Array(json.bytes.dropFirst().dropLast())
    }
}
