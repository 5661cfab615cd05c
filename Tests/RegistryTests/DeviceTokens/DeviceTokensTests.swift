import Foundation
import Identity
import Logging
import NIOConcurrencyHelpers
import Testing

@testable import Registry

@Suite("Device tokens")
struct DeviceTokensTests {
    private let directory = TemporaryDirectory()
    private let log = NIOLockedValueBox<[String]>([])

    private var path: String { "\(directory.path)/state/device_tokens.sqlite" }

    private var logger: Logger {
        Logger(label: "tokens") { [log] _ in RecordingHandler(lines: log) }
    }

    private func open() -> DeviceTokens { DeviceTokens(directory: "\(directory.path)/state", logger: logger) }

    private func account(_ name: String = "alice") throws -> AddressOfRecord {
        try #require(AddressOfRecord("\(name)@example.org"))
    }

    private func change(_ old: String?, _ new: String?) throws -> DeviceTokenChange {
        try #require(DeviceTokenChange(removed: old, added: new))
    }

    @discardableResult
    private func store(
        _ tokens: DeviceTokens, _ old: String?, _ new: String?, of name: String = "alice"
    ) async throws -> Bool {
        let (change, account) = (try change(old, new), try account(name))
        return await withCheckedContinuation { continuation in
            tokens.change([change], of: account) { continuation.resume(returning: $0) }
        }
    }

    @Test func `R05 Old only removes, new only adds, both replace, and what is unknown is no error`() async throws {
        let tokens = open()
        defer { tokens.stop() }
        #expect(try await store(tokens, nil, "one"))
        #expect(try await store(tokens, nil, "two"))
        #expect(try await tokens.tokens(of: try account()) == ["one", "two"])
        #expect(try await store(tokens, "one", "three"))
        #expect(try await tokens.tokens(of: try account()) == ["two", "three"])
        #expect(try await store(tokens, "nothing", nil))
        #expect(try await store(tokens, "two", nil))
        #expect(try await tokens.tokens(of: try account()) == ["three"])
        #expect(try await store(tokens, "three", "three"))
        #expect(try await tokens.tokens(of: try account()) == ["three"], "the old goes first, the new comes next")
        #expect(try await tokens.tokens(of: try account("bob")) == [])
    }

    @Test func `R05 With neither, and with empty ones, there is nothing to change`() throws {
        #expect(DeviceTokenChange(removed: nil, added: nil) == nil)
        #expect(DeviceTokenChange(removed: "", added: "") == nil)
        #expect(try change("", "a").removed == nil)
    }

    @Test func `B30 Tokens survive a restart, and every process sees them`() async throws {
        let (first, second) = (open(), open())
        try await store(first, nil, "one")
        try await store(second, nil, "two")
        #expect(try await first.tokens(of: try account()) == ["one", "two"])
        first.stop()
        second.stop()
        let third = open()
        defer { third.stop() }
        #expect(try await third.tokens(of: try account()) == ["one", "two"])
        #expect(log.withLockedValue { $0 } == [])
    }

    @Test func `B30 What many processes store at once is all there`() async throws {
        let processes = (0..<4).map { _ in open() }
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for (number, process) in processes.enumerated() {
                for token in 0..<8 {
                    group.addTask { try await store(process, nil, "\(number)-\(token)") }
                }
            }
            for try await isStored in group { #expect(isStored) }
        }
        #expect(try await processes[0].tokens(of: try account()).count == 32)
        for process in processes { process.stop() }
    }

    @Test(arguments: ["nonsense", String(repeating: "SQLite format 3\0 and then something else ", count: 100)])
    func `B30 A file that cannot be read is put aside with a word to the operator, and all begins anew`(
        text: String
    ) async throws {
        try FileManager.default.createDirectory(
            atPath: "\(directory.path)/state", withIntermediateDirectories: false)
        try text.write(toFile: path, atomically: false, encoding: .utf8)
        let tokens = open()
        defer { tokens.stop() }
        #expect(try await store(tokens, nil, "one"))
        #expect(try await tokens.tokens(of: try account()) == ["one"])
        let aside = try FileManager.default.contentsOfDirectory(atPath: "\(directory.path)/state")
            .filter { $0.hasPrefix("device_tokens.sqlite.unreadable-") }
        #expect(aside.count == 1)
        let name = try #require(aside.first)
        #expect(try String(contentsOfFile: "\(directory.path)/state/\(name)", encoding: .utf8) == text)
        #expect(
            log.withLockedValue { $0 }
                == ["error: the device tokens cannot be read: they are put aside, and there are none now"])
    }

    @Test func `B30 A process whose file another one has put aside goes on in the new one`() async throws {
        let (first, second) = (open(), open())
        try await store(first, nil, "before")
        try FileManager.default.moveItem(atPath: path, toPath: path + ".elsewhere")
        try await store(second, nil, "new")
        try await store(first, nil, "newer")
        #expect(try await second.tokens(of: try account()) == ["new", "newer"])
        first.stop()
        second.stop()
    }

    @Test func `B30 A file that is damaged while it is in use is put aside, too`() async throws {
        let tokens = open()
        for number in 0..<200 { try await store(tokens, nil, String(repeating: "t\(number)", count: 100)) }
        tokens.stop()
        let handle = try #require(FileHandle(forUpdatingAtPath: path))
        try handle.seek(toOffset: 4096)
        try handle.write(contentsOf: Data(repeating: 0xAA, count: 3 * 4096))
        try handle.close()
        let again = open()
        defer { again.stop() }
        #expect(try await store(again, nil, "one"))
        #expect(try await again.tokens(of: try account()) == ["one"])
    }

    @Test func `B30 Where nothing can be written that is said once, and told to who asks`() async throws {
        try "no directory".write(toFile: "\(directory.path)/state", atomically: false, encoding: .utf8)
        let tokens = open()
        tokens.start()
        for _ in 1...3 { #expect(try await store(tokens, nil, "one") == false) }
        #expect(log.withLockedValue { $0 } == ["error: device tokens cannot be stored"])
        try FileManager.default.removeItem(atPath: "\(directory.path)/state")
        #expect(try await store(tokens, nil, "one"))
        #expect(log.withLockedValue { $0.last } == "notice: device tokens can be stored again")
        tokens.stop()
    }

    @Test func `D55 An account keeps its newest 32 tokens`() async throws {
        let tokens = open()
        defer { tokens.stop() }
        for number in 1...32 { try await store(tokens, nil, "\(number)") }
        try await store(tokens, nil, "1")
        try await store(tokens, nil, "33")
        try await store(tokens, nil, "another's", of: "bob")
        let kept = try await tokens.tokens(of: try account())
        #expect(kept == (3...32).map { "\($0)" } + ["1", "33"], "a token told again is new again")
        #expect(try await tokens.tokens(of: try account("bob")) == ["another's"])
    }

    @Test func `D55 D56 The file is its owner's, in a directory of its owner's`() async throws {
        let tokens = open()
        try await store(tokens, nil, "one")
        func mode(_ path: String) throws -> Int? {
            try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        }
        #expect(try mode("\(directory.path)/state") == 0o700)
        for end in ["", "-wal", "-shm"] { #expect(try mode(path + end) == 0o600) }
        tokens.stop()
    }

    @Test func `D56 A change says nothing of its tokens`() throws {
        #expect("\(try change("old", "new"))" == "(removed: true, added: true)")
    }
}

private struct RecordingHandler: LogHandler {
    let lines: NIOLockedValueBox<[String]>
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.info

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) { lines.withLockedValue { $0.append("\(event.level): \(event.message)") } }
}
