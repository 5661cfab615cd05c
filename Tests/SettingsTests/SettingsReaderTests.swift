import Testing

@testable import Settings

@Suite struct SettingsReaderTests {
    /// Keys of one letter in a section of one letter, and secrets.
    private static let catalogue = SettingsCatalogue(
        ["A", "B", "C"].flatMap { section in
            ["a", "b", "c"].map { Setting(section, $0, .text("anything"), "", .both, "A letter.") }
                + [
                    "api_secret", "http_management_auth_secret", "firebase_server_key", "secret", "set_secret",
                    "empty_secret", "absent_secret",
                ].map { Setting(section, $0, .secret, "", .both, "A secret.") }
        })

    private func reader(_ text: String) throws -> SettingsReader {
        SettingsReader(try INIFile("[A]\n" + text), catalogue: Self.catalogue)
    }

    @Test func `A text is nil when absent or empty`() throws {
        var reader = try reader("a = x y\nb =\n[B]\nc = 1")
        var texts: [String?] = []
        for (section, key) in [("A", "a"), ("A", "b"), ("A", "c"), ("B", "c"), ("C", "c")] {
            texts.append(reader.text(section, key))
        }
        #expect(texts == ["x y", nil, nil, "1", nil])
        #expect(reader.problems.isEmpty)
    }

    @Test(arguments: [
        ("1", true), ("yes", true), ("true", true), ("on", true), ("YES", true), ("True", true), ("0", false),
        ("no", false), ("false", false), ("off", false), ("Off", false), ("", true),
    ])
    func `Booleans are 1, yes, true, on and 0, no, false, off`(text: String, value: Bool) throws {
        var reader = try reader("a = \(text)")
        let read = reader.boolean("A", "a", default: true)
        #expect(read == value)
        #expect(reader.problems.isEmpty)
    }

    @Test(arguments: ["2", "y", "n", "enabled", "none", "yes no", "-1", "1.0"])
    func `B34 Another boolean is a problem that names the legal ones`(text: String) throws {
        var reader = try reader("a = \(text)")
        let read = reader.boolean("A", "a", default: true)
        #expect(read)
        #expect(
            reader.problems == ["[A] a: \"\(text)\" is not legal; legal is yes, true, on, 1, no, false, off, 0"])
    }

    @Test func `A boolean that is not set has its default`() throws {
        var reader = try reader("")
        let defaults = [true, false]
        var read: [Bool] = []
        for value in defaults { read.append(reader.boolean("A", "a", default: value)) }
        #expect(read == defaults)
    }

    @Test(arguments: [("1", 1), ("007", 7), ("10", 10), ("", 5)])
    func `Integers are read within their range`(text: String, value: Int) throws {
        var reader = try reader("a = \(text)")
        let read = reader.integer("A", "a", default: 5, in: 1...10)
        #expect(read == value)
        #expect(reader.problems.isEmpty)
    }

    @Test(arguments: ["0", "11", "-1", "x", "1.0", "1e1", "0x1", "1 s", "99999999999999999999", "5,6"])
    func `B34 Another integer is a problem that names the range`(text: String) throws {
        var reader = try reader("a = \(text)")
        let read = reader.integer("A", "a", default: 5, in: 1...10)
        #expect(read == 5)
        #expect(reader.problems == ["[A] a: \"\(text)\" is not legal; legal is 1 to 10"])
    }

    @Test(arguments: [
        ("a", ["a"]), ("a,b", ["a", "b"]), (" a , b ,, c,", ["a", "b", "c"]), ("none", []), ("None", []),
        ("none, a", ["none", "a"]), ("*", ["*"]), ("a b", ["a b"]), (",", []), ("", []),
    ])
    func `Lists are separated by commas, and none is the empty one`(text: String, value: [String]) throws {
        var reader = try reader("a = \(text)")
        let read = reader.list("A", "a", default: ["default"])
        #expect(read == value)
        let absent = reader.list("A", "b", default: ["default"])
        #expect(absent == ["default"])
        #expect(reader.problems.isEmpty)
    }

    @Test func `A value is what its parser makes of it`() throws {
        var reader = try reader("a = 3\nb = x")
        var numbers: [Int] = []
        for key in ["a", "b", "c"] {
            numbers.append(reader.value("A", key, default: 7, legal: "numbers") { Int($0) })
        }
        #expect(numbers == [3, 7, 7])
        #expect(reader.problems == ["[A] b: \"x\" is not legal; legal is numbers"])
    }

    @Test func `B34 All problems are told at once, in the order they were found`() throws {
        var reader = try reader("a = x\nb = y\nc = 1")
        _ = reader.integer("A", "a", default: 0, in: 0...1)
        _ = reader.boolean("A", "b", default: false)
        _ = reader.integer("A", "c", default: 0, in: 0...1)
        reader.refuse("A", "c", "1", legal: "2")
        let problems = [
            "[A] a: \"x\" is not legal; legal is 0 to 1",
            "[A] b: \"y\" is not legal; legal is yes, true, on, 1, no, false, off, 0",
            "[A] c: \"1\" is not legal; legal is 2",
        ]
        #expect(throws: SettingsError(problems: problems)) { try reader.finish() }
    }

    @Test func `Without problems reading finishes`() throws {
        var reader = try reader("a = 1")
        _ = reader.integer("A", "a", default: 0, in: 0...1)
        try reader.finish()
    }

    @Test(arguments: ["api_secret", "http-management-auth-secret", "firebase_server_key", "Secret"])
    func `D56 The value of a secret is never repeated`(key: String) throws {
        let name = key.lowercased().replacing("-", with: "_")
        var reader = try reader("\(key) = 5ecre7")
        let number = reader.value("A", name, default: 0, legal: "numbers") { Int($0) }
        #expect(number == 0)
        #expect(reader.problems == ["[A] \(name): the value is not legal; legal is numbers"])
    }

    @Test func `An absent secret has its default, an empty one is none`() throws {
        var reader = try reader("set_secret = x\nempty_secret =")
        var secrets: [String?] = []
        for key in ["set_secret", "empty_secret", "absent_secret"] {
            secrets.append(reader.secret("A", key, default: "public"))
        }
        secrets.append(reader.secret("B", "secret", default: nil))
        #expect(secrets == ["x", nil, "public", nil])
        #expect(reader.problems.isEmpty)
    }
}
