import Foundation
import Logging
import NIOConcurrencyHelpers
import Testing

@testable import Telemetry

struct TraceWriterTests {
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    private let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("trace-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    private var path: String { folder.appendingPathComponent("trace.log").path }

    private func text(_ name: String = "trace.log") throws -> String {
        try String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
    }

    /// Without the time and the process.
    private func records(_ text: String) -> [String] {
        text.components(separatedBy: "\n\n").dropLast()
            .map { record in
                let lines = record.split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
                let words = lines[0].split(separator: " ")
                #expect(words[0].count == 24 && words[0].hasSuffix("Z"))
                #expect(words.suffix(2) == ["process", "\(getpid())"])
                return words.dropFirst().dropLast(2).joined(separator: " ") + " | " + (lines.last ?? "")
            }
    }

    @Test
    func `B33 A record is a line that says when, the how manieth, whither and who, the message and an empty line`()
        throws
    {
        let trace = try TraceWriter(path, logger: logger)
        trace.record(.incoming, "client at 192.0.2.1:5", Array(#"{"password":"p","n":1}"#.utf8))
        trace.record(.outgoing, "client at 192.0.2.1:5", Array(#"{"sylkrtc":"ack"}"#.utf8))
        trace.stop()
        #expect(
            records(try text()) == [
                #"1 INCOMING client at 192.0.2.1:5 | {"password":"[redacted]","n":1}"#,
                #"2 OUTGOING client at 192.0.2.1:5 | {"sylkrtc":"ack"}"#,
            ])
        #expect(trace.lost == 0)
    }

    @Test func `Only its owner reads it`() throws {
        try TraceWriter(path, logger: logger).stop()
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
    }

    @Test func `Several writers share a file, and every record stays whole`() throws {
        let first = try TraceWriter(path, logger: logger)
        let second = try TraceWriter(path, logger: logger)
        let message = Array((#"{"x":""# + String(repeating: "x", count: 20_000) + #""}"#).utf8)
        for _ in 0..<200 {
            first.record(.incoming, "janus at a", message)
            second.record(.incoming, "janus at b", message)
        }
        first.stop()
        second.stop()
        let all = records(try text())
        for peer in ["a", "b"] {
            let own = all.filter { $0.contains("janus at \(peer) ") }
            #expect(own.count == 200)
            #expect(own.enumerated().allSatisfy { $1.hasPrefix("\($0 + 1) INCOMING") && $1.hasSuffix("x\"}") })
        }
    }

    @Test func `A burst is bounded by number and by size; the file says how much was left out`() throws {
        let trace = try TraceWriter(path, logger: logger, bounds: (records: 3, bytes: 10))
        for text in ["[1]", "[22222222]", "[2]", "[3]", "[4]"] { trace.record(.incoming, "p", Array(text.utf8)) }
        // Nobody has written until now.
        trace.start(try TraceFile(path))
        trace.stop()
        #expect(
            records(try text()) == [
                "1 INCOMING p | [1]", "3 INCOMING p | [2]", "4 INCOMING p | [3]", "- NOTE | 2 messages were left out",
            ])
        #expect(trace.lost == 2)
    }

    @Test func `After a reopening records go into the new file`() throws {
        let trace = try TraceWriter(path, logger: logger, bounds: (records: 9, bytes: 99))
        let file = try TraceFile(path)
        try FileManager.default.moveItem(atPath: path, toPath: path + ".1")
        trace.record(.incoming, "p", Array("[1]".utf8))
        trace.reopen()
        trace.start(file)
        trace.stop()
        #expect(records(try text()) == ["1 INCOMING p | [1]"])
        #expect(try text("trace.log.1") == "")
    }

    @Test func `A file that cannot be opened is named`() {
        let path = folder.appendingPathComponent("nowhere/trace.log").path
        #expect(throws: TraceFailure(description: "\(path): No such file or directory")) {
            _ = try TraceWriter(path, logger: logger)
        }
    }

    @Test func `A reload reaches everybody who asked, in order`() {
        let said = NIOLockedValueBox<[Int]>([])
        let reload = Reload()
        for number in 1...2 { reload.whenAsked { said.withLockedValue { $0.append(number) } } }
        reload.ask()
        reload.ask()
        #expect(said.withLockedValue { $0 } == [1, 2, 1, 2])
    }
}
