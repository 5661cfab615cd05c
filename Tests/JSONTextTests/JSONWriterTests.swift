import JSONText
import Testing

@Suite struct JSONWriterTests {
    private func written(_ build: (inout JSONWriter) -> Void) -> String { RawJSON(build).description }

    @Test func `Members are separated by commas, without white space`() {
        let text = written { json in
            json.object { json in
                json.member("text", "a")
                json.member("whole", -1)
                json.member("yes", true)
                json.member("no", false)
                json.member("raw", RawJSON(string: "r"))
                json.name("nothing")
                json.null()
                json.name("named")
                json.value("x")
            }
        }
        #expect(
            text == #"{"text":"a","whole":-1,"yes":true,"no":false,"raw":"r","nothing":null,"named":"x"}"#)
    }

    @Test func `Objects and arrays nest in every way`() {
        let text = written { json in
            json.array { json in
                json.array { _ in }
                json.object { _ in }
                json.array { json in
                    json.object { json in json.array("a") { _ in } }
                    json.null()
                }
                json.object { json in
                    json.object("b") { json in json.member("c", 1) }
                    json.array("d") { json in
                        json.value(1)
                        json.value("e")
                        json.value(RawJSON(string: "f"))
                        json.value(false)
                        json.object { _ in }
                        json.array { _ in }
                    }
                    json.member("g", 2)
                }
            }
        }
        #expect(text == #"[[],{},[{"a":[]},null],{"b":{"c":1},"d":[1,"e","f",false,{},[]],"g":2}]"#)
    }

    @Test func `A lone value is a text`() {
        #expect(written { $0.null() } == "null")
        #expect(written { $0.value(true) } == "true")
        #expect(written { $0.value("") } == "\"\"")
        #expect(written { $0.object { _ in } } == "{}")
        #expect(written { $0.array { _ in } } == "[]")
    }

    @Test func `Integers keep all their digits`() {
        #expect(written { $0.value(UInt64.max) } == "18446744073709551615")
        #expect(written { $0.value(Int64.min) } == "-9223372036854775808")
        #expect(written { $0.value(UInt8(0)) } == "0")
        #expect(written { $0.value((UInt64(1) << 53) + 1) } == "9007199254740993")
    }

    @Test func `Strings are ASCII, escaped where they must be`() {
        #expect(written { $0.value("\"\\/\n\r\t") } == #""\"\\/\n\r\t""#)
        #expect(written { $0.value("\u{0}\u{8}\u{C}\u{1F}\u{7F}") } == #""\u0000\u0008\u000c\u001f\u007f""#)
        #expect(written { $0.value("é€\u{FFFF}\u{2028}") } == #""\u00e9\u20ac\uffff\u2028""#)
        #expect(written { $0.value("😀\u{10FFFF}") } == #""\ud83d\ude00\udbff\udfff""#)
        #expect(written { $0.value("\r\n") } == #""\r\n""#)
        #expect(written { $0.value("e\u{301}") } == #""e\u0301""#)
    }

    @Test func `Every character is read back as it was written`() throws {
        for number in UInt32(0)...0x2FFF {
            guard let scalar = Unicode.Scalar(number) else { continue }
            let raw = RawJSON(string: String(scalar))
            guard raw.bytes.allSatisfy({ (0x20..<0x7F).contains($0) }),
                try JSONDocument(raw.bytes).root.string.map({ Array($0.unicodeScalars) }) == [scalar]
            else {
                Issue.record("U+\(String(number, radix: 16)) became \(raw)")
                return
            }
        }
    }
}
