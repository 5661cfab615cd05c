import Foundation
import Identity
import Testing

@testable import Worker

@Suite struct RoomRulesTests {
    private let directory = TemporaryDirectory()
    private let uri = room("room@conference.example.com")

    private func rules(file: String?) -> RoomRules {
        RoomRules(defaults: RoomConfiguration(), file: file, recordings: "\(directory.path)/recordings")
    }

    // MARK: Configuration

    @Test func `B20 without a file every room has the defaults`() {
        let (configuration, problems) = rules(file: nil).configuration(of: uri)
        #expect(configuration == RoomConfiguration())
        #expect(problems == [])
    }

    @Test func `B20 the file is read afresh each time`() throws {
        let file = try directory.file("a.ini", "[room@conference.example.com]\nmax_publishers = 2\n")
        let rules = rules(file: file)
        #expect(rules.configuration(of: uri).0.maximumPublishers == 2)
        _ = try directory.file("a.ini", "[room@conference.example.com]\nmax_publishers = 3\n")
        #expect(rules.configuration(of: uri).0.maximumPublishers == 3)
    }

    @Test(arguments: ["[room@conference.example.com\n", "no section\n", "[a]\nkey = 1\nkey = 2\n"])
    func `B20 a file that became unreadable closes its rooms (D41)`(text: String) throws {
        let file = try directory.file("b.ini", text)
        let (configuration, problems) = rules(file: file).configuration(of: uri)
        #expect(configuration.access == .closed)
        #expect(problems.count == 1)
    }

    @Test func `B20 a file that has gone closes its rooms`() {
        let (configuration, problems) = rules(file: "\(directory.path)/gone.ini").configuration(of: uri)
        #expect(configuration.access == .closed)
        #expect(problems.count == 1)
    }

    @Test func `B20 one room's mistake closes that room only`() throws {
        let file = try directory.file("c.ini", "[room@conference.example.com]\nallow = what?\n")
        let rules = rules(file: file)
        #expect(rules.configuration(of: uri).0.access == .closed)
        #expect(rules.configuration(of: room("other@conference.example.com")).0.access.isOpen)
    }

    // MARK: Recordings (B25)

    @Test func `B25 a room's directory is made, readable for others, and may be there already`() throws {
        let path = try rules(file: nil).recordingDirectory(uri)
        #expect(path == "\(directory.path)/recordings/room@conference.example.com")
        #expect(try rules(file: nil).recordingDirectory(uri) == path)
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o755)
    }

    @Test(arguments: [
        ("../../etc@x.com", "..%2F..%2Fetc@x.com"), ("a/b@x.com", "a%2Fb@x.com"), ("..@x.com", "..@x.com"),
        ("%2e%2e%2f@x.com", "..%252F@x.com"), ("a+b$c@x.com", "a%2Bb%24c@x.com"),
        ("a_b-c.d@x-y.com", "a_b-c.d@x-y.com"),
    ])
    func `B25 whatever the room is called, its directory lies inside`(name: String, expected: String) throws {
        let path = try rules(file: nil).recordingDirectory(room(name))
        #expect(path == "\(directory.path)/recordings/\(expected)")
        let resolved = URL(fileURLWithPath: path).standardizedFileURL.deletingLastPathComponent().path
        #expect(resolved == URL(fileURLWithPath: "\(directory.path)/recordings").standardizedFileURL.path)
    }

    @Test func `B25 rooms that differ have directories that differ`() throws {
        let names = ["a/b@x.com", "a%2Fb@x.com", "A/b@x.com", "ab@x.com"]
        let paths = try names.map { try rules(file: nil).recordingDirectory(room($0)) }
        #expect(Set(paths).count == names.count)
    }

    @Test func `B25 a directory that cannot be made is an error`() throws {
        let file = try directory.file("plain", "")
        let rules = RoomRules(defaults: RoomConfiguration(), file: nil, recordings: file)
        #expect(throws: (any Error).self) { try rules.recordingDirectory(uri) }
    }
}
