import Testing

@testable import JSONText

/// RFC 8259, section by section.
@Suite struct GrammarTests {
    struct Bad: Sendable, CustomTestStringConvertible {
        let text: String
        let problem: JSONError.Problem
        let offset: Int

        init(_ text: String, _ problem: JSONError.Problem, at offset: Int) {
            (self.text, self.problem, self.offset) = (text, problem, offset)
        }

        var testDescription: String { text.debugDescription }
    }

    // Sections 2 and 3.
    static let values = [
        "null", "true", "false", "0", "\"\"", "{}", "[]", " \t\r\n null \t\r\n ", "[null,true,false,0,\"\",{},[]]",
        "[\n1\t,\r2 ]", "{\"a\":{\"b\":[{\"c\":null}]}}", "[[[[]]],[[]],[]]",
    ]

    // Section 4.
    static let objects = [
        "{\"\":0}", "{\"a\":1,\"a\":2}", " { \"a\" : 1 , \"b\" : 2 } ", "{\"a\\u0062\":1}", "{\"\\\"\":1}",
        "{\"é\":1}",
    ]

    // Section 6.
    static let numbers = [
        "0", "-0", "1", "-1", "10", "9007199254740993", "18446744073709551616",
        "123456789012345678901234567890", "0.5", "-0.0", "1.25", "0e0", "1E5", "1e+5", "1e-05", "0.1e1", "1e400",
        "-1e-400",
    ]

    // Section 7.
    static let strings = [
        "\"a\"", "\" \"", "\"/\"", "\"\\/\"", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\u0000\"", "\"\\u00E9\"",
        "\"\\u00e9\"", "\"\\ud83d\\ude00\"", "\"\\uD83D\\uDE00\"", "\"\\uFFFF\"", "\"\u{7F}\"", "\"é\"", "\"€\"",
        "\"😀\"", "\"\u{2028}\u{2029}\"", "\"\u{10FFFF}\"", "\"\u{FEFF}\"", "\"\\u005C\"", "\"\\\\u12\"",
    ]

    @Test(arguments: values + objects + numbers + strings)
    func `What the grammar allows is accepted`(text: String) {
        #expect(refusal(of: text) == nil)
        #expect(refusal(of: "[\(text)]") == nil)
        #expect(refusal(of: "{\"a\":\(text),\"b\":\(text)}") == nil)
    }

    static let badValues = [
        Bad("", .empty, at: 0), Bad(" \r\n", .empty, at: 3), Bad("nul", .unexpectedEnd, at: 3),
        Bad("nulL", .unexpectedByte, at: 3), Bad("Null", .unexpectedByte, at: 0), Bad("True", .unexpectedByte, at: 0),
        Bad("tru ", .unexpectedByte, at: 3), Bad("nulll", .trailingBytes, at: 4), Bad("NaN", .unexpectedByte, at: 0),
        Bad("Infinity", .unexpectedByte, at: 0), Bad("undefined", .unexpectedByte, at: 0),
        Bad("'a'", .unexpectedByte, at: 0), Bad("1 2", .trailingBytes, at: 2), Bad("{}{}", .trailingBytes, at: 2),
        Bad("[]]", .trailingBytes, at: 2), Bad("]", .unexpectedByte, at: 0), Bad(",", .unexpectedByte, at: 0),
        Bad(":", .unexpectedByte, at: 0), Bad("// a\n1", .unexpectedByte, at: 0),
        Bad("/**/1", .unexpectedByte, at: 0), Bad("1#", .trailingBytes, at: 1),
        Bad("\u{FEFF}1", .unexpectedByte, at: 0),
        Bad("\u{B}1", .unexpectedByte, at: 0), Bad("\u{C}1", .unexpectedByte, at: 0),
        Bad("\u{A0}1", .unexpectedByte, at: 0), Bad("1\u{0}", .trailingBytes, at: 1),
        Bad("\u{0}", .unexpectedByte, at: 0), Bad("\u{2028}1", .unexpectedByte, at: 0),
    ]

    static let badArrays = [
        Bad("[", .unexpectedEnd, at: 1), Bad("[1", .unexpectedEnd, at: 2), Bad("[1,", .unexpectedEnd, at: 3),
        Bad("[1,]", .unexpectedByte, at: 3), Bad("[,1]", .unexpectedByte, at: 1), Bad("[,]", .unexpectedByte, at: 1),
        Bad("[1,,2]", .unexpectedByte, at: 3), Bad("[1 2]", .unexpectedByte, at: 3),
        Bad("[1;2]", .unexpectedByte, at: 2),
        Bad("[1:2]", .unexpectedByte, at: 2), Bad("[1}", .unexpectedByte, at: 2),
        Bad("[\"a\":1]", .unexpectedByte, at: 4),
        Bad("[[]", .unexpectedEnd, at: 3), Bad("[é]", .unexpectedByte, at: 1),
    ]

    static let badObjects = [
        Bad("{", .unexpectedEnd, at: 1), Bad("{\"a\"", .unexpectedEnd, at: 4), Bad("{\"a\":", .unexpectedEnd, at: 5),
        Bad("{\"a\":1", .unexpectedEnd, at: 6), Bad("{\"a\":1,", .unexpectedEnd, at: 7),
        Bad("{\"a\":1,}", .unexpectedByte, at: 7), Bad("{,}", .unexpectedByte, at: 1),
        Bad("{\"a\"}", .unexpectedByte, at: 4),
        Bad("{\"a\" 1}", .unexpectedByte, at: 5), Bad("{\"a\"::1}", .unexpectedByte, at: 5),
        Bad("{\"a\",1}", .unexpectedByte, at: 4), Bad("{a:1}", .unexpectedByte, at: 1),
        Bad("{1:1}", .unexpectedByte, at: 1),
        Bad("{null:1}", .unexpectedByte, at: 1), Bad("{'a':1}", .unexpectedByte, at: 1),
        Bad("{[]:1}", .unexpectedByte, at: 1), Bad("{\"a\":1 \"b\":2}", .unexpectedByte, at: 7),
        Bad("{\"a\":1;\"b\":2}", .unexpectedByte, at: 6), Bad("{\"a\":1]", .unexpectedByte, at: 6),
        Bad("{\"a\":}", .unexpectedByte, at: 5), Bad("{\"a\":1,,\"b\":2}", .unexpectedByte, at: 7),
    ]

    static let badNumbers = [
        Bad("-", .badNumber, at: 0), Bad("+1", .unexpectedByte, at: 0), Bad("00", .badNumber, at: 0),
        Bad("01", .badNumber, at: 0), Bad("-01", .badNumber, at: 0), Bad("-a", .badNumber, at: 0),
        Bad("--1", .badNumber, at: 0), Bad("1.", .badNumber, at: 0), Bad(".5", .unexpectedByte, at: 0),
        Bad("-.5", .badNumber, at: 0), Bad("1.e1", .badNumber, at: 0), Bad("1e", .badNumber, at: 0),
        Bad("1e+", .badNumber, at: 0), Bad("1e+-1", .badNumber, at: 0), Bad("1e1.5", .trailingBytes, at: 3),
        Bad("1.2.3", .trailingBytes, at: 3), Bad("0x10", .trailingBytes, at: 1), Bad("1_000", .trailingBytes, at: 1),
        Bad("1a", .trailingBytes, at: 1), Bad("1f", .trailingBytes, at: 1), Bad("-Infinity", .badNumber, at: 0),
        Bad("１", .unexpectedByte, at: 0), Bad("[0,01]", .badNumber, at: 3), Bad("1 000", .trailingBytes, at: 2),
    ]

    static let badStrings = [
        Bad("\"", .unexpectedEnd, at: 1), Bad("\"a", .unexpectedEnd, at: 2), Bad("\"a\\\"", .unexpectedEnd, at: 4),
        Bad("\"\\", .unexpectedEnd, at: 2), Bad("\"\\x41\"", .badEscape, at: 1), Bad("\"\\a\"", .badEscape, at: 1),
        Bad("\"\\'\"", .badEscape, at: 1), Bad("\"\\0\"", .badEscape, at: 1), Bad("\"\\U0041\"", .badEscape, at: 1),
        Bad("\"\\é\"", .badEscape, at: 1), Bad("\"\\u\"", .badEscape, at: 3), Bad("\"\\u12\"", .badEscape, at: 5),
        Bad("\"\\u12", .unexpectedEnd, at: 5), Bad("\"\\u123g\"", .badEscape, at: 6),
        Bad("\"\\u+123\"", .badEscape, at: 3), Bad("\"\\u 123\"", .badEscape, at: 3),
        Bad("\"a\nb\"", .controlCharacter, at: 2), Bad("\"a\tb\"", .controlCharacter, at: 2),
        Bad("\"\u{0}\"", .controlCharacter, at: 1), Bad("\"\u{1F}\"", .controlCharacter, at: 1),
        Bad("{\"a\nb\":1}", .controlCharacter, at: 3), Bad("\"\\\u{0}\"", .badEscape, at: 1),
    ]

    static let loneSurrogates = [
        Bad("\"\\ud800\"", .loneSurrogate, at: 1), Bad("\"\\udbff\"", .loneSurrogate, at: 1),
        Bad("\"\\udc00\"", .loneSurrogate, at: 1), Bad("\"\\uDFFF\"", .loneSurrogate, at: 1),
        Bad("\"\\ud83dx\"", .loneSurrogate, at: 1), Bad("\"\\ud83d\\n\"", .loneSurrogate, at: 1),
        Bad("\"\\ud83d\\u0041\"", .loneSurrogate, at: 1), Bad("\"\\ud83d\\ud83d\"", .loneSurrogate, at: 1),
        Bad("\"\\ude00\\ud83d\"", .loneSurrogate, at: 1), Bad("\"a\\ud83d", .loneSurrogate, at: 2),
        Bad("\"\\ud83d\\ude0\"", .badEscape, at: 12), Bad("{\"\\ud800\":1}", .loneSurrogate, at: 2),
    ]

    @Test(arguments: badValues + badArrays + badObjects + badNumbers + badStrings + loneSurrogates)
    func `What the grammar does not allow is refused, and the place is named`(bad: Bad) {
        #expect(refusal(of: bad.text) == JSONError(problem: bad.problem, offset: bad.offset))
    }

    // Section 8.1. Overlong forms, halves of surrogate pairs, beyond U+10FFFF, cut off, stray continuations.
    static let badUTF8: [[UInt8]] = [
        [0x80], [0xBF], [0xC0, 0x80], [0xC1, 0xBF], [0xC2], [0xC2, 0x41], [0xE0, 0x80, 0x80], [0xE0, 0x9F, 0xBF],
        [0xE2, 0x82], [0xE2, 0x28, 0xA1], [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF], [0xF0, 0x80, 0x80, 0x80],
        [0xF0, 0x9F, 0x98], [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xF8, 0x88, 0x80, 0x80, 0x80],
        [0xFE],
        [0xFF], [0xED, 0xA0, 0xBD, 0xED, 0xB8, 0x80],
    ]

    @Test(arguments: badUTF8)
    func `A string that is not UTF-8 is refused`(bytes: [UInt8]) {
        #expect(refusal(of: [0x22] + bytes + [0x22]) == JSONError(problem: .badUTF8, offset: 0))
        #expect(refusal(of: [0x22, 0x61] + bytes + [0x62, 0x22])?.problem == .badUTF8)
        #expect(refusal(of: Array("{\"".utf8) + bytes + Array("\":1}".utf8)) == JSONError(problem: .badUTF8, offset: 1))
        #expect(refusal(of: bytes) == JSONError(problem: .unexpectedByte, offset: 0))
    }

    @Test func `Other encodings are refused`() {
        #expect(refusal(of: [0xEF, 0xBB, 0xBF, 0x31]) == JSONError(problem: .unexpectedByte, offset: 0))
        #expect(refusal(of: [0x31, 0x00]) == JSONError(problem: .trailingBytes, offset: 1))
        #expect(refusal(of: [0x00, 0x31]) == JSONError(problem: .unexpectedByte, offset: 0))
        #expect(refusal(of: [0xFF, 0xFE, 0x31, 0x00]) == JSONError(problem: .unexpectedByte, offset: 0))
    }

    @Test func `32 levels are accepted, 33 are refused`() {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            func nested(_ levels: Int) -> String {
                String(repeating: open, count: levels) + "0" + String(repeating: close, count: levels)
            }
            #expect(refusal(of: nested(32)) == nil)
            #expect(refusal(of: nested(33)) == JSONError(problem: .tooDeep, offset: 32 * open.utf8.count))
            #expect(refusal(of: nested(2), maximumDepth: 1)?.problem == .tooDeep)
            #expect(refusal(of: nested(1), maximumDepth: 1) == nil)
            #expect(refusal(of: nested(0), maximumDepth: 0) == nil)
            #expect(refusal(of: nested(1), maximumDepth: 0) == JSONError(problem: .tooDeep, offset: 0))
        }
    }

    @Test func `Neighbours do not add up to depth`() {
        #expect(refusal(of: "[" + String(repeating: "[[]],", count: 100) + "[]]", maximumDepth: 3) == nil)
    }

    @Test func `A million brackets are refused without harm`() {
        let brackets = [UInt8](repeating: UInt8(ascii: "["), count: 1_000_000)
        #expect(refusal(of: brackets) == JSONError(problem: .tooDeep, offset: 32))
    }

    @Test func `An error says what is wrong and where`() {
        #expect(refusal(of: "[1,]")?.description == "the text has an unexpected byte (byte 3)")
        #expect(refusal(of: "")?.description == "the text is empty (byte 0)")
    }

    @Test func `Every byte of a string is judged alike, wherever it stands`() {
        for length in 1...20 {
            for position in 0..<length {
                for byte in UInt8.min...UInt8.max {
                    var content = [UInt8](repeating: UInt8(ascii: "a"), count: length)
                    content[position] = byte
                    let refused = refusal(of: [UInt8(ascii: "\"")] + content + [UInt8(ascii: "\"")])
                    let isPlain =
                        byte >= 0x20 && byte < 0x80 && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
                    #expect((refused == nil) == isPlain)
                }
            }
        }
    }
}
