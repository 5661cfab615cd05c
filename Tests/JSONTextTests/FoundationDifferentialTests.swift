import Foundation
import JSONText
import TestSupport
import Testing

/// The same texts given to another reader. What comes out of it is judged by RFC 8259.
@Suite struct FoundationDifferentialTests {
    private static let seeds = [
        #"{"sylkrtc":"videoroom-ctl","transaction":"1","session":"a","option":"trickle","trickle":{"candidates":[]}}"#,
        #"[0,-1,2.5,1e10,-0.5E-3,9007199254740993,18446744073709551615,[],{},[[{"a":[null,true,false]}]]]"#,
        #"{"a":"\"\\\/\b\f\n\r\t\u0041\u00e9\ud83d\ude00é€😀","b":{"c":"d","e":[1,2,3]},"f":null}"#,
        " { \"a\" : [ 1 ,\t2 ,\r\n3 ] , \"b\" : \"\" } ", "\"text\"", "-12.75e+2", "true", "[[[[[[[[[[0]]]]]]]]]]",
    ]

    private static let pieces: [[UInt8]] =
        [
            "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u", "\\ud83d", "\\ude00", "\\u0000", "0", "1", "-", "+",
            ".", "e",
            "E5", "null", "true", "false", " ", "\t", "\n", "a", "/", "é", "😀", "\u{1}", "\u{7F}", "01", "[[",
            "\"a\":",
        ].map { Array($0.utf8) } + [[0x80], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xFF], [0xE2, 0x82]]

    /// Why one reader accepts a text that the other refuses. There is no third reason.
    private enum Difference: Hashable {
        /// Foundation lets a comma end an array or an object; RFC 8259 does not.
        case trailingComma
        /// Foundation refuses numbers that no `Double` can hold; RFC 8259 has no such limit.
        case hugeNumber
    }

    @Test func `Mutated documents are accepted or refused as Foundation does, but for two known reasons`() throws {
        var random = SeededGenerator(seed: 4)
        var accepted = 0
        var differences: [Difference: Int] = [:]
        for seed in Self.seeds {
            for _ in 0..<2500 {
                var bytes = Array(seed.utf8)
                for _ in 0...Int.random(in: 0..<3, using: &random) { Self.mutate(&bytes, using: &random) }
                let text = String(decoding: bytes, as: UTF8.self)
                let foundation = Self.isAcceptedByFoundation(bytes)
                do throws(JSONError) {
                    let document = try JSONDocument(bytes)
                    accepted += 1
                    Self.look(at: document.root)
                    guard !foundation else { continue }
                    #expect(Self.hasHugeNumber(document.root), "only we accept \(text)")
                    differences[.hugeNumber, default: 0] += 1
                } catch {
                    guard foundation else { continue }
                    #expect(Self.isTrailingComma(error, in: bytes), "only we refuse \(text): \(error)")
                    differences[.trailingComma, default: 0] += 1
                }
            }
        }
        #expect(accepted > 2000)
        #expect(differences.count == 2)
    }

    @Test func `Random bytes are refused as Foundation does, and never trap`() {
        var random = SeededGenerator(seed: 5)
        for _ in 0..<5000 {
            var bytes: [UInt8] = []
            for _ in 0..<Int.random(in: 1..<12, using: &random) {
                bytes += Self.pieces.randomElement(using: &random) ?? []
            }
            #expect(
                (refusal(of: bytes) == nil) == Self.isAcceptedByFoundation(bytes),
                "\(String(decoding: bytes, as: UTF8.self))")
        }
    }

    @Test func `Foundation guesses encodings and nests deeper, which is none of our business`() {
        let marked: [UInt8] = [0xEF, 0xBB, 0xBF] + Array("[1]".utf8)
        #expect(Self.isAcceptedByFoundation(marked) && refusal(of: marked) != nil)
        let wide = Array("[\u{0}1\u{0}]\u{0}".utf8)
        #expect(Self.isAcceptedByFoundation(wide) && refusal(of: wide) != nil)
        let deep = Array((String(repeating: "[", count: 100) + String(repeating: "]", count: 100)).utf8)
        #expect(Self.isAcceptedByFoundation(deep) && refusal(of: deep)?.problem == .tooDeep)
    }

    private static func isAcceptedByFoundation(_ bytes: [UInt8]) -> Bool {
        (try? JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)) != nil
    }

    private static func isTrailingComma(_ error: JSONError, in bytes: [UInt8]) -> Bool {
        guard error.problem == .unexpectedByte, [UInt8(ascii: "]"), UInt8(ascii: "}")].contains(bytes[error.offset])
        else {
            return false
        }
        return bytes[..<error.offset].last { !Array(" \t\r\n".utf8).contains($0) } == UInt8(ascii: ",")
    }

    private static func hasHugeNumber(_ value: JSONValue) -> Bool {
        if let elements = value.elements { return elements.contains(where: hasHugeNumber) }
        if value.isObject { return value.members.contains { hasHugeNumber($0.value) } }
        return Double(value.raw.description)?.isInfinite == true
    }

    /// Every accessor, all the way down: nothing in an accepted document can trap.
    private static func look(at value: JSONValue) {
        _ = (value.bool, value.integer(Int.self), value.integer(UInt8.self), value.string, value["a"])
        #expect(value.raw.bytes.allSatisfy { $0 < 0x80 })
        #expect(!value.isString || value.rawLength >= value.string?.utf8.count ?? .max)
        for element in value.elements ?? [] { look(at: element) }
        for member in value.members { look(at: member.value) }
    }

    private static func mutate(_ bytes: inout [UInt8], using random: inout SeededGenerator) {
        let piece = pieces.randomElement(using: &random) ?? []
        let position = Int.random(in: 0...bytes.count, using: &random)
        let end = min(bytes.count, position + Int.random(in: 0..<4, using: &random))
        switch Int.random(in: 0..<5, using: &random) {
        case 0: bytes.insert(contentsOf: piece, at: position)
        case 1: bytes.removeSubrange(position..<end)
        case 2: bytes.replaceSubrange(position..<end, with: piece)
        case 3: bytes.insert(contentsOf: bytes[position..<end], at: position)
        default:
            if position < bytes.count { bytes[position] = UInt8.random(in: 0x20...0x7E, using: &random) }
        }
    }
}
