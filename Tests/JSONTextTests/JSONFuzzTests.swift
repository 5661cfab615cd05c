import JSONText
import TestSupport
import Testing

@Suite struct JSONFuzzTests {
    @Test func `Whatever is read as JSON is written again with the same meaning, and errors are short`() {
        let finding = Fuzzing("json", from: "json").run { input in
            let document: JSONDocument
            do throws(JSONError) {
                document = try JSONDocument(input)
            } catch {
                guard error.description.utf8.count < 100 else { throw Fuzzing.Finding("a long error") }
                guard (0...input.count).contains(error.offset) else { throw Fuzzing.Finding("an error elsewhere") }
                return
            }
            let written = Self.written(document.root)
            let again: JSONDocument
            do throws(JSONError) {
                again = try JSONDocument(written.bytes)
            } catch {
                throw Fuzzing.Finding("what was written is not JSON: \(error)")
            }
            guard Self.isEqual(document.root, again.root) else { throw Fuzzing.Finding("another meaning") }
            guard document.root.raw.bytes.allSatisfy({ $0 < 0x80 }) else { throw Fuzzing.Finding("raw is not ASCII") }
        }
        #expect(finding == nil)
    }

    @Test(.enabled(if: Fuzzing.isLong)) func `The work grows with the text and no faster`() {
        let shapes: [(String, (Int) -> String)] = [
            ("elements", { "[" + String(repeating: "1,", count: $0) + "1]" }),
            ("members", { "{" + String(repeating: "\"a\":1,", count: $0) + "\"b\":1}" }),
            ("escapes", { "\"" + String(repeating: "\\u00e9", count: $0) + "\"" }),
            ("text", { "\"" + String(repeating: "é", count: $0) + "\"" }),
            ("white space", { String(repeating: " ", count: $0) + "1" }),
            ("digits", { String(repeating: "1", count: $0) }), ("nesting", { String(repeating: "[", count: $0) }),
        ]
        for (name, text) in shapes {
            let growth = Growth.perDoubling(from: 2000, { Array(text($0).utf8) }) { bytes in
                guard let root = try? JSONDocument(bytes).root else { return }
                _ = (root["b"], root.elements, root.members, root.string, root.raw, root.integer(Int.self))
            }
            #expect(growth < 3, "\(name)")
        }
    }

    private static func written(_ value: JSONValue) -> RawJSON {
        if let string = value.string { return RawJSON(string: string) }
        if let elements = value.elements {
            return RawJSON { $0.array { json in for element in elements { json.value(written(element)) } } }
        }
        guard value.isObject else { return value.raw }
        let members = value.members.map { "\(RawJSON(string: $0.name)):\(written($0.value))" }
        let text = "{" + members.joined(separator: ",") + "}"
        return (try? JSONDocument(Array(text.utf8)).root.raw) ?? RawJSON { $0.null() }
    }

    private static func isEqual(_ left: JSONValue, _ right: JSONValue) -> Bool {
        if let elements = left.elements {
            guard let others = right.elements, elements.count == others.count else { return false }
            return zip(elements, others).allSatisfy(isEqual)
        }
        if left.isObject {
            let (members, others) = (left.members, right.members)
            return right.isObject && members.count == others.count
                && zip(members, others).allSatisfy {
                    Array($0.name.utf8) == Array($1.name.utf8) && isEqual($0.value, $1.value)
                }
        }
        if let string = left.string { return right.string.map { Array($0.utf8) == Array(string.utf8) } ?? false }
        return left.raw == right.raw && left.hasNullCharacter == right.hasNullCharacter
    }
}
