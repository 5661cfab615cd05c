import Foundation
import Identity
import Settings
import TestSupport
import Testing

@testable import Worker

@Suite struct ConfigurationFuzzTests {
    /// What the corpus sets `api_secret` and `admin_secret` to.
    private static let secret = "s3cr3t-of-the-"

    @Test func `Any configuration file is taken or refused with reasons that repeat no secret`() throws {
        let directory = TemporaryDirectory()
        let path = "\(directory.path)/webrtcgateway.ini"
        let finding = Fuzzing("worker-configurations", from: "ini", count: 800).run { input in
            try Data(input).write(to: URL(fileURLWithPath: path))
            do throws(SettingsError) {
                let configuration = try WorkerConfiguration(file: path)
                guard !configuration.slots.isEmpty, configuration.slots.allSatisfy({ (1...999).contains($0) }) else {
                    throw SettingsError(problems: [])
                }
            } catch {
                guard !error.problems.isEmpty else { throw Fuzzing.Finding("a bound was not kept") }
                guard error.description.contains(Self.secret), !Self.isMisplaced(input) else { return }
                throw Fuzzing.Finding("a secret is repeated: \(error)")
            }
        }
        #expect(finding == nil)
    }

    /// A change has put the secret where none stands: in a section's name, a key, or under another key.
    private static func isMisplaced(_ input: [UInt8]) -> Bool {
        guard let file = try? INIFile(String(decoding: input, as: UTF8.self)) else { return false }
        return file.sections.contains { name, entries in
            name.contains(secret)
                || entries.contains {
                    $0.key.contains(secret) || ($0.value.contains(secret) && !$0.key.hasSuffix("secret"))
                }
        }
    }

    @Test func `A room's configuration is kept as it was read, and a section that is wrong closes its room (D41)`() {
        let uri = room("room1@conference.example.com")
        let finding = Fuzzing("room-configurations", from: "ini", count: 1500).run { input in
            guard let file = try? INIFile(String(decoding: input, as: UTF8.self)) else { return }
            for uri in [uri] + file.sections.keys.sorted().prefix(3).compactMap({ RoomURI($0) }) {
                let (configuration, problems) = RoomConfiguration.of(uri, in: file, fallback: RoomConfiguration())
                guard problems.isEmpty || configuration.access == .closed else { throw Fuzzing.Finding("open: \(uri)") }
                guard RoomConfiguration(snapshot: configuration.snapshot) == configuration else {
                    throw Fuzzing.Finding("kept as something else: \(configuration.snapshot)")
                }
            }
        }
        #expect(finding == nil)
    }
}
