import JSONText
import Logging
import NIOConcurrencyHelpers
import Testing

@testable import Telemetry

struct LogRecordTests {
    private func line(
        _ format: LogFormat, _ message: String = "connected", _ metadata: Logger.Metadata = [:]
    ) -> String {
        let record = LogRecord(
            time: UTCTimestamp(seconds: 1_700_000_000, milliseconds: 7), level: .info, label: "frontdoor",
            message: message, metadata: metadata)
        return String(decoding: record.line(format), as: UTF8.self)
    }

    @Test(arguments: [
        (0, 0, "1970-01-01T00:00:00.000Z"), (951_782_400, 999, "2000-02-29T00:00:00.999Z"),
        (1_700_000_000, 50, "2023-11-14T22:13:20.050Z"), (4_102_444_799, 1, "2099-12-31T23:59:59.001Z"),
    ])
    func `Time is UTC, with milliseconds`(seconds: Int, milliseconds: Int, text: String) {
        #expect(UTCTimestamp(seconds: seconds, milliseconds: milliseconds).description == text)
    }

    @Test func `As text a record says when, how serious, who, what, and the rest in order`() {
        #expect(
            line(.text, "connected", ["peer": "192.0.2.1:5", "connection": "f1.2.0.3", "value": "two words"])
                == #"2023-11-14T22:13:20.007Z info frontdoor: connected connection=f1.2.0.3 peer=192.0.2.1:5 value="two words""#
                + "\n")
    }

    @Test func `As JSON a record is one object`() throws {
        #expect(
            line(.json, "connected", ["peer": "192.0.2.1:5", "level": "mine"])
                == #"{"time":"2023-11-14T22:13:20.007Z","level":"info","label":"frontdoor","message":"connected","_level":"mine","peer":"192.0.2.1:5"}"#
                + "\n")
    }

    @Test(arguments: LogFormat.allCases)
    func `Nothing in a value or message can begin a line, end a value or colour a terminal`(format: LogFormat) throws {
        let evil =
            "x\n2023-11-14T22:13:20.007Z error worker: forged a=b\r\u{1B}[31m\u{0}\u{2028}\u{85}\"},{\"level\":\"error"
        let line = line(format, "no\nway", ["reason": "\(evil)", "e": ""])
        #expect(line.hasSuffix("\n"))
        #expect(line.utf8.dropLast().allSatisfy { (0x20..<0x7F).contains($0) })
        guard format == .json else { return #expect(line.contains(#" e="" reason="x\n2023"#)) }
        let root = try JSONDocument(Array(line.utf8)).root
        #expect(root["reason"]?.string == evil)
        #expect(root["message"]?.string == "no\nway")
        #expect(root.members.map(\.name) == ["time", "level", "label", "message", "e", "reason"])
    }

    @Test(arguments: LogFormat.allCases)
    func `Values and lines are bounded, and the line stays whole`(format: LogFormat) throws {
        let long = String(repeating: "ä", count: 5000)
        let one = line(format, long, ["value": "\(long)"])
        #expect(one.utf8.count < 6 * LogRecord.maximumValue * 2)
        let many = Dictionary(uniqueKeysWithValues: (0..<100).map { ("key\($0)", Logger.MetadataValue.string(long)) })
        let line = line(format, "m", many)
        #expect(line.utf8.count <= LogRecord.maximumLine)
        if format == .json { #expect(try JSONDocument(Array(line.utf8)).root["truncated"]?.string == "true") }
        #expect(line.hasSuffix(format == .json ? "\"truncated\":\"true\"}\n" : " truncated=true\n"))
    }

    @Test func `A logger's metadata stands beside the record's own, which win`() {
        let lines = NIOLockedValueBox<[String]>([])
        var logger = Logger(label: "worker") { label in
            LineLogHandler(label: label, format: .text, level: .info) { line in
                lines.withLockedValue { $0.append(String(decoding: line, as: UTF8.self)) }
            }
        }
        logger = logger.with([.slot: "host1/1", .room: "a"])
        logger.debug("not said")
        logger.info("said", metadata: .keyed([.room: "b"]))
        let said = lines.withLockedValue { $0 }
        #expect(said.count == 1)
        #expect(said.first?.hasSuffix(" info worker: said room=b slot=host1/1\n") == true)
    }
}
