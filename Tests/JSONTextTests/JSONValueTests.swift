import JSONText
import Testing

@Suite struct JSONValueTests {
    @Test func `Every accessor answers for its own type only`() throws {
        let elements = try #require(try read("[null,true,1,\"1\",[],{}]").root.elements)
        #expect(elements.map(\.isNull) == [true, false, false, false, false, false])
        #expect(elements.map(\.bool) == [nil, true, nil, nil, nil, nil])
        #expect(elements.map { $0.integer(Int.self) } == [nil, nil, 1, nil, nil, nil])
        #expect(elements.map(\.string) == [nil, nil, nil, "1", nil, nil])
        #expect(elements.map(\.isString) == [false, false, false, true, false, false])
        #expect(elements.map(\.isArray) == [false, false, false, false, true, false])
        #expect(elements.map { $0.elements == nil } == [true, true, true, true, false, true])
        #expect(elements.map(\.isObject) == [false, false, false, false, false, true])
        #expect(elements.map { $0["a"] == nil } == [true, true, true, true, true, true])
        #expect(elements.map(\.members.count) == [0, 0, 0, 0, 0, 0])
        #expect(elements.map(\.hasNullCharacter) == [false, false, false, false, false, false])
    }

    @Test func `True and false are told apart`() throws {
        #expect(try read("true").root.bool == true)
        #expect(try read("false").root.bool == false)
        #expect(try read("0").root.bool == nil)
        #expect(try read("\"false\"").root.bool == nil)
    }

    @Test(
        arguments: [
            ("0", 0), ("-0", 0), ("-1", -1), ("9223372036854775807", .max), ("-9223372036854775808", .min),
            ("9223372036854775808", nil), ("-9223372036854775809", nil), ("123456789012345678901234567890", nil),
            ("1.0", nil), ("1.5", nil), ("1e0", nil), ("1E2", nil), ("10e-1", nil), ("true", nil), ("\"1\"", nil),
            ("9007199254740993", 9_007_199_254_740_993),
        ] as [(String, Int?)])
    func `An integer has neither fraction nor exponent, and fits`(text: String, number: Int?) throws {
        #expect(try read(text).root.integer(Int.self) == number)
    }

    @Test func `Handles of 64 bits stay exact`() throws {
        #expect(try read("18446744073709551615").root.integer(UInt64.self) == .max)
        #expect(try read("18446744073709551616").root.integer(UInt64.self) == nil)
        #expect(try read("-1").root.integer(UInt64.self) == nil)
        #expect(try read("256").root.integer(UInt8.self) == nil)
        #expect(try read("255").root.integer(UInt8.self) == 255)
    }

    @Test(arguments: [
        ("\"\"", ""), ("\"a\\/b\"", "a/b"), ("\"\\\"\\\\\\b\\f\\n\\r\\t\"", "\"\\\u{8}\u{C}\n\r\t"),
        ("\"\\u0041\\u00e9\\u20AC\"", "Aé€"), ("\"\\ud83d\\ude00!\"", "😀!"), ("\"\\uD800\\uDC00\"", "\u{10000}"),
        ("\"\\udbff\\udfff\"", "\u{10FFFF}"), ("\"é😀\"", "é😀"), ("\"é\\n😀\"", "é\n😀"), ("\"\\\\u0041\"", "\\u0041"),
        ("\"a\\u0000b\"", "a\u{0}b"), ("\"\\uFFFE\\uFEFF\"", "\u{FFFE}\u{FEFF}"),
    ])
    func `Escapes are resolved in strings`(text: String, string: String) throws {
        let value = try read(text).root
        #expect(value.string.map { Array($0.utf8) } == Array(string.utf8))
    }

    @Test func `The length of a string's text counts escapes as they stand`() throws {
        #expect(try read("\"\"").root.rawLength == 0)
        #expect(try read("\"ab\"").root.rawLength == 2)
        #expect(try read("\"\\n\\u00e9é\"").root.rawLength == 10)
    }

    @Test func `A null character is found however it is written`() throws {
        #expect(try read("\"a\\u0000\"").root.hasNullCharacter)
        #expect(try !read("\"a\\\\u0000\"").root.hasNullCharacter)
        #expect(try !read("\"0\\u0030\"").root.hasNullCharacter)
    }

    @Test func `Members are found by name`() throws {
        let root = try read("{\"a\":1,\"ab\":{\"a\":2},\"b\":[{\"a\":3}],\"\":4}").root
        #expect(root["a"]?.integer() == 1)
        #expect(root["ab"]?["a"]?.integer() == 2)
        #expect(root["b"]?.elements?.first?["a"]?.integer() == 3)
        #expect(root[""]?.integer() == 4)
        #expect(root["c"] == nil)
        #expect(root["A"] == nil)
        #expect(root["aba"] == nil)
    }

    @Test func `A name may be written with escapes`() throws {
        let root = try read("{\"\\u0061b\":1,\"\\u0073dp\":2}").root
        #expect(root["ab"]?.integer() == 1)
        #expect(root["sdp"]?.integer() == 2)
        #expect(root["\\u0061b"] == nil)
        #expect(root.members.map(\.name) == ["ab", "sdp"])
    }

    @Test func `Of two members of one name the last counts, and both are listed`() throws {
        let root = try read("{\"a\":1,\"b\":2,\"\\u0061\":{\"a\":3}}").root
        #expect(root["a"]?.isObject == true)
        #expect(root.members.map(\.name) == ["a", "b", "a"])
        #expect(try read("{\"a\":1,\"a\":null}").root["a"]?.isNull == true)
    }

    @Test func `Members and elements come in order, nested ones left out`() throws {
        let root = try read("{\"z\":[1,[2,{\"y\":3}],4],\"x\":{\"z\":5},\"w\":6}").root
        #expect(root.members.map(\.name) == ["z", "x", "w"])
        let elements = try #require(root["z"]?.elements)
        #expect(elements.count == 3)
        #expect(elements.last?.integer() == 4)
        #expect(try read("[]").root.elements?.isEmpty == true)
    }
}
