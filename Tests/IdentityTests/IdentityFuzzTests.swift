import Identity
import TestSupport
import Testing

/// Nothing that a peer or an administrator writes can trap, and what is accepted means itself.
@Suite struct IdentityFuzzTests {
    private static let seeds = [
        "sip:alice:secret@example.com:5060;transport=tcp?subject=x%20y", "sips:alice@[2001:db8::1]:5061",
        "c1:prod:host1/2:f1.abc.0.7.12", "c1:prod:host1/2:rooms", "f65535.3w5e11264sgsf.65535.1.1", "host1/999",
    ]

    private static let alphabet: [String] =
        "abcdefghijklmnopqrstuvwxyzABCZ0189@:;.?%[]/-_+ \"<>\\#&=,*~\r\n\t".map(String.init) + [
            "sip:", "sips:", "%40", "\u{0}", "\u{7F}", "é", "\u{301}", "\u{1F600}", "\u{2028}", "\r\n", "１",
        ]

    @Test func `Mutated texts never trap, and what is accepted re-parses to itself`() {
        var random = SeededGenerator(seed: 3)
        var accepted = 0
        for seed in Self.seeds {
            for _ in 0..<1500 {
                var characters = Array(seed)
                for _ in 0...Int.random(in: 0..<4, using: &random) { Self.mutate(&characters, using: &random) }
                accepted += Self.check(String(characters)) ? 1 : 0
            }
        }
        #expect(accepted > 400)
    }

    @Test func `Random texts never trap, and what is accepted re-parses to itself`() {
        var random = SeededGenerator(seed: 4)
        for _ in 0..<10_000 {
            let count = Int.random(in: 0..<24, using: &random)
            _ = Self.check((0..<count).compactMap { _ in Self.alphabet.randomElement(using: &random) }.joined())
        }
    }

    @Test func `Random bytes never trap`() {
        var random = SeededGenerator(seed: 5)
        for _ in 0..<5000 {
            let bytes = (0..<Int.random(in: 0..<40, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            _ = Self.check(String(decoding: bytes, as: UTF8.self))
        }
    }

    private static func mutate(_ characters: inout [Character], using random: inout SeededGenerator) {
        let insertion = Array(alphabet.randomElement(using: &random) ?? "")
        let position = Int.random(in: 0...characters.count, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: characters.insert(contentsOf: insertion, at: position)
        case 1: characters.removeSubrange(position..<min(position + 1, characters.count))
        case 2: characters.replaceSubrange(position..<min(position + 1, characters.count), with: insertion)
        default: characters.append(contentsOf: characters[..<position])
        }
    }

    /// - Returns: anything accepted the text.
    private static func check(_ text: String) -> Bool {
        var accepted = false
        func canonical<ID: CustomStringConvertible>(_ parse: (String) -> ID?) {
            guard let id = parse(text) else { return }
            accepted = true
            #expect(id.description == text)
        }
        canonical { DeploymentID($0) }
        canonical { NodeName($0) }
        canonical { SlotID($0) }
        canonical { FrontdoorLoopID($0) }
        canonical { ConnectionID($0) }
        canonical { SessionID($0) }
        canonical { OpaqueID($0) }
        canonical { Incarnation($0) }
        if let address = AddressOfRecord(text) {
            accepted = true
            #expect(AddressOfRecord(address.description) == address)
            #expect(address.description.utf8.count <= text.utf8.count)
            #expect(AddressOfRecord("sip:" + address.description) == address || text.utf8.count > 251)
        }
        if let uri = SIPURI(text) {
            accepted = true
            #expect(text.utf8.allSatisfy { (0x21...0x7E).contains($0) })
            #expect(text.contains(uri.host))
            #expect(uri.port != 0)
        }
        return accepted
    }
}
