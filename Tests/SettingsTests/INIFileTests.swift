import Settings
import Testing

@Suite struct INIFileTests {
    private func values(_ text: String, _ section: String = "A") throws -> [String] {
        try INIFile(text).sections[section, default: []].map { "\($0.key)=\($0.value)" }
    }

    private func problems(_ text: String) -> [String] {
        do throws(SettingsError) {
            _ = try INIFile(text)
            return []
        } catch {
            return error.problems
        }
    }

    @Test(arguments: [
        "key = value", "key=value", "key: value", "key:value", "  key  =  value  ",
        "\tkey\t:\tvalue\t",
    ])
    func `A key is set with an equals sign or a colon`(line: String) throws {
        #expect(try values("[A]\n\(line)\n") == ["key=value"])
    }

    @Test func `Only the first separator counts`() throws {
        #expect(try values("[A]\nurl = ws://host:8188/?a=b") == ["url=ws://host:8188/?a=b"])
        #expect(try values("[A]\nurl: ws://host:8188/?a=b") == ["url=ws://host:8188/?a=b"])
    }

    @Test func `Comments are whole lines with # or ;, or stand behind a value and white space with ;`() throws {
        #expect(
            try values("# one\n; two\n[A]\n  # three\n#k = 1\n;k = 2\n\n   \nk = a # b ; c\n") == ["k=a # b"])
        #expect(try values("[A]\na = x;transport=tcp\t; by TCP\nb = ;c\nc =;c") == ["a=x;transport=tcp", "b=", "c="])
    }

    @Test(arguments: ["[A] # comment", "[A]\t; see [B]", "  [ A ]  "])
    func `A section's name may be commented`(line: String) throws {
        #expect(try values("\(line)\na = 1") == ["a=1"])
    }

    @Test func `A line that is indented deeper than its key continues the value`() throws {
        #expect(
            try values("[A]\nallow = a@x.com,\n    b@x.com,  ; Bob\n\n  # nobody else\n\tc@x.com\nb = 1")
                == ["allow=a@x.com, b@x.com, c@x.com", "b=1"])
        #expect(try values("[A]\n  a = 1\n  b = 2\n    3\n c = 4") == ["a=1", "b=2 3", "c=4"])
        #expect(try values("[A]\nurls =\n  ws://host:1,\n  ws://host:2") == ["urls=ws://host:1, ws://host:2"])
        #expect(try values("[B]\nb = 1\n  [A]\n[A]\n  a = 1") == ["a=1"], "a section has nothing to continue")
        #expect(try INIFile("[A]\n\na =\n 1\n 2").sections["A"]?.map(\.line) == [3])
    }

    @Test func `An editor's mark in front of the file is not read`() throws {
        #expect(try values("\u{FEFF}[A]\na = 1") == ["a=1"])
        #expect(problems("[A]\n\u{FEFF}[B]\na = 1") == ["line 2: expected key = value"])
    }

    @Test func `Keys are in lower case, and a dash equals an underscore`() throws {
        #expect(try values("[A]\nWeb-Origins = A-b\nLOG_LEVEL = X") == ["web_origins=A-b", "log_level=X"])
    }

    @Test func `A value may be empty`() throws {
        #expect(try values("[A]\na =\nb:") == ["a=", "b="])
    }

    @Test func `Section names are kept as they stand`() throws {
        let file = try INIFile("[room1@Conference.example.com]\na = 1\n[ A b ]\n[*]")
        #expect(Set(file.sections.keys) == ["room1@Conference.example.com", "A b", "*"])
        #expect(file.sections["A b"]?.isEmpty == true)
        #expect(file.sections["a b"] == nil)
    }

    @Test func `A section may be continued further down`() throws {
        #expect(try values("[A]\na = 1\n[B]\na = 2\n[A]\nb = 3") == ["a=1", "b=3"])
    }

    @Test func `Entries remember their line`() throws {
        let file = try INIFile("\n[A]\n# comment\na = 1\n\nb = 2")
        #expect(file.sections["A"]?.map(\.line) == [4, 6])
    }

    @Test func `Lines may end as in Windows, and the last one without an end`() throws {
        let file = try INIFile("[A]\r\na = 1\r\n\r\n; comment\r\nb = 2")
        #expect(file.sections["A"]?.map { "\($0.key)=\($0.value)@\($0.line)" } == ["a=1@2", "b=2@5"])
    }

    @Test(arguments: ["", "\n", "# nothing", "   \r\n\t"])
    func `An empty file sets nothing`(text: String) throws {
        #expect(try INIFile(text) == INIFile())
        #expect(try INIFile(text).sections.isEmpty)
    }

    @Test(arguments: [
        ("[A]\na = 1\na = 2", "line 3: a is already set in line 2"),
        ("[A]\nweb-origins = 1\nWeb_Origins: 1", "line 3: web_origins is already set in line 2"),
        ("[A]\na = 1\n[B]\n[A]\n\na = 2", "line 6: a is already set in line 2"),
    ])
    func `A key set twice is an error, however it is spelled and wherever it stands`(text: String, problem: String) {
        #expect(problems(text) == [problem])
    }

    @Test(arguments: [
        ("[A]\nkey", "line 2: expected key = value"), ("[A]\n= value", "line 2: expected key = value"),
        ("[A]\n: value", "line 2: expected key = value"), ("[A", "line 1: a section is written [name]"),
        ("[]", "line 1: a section is written [name]"), ("[ ]", "line 1: a section is written [name]"),
        ("[A]#comment", "line 1: a section is written [name]"), ("[A] B", "line 1: a section is written [name]"),
        ("key = value", "line 1: a key before the first [section]"),
        ("\n\nkey = value\n[A]", "line 3: a key before the first [section]"), ("A]", "line 1: expected key = value"),
    ])
    func `A malformed line is named`(text: String, problem: String) {
        #expect(problems(text) == [problem])
    }

    @Test func `B34 All mistakes are named at once`() {
        #expect(
            problems("a = 1\n[A]\nb\nc = 1\nc = 2\n[\nd = 3\n")
                == [
                    "line 1: a key before the first [section]", "line 3: expected key = value",
                    "line 5: c is already set in line 4", "line 6: a section is written [name]",
                ])
    }

    @Test func `D56 No problem repeats a value`() {
        let all = problems("api_secret = 5ecre7\n[A]\n5ecre7\napi_secret = 5ecre7\napi-secret = 5ecre7\n[5ecre7")
        #expect(all.count == 4)
        #expect(!all.contains { $0.contains("5ecre7") })
    }

    @Test func `Problems are a sentence each`() {
        #expect(SettingsError(problems: ["a", "b"]).description == "a; b")
    }

    @Test func `Nothing in a file can trap`() {
        var state: UInt64 = 1
        let pieces = [
            "[", "]", "A", "=", ":", "#", ";", "\n", "\r\n", "\r", " ", "\t", "é", "\u{301}", "\u{0}",
            "-", "_",
        ]
        for _ in 0..<5000 {
            var text = ""
            for _ in 0..<16 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                text += pieces[Int(state >> 33) % pieces.count]
            }
            guard let file = try? INIFile(text) else { continue }
            #expect(file.sections.values.joined().allSatisfy { !$0.key.isEmpty && $0.line > 0 })
        }
    }
}
