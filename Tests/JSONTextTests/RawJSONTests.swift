import JSONText
import Testing

@Suite struct RawJSONTests {
    @Test(arguments: [
        "\"v=0\\r\\no=- 1 1 IN IP4 0.0.0.0\\r\\n\"", "\"\\u00E9\\/\\u0041\"", "\"\"", "0", "-0.0e+5", "null",
        "123456789012345678901234567890", "{\"a\" : [ 1,\t2 ],\r\n\"a\":3}", "[]", "\"\u{7F}\"",
    ])
    func `ASCII is spliced byte by byte as it came`(text: String) throws {
        #expect(try read(text).root.raw.bytes == Array(text.utf8))
        #expect(try read("  [0, \(text) ]").root.elements?.last?.raw.description == text)
        #expect(try read("{\"a\":0,\"b\":\(text)}").root["b"]?.raw.description == text)
    }

    @Test(arguments: [
        ("\"é\"", "\"\\u00e9\""), ("\"a€b\"", "\"a\\u20acb\""), ("\"😀\"", "\"\\ud83d\\ude00\""),
        ("\"é\\né\\\"\"", "\"\\u00e9\\n\\u00e9\\\"\""),
        (
            "{\"é\": [\"ü\", 1.50]}",
            "{\"\\u00e9\": [\"\\u00fc\", 1.50]}"
        ),
        ("\"e\u{301}\u{2028}\"", "\"e\\u0301\\u2028\""), ("\"\\u00E9é\"", "\"\\u00E9\\u00e9\""),
    ])
    func `What is not ASCII is escaped, all else left as it came`(text: String, raw: String) throws {
        let value = try read(text).root
        #expect(value.raw.description == raw)
        #expect(try read(raw).root.string == value.string)
    }

    @Test func `Every character survives splicing`() throws {
        for scalars in stride(from: UInt32(0x80), through: 0x10FFFF, by: 97) {
            guard let scalar = Unicode.Scalar(scalars) else { continue }
            let raw = try read("\"\(scalar)\"").root.raw
            guard raw.bytes.allSatisfy({ $0 < 0x80 }), try JSONDocument(raw.bytes).root.string == String(scalar) else {
                Issue.record("U+\(String(scalars, radix: 16)) became \(raw)")
                return
            }
        }
    }

    @Test func `Equal texts make equal raw values`() throws {
        #expect(try read("[\"a\"]").root.elements?.first?.raw == RawJSON(string: "a"))
        #expect(RawJSON { $0.value("a\u{e9}") } == RawJSON(string: "a\u{e9}"))
        #expect(RawJSON { json in json.object { $0.member("a", 1) } }.description == "{\"a\":1}")
    }
}
