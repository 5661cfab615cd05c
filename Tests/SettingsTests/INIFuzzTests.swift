import Settings
import TestSupport
import Testing

@Suite struct INIFuzzTests {
    @Test func `A file that is read says the same when it is written again, and complaints name lines`() {
        let finding = Fuzzing("ini", from: "ini").run { input in
            let text = String(decoding: input, as: UTF8.self)
            let file: INIFile
            do throws(SettingsError) {
                file = try INIFile(text)
            } catch {
                guard !error.problems.isEmpty, error.problems.allSatisfy({ $0.hasPrefix("line ") }) else {
                    throw Fuzzing.Finding("a complaint about nothing: \(error)")
                }
                return
            }
            // What would be a comment or another line when it is written plainly is left aside.
            let isPlain = file.sections.allSatisfy { name, entries in
                ([name] + entries.flatMap { [$0.key, $0.value] }).allSatisfy { text in
                    !text.contains { "#;\"'".contains($0) || $0.isNewline }
                }
            }
            guard isPlain else { return }
            let written = file.sections.map { name, entries in
                "[\(name)]\n" + entries.map { "\($0.key) = \($0.value)\n" }.joined()
            }.joined()
            let again: INIFile
            do throws(SettingsError) {
                again = try INIFile(written)
            } catch {
                throw Fuzzing.Finding("what it says cannot be read: \(error)")
            }
            guard Self.meaning(again) == Self.meaning(file) else { throw Fuzzing.Finding("another meaning: \(again)") }
        }
        #expect(finding == nil)
    }

    private static func meaning(_ file: INIFile) -> [String: [String]] {
        file.sections.mapValues { entries in entries.map { "\($0.key)=\($0.value)" } }
    }

    @Test(.enabled(if: Fuzzing.isLong)) func `The work grows with the file and no faster`() {
        let shapes: [(String, (Int) -> String)] = [
            ("keys of one section", { count in "[a]\n" + (0..<count).map { "k\($0) = 1\n" }.joined() }),
            ("sections", { count in (0..<count).map { "[s\($0)]\nk = 1\n" }.joined() }),
            ("one line", { "[a]\nk = " + String(repeating: "x ", count: $0) }),
            ("complaints", { String(repeating: "nonsense\n", count: $0) }),
        ]
        for (name, text) in shapes {
            #expect(Growth.perDoubling(from: 500, text) { _ = try? INIFile($0) } < 3, "\(name)")
        }
    }
}
