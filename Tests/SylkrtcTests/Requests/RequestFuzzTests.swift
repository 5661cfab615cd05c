import JSONText
import TestSupport
import Testing

@testable import Sylkrtc

/// Nothing that a client sends can trap, and what is refused is refused in words.
@Suite struct RequestFuzzTests {
    private static let values: [String] = [
        "null", "true", "false", "0", "-1", "1.0", "1e400", "18446744073709551616", "\"\"", "\"a@b\"",
        "\"videoroom\"",
        "\"\\u0000\"", "\"\\ud83d\\ude00\"", "\"é\"", "[]", "[null]", "[\"a@b\",\"a@b\"]", "{}",
        "{\"session\":\"s\"}",
        "[{\"candidate\":\"c\",\"sdpMLineIndex\":0,\"sdpMid\":\"m\"}]", "[{}]", "\"trickle\"", "\"update\"",
    ]

    @Test func `Requests with other values in their members never trap`() throws {
        var random = SeededGenerator(seed: 1)
        var verdicts: [String: Int] = [:]
        for fixture in RequestFixture.all {
            for _ in 0..<60 {
                let root = try JSONDocument(Array(fixture.json.utf8)).root
                let json = Self.rewritten(root, using: &random)
                verdicts[Self.verdict(json.bytes), default: 0] += 1
            }
        }
        #expect(verdicts.count == 3, "\(verdicts)")
    }

    @Test func `Mutated requests never trap`() {
        var random = SeededGenerator(seed: 2)
        for fixture in RequestFixture.all {
            for _ in 0..<100 {
                var bytes = Array(fixture.json.utf8)
                for _ in 0...Int.random(in: 0..<4, using: &random) {
                    let position = Int.random(in: 0..<bytes.count, using: &random)
                    if .random(using: &random) {
                        bytes[position] = .random(in: 0...255, using: &random)
                    } else {
                        bytes.removeSubrange(position..<min(bytes.count, position + 3))
                    }
                }
                _ = Self.verdict(bytes)
            }
        }
    }

    private static func verdict(_ bytes: [UInt8]) -> String {
        switch Dialect.sylkRTC1.decode(bytes) {
        case .request(let transaction, let request):
            #expect(!transaction.isEmpty && !request.name.isEmpty)
            return "request"
        case .refused(let transaction, _, let error):
            #expect(!transaction.isEmpty && !error.description.isEmpty)
            let answer = Dialect.sylkRTC1.encode(.error(transaction: transaction, text: error.description))
            #expect((try? JSONDocument(answer).root["error"]?.string) == error.description)
            return "refused"
        case .unanswerable(let error):
            #expect(!error.description.isEmpty)
            return "unanswerable"
        }
    }

    /// The same object with some members replaced, left out or doubled.
    private static func rewritten(_ value: JSONValue, using random: inout SeededGenerator) -> RawJSON {
        guard value.isObject else { return value.raw }
        var parts: [String] = []
        for member in value.members {
            var text = rewritten(member.value, using: &random).description
            switch Int.random(in: 0..<14, using: &random) {
            case 0: continue
            case 1: text = values.randomElement(using: &random) ?? text
            case 2: parts.append("\"\(member.name)\":\(values.randomElement(using: &random) ?? text)")
            default: break
            }
            parts.append("\"\(member.name)\":\(text)")
        }
        let text = "{" + parts.joined(separator: ",") + "}"
        guard let document = try? JSONDocument(Array(text.utf8)) else {
            Issue.record("\(text) is not JSON")
            return value.raw
        }
        return document.root.raw
    }
}
