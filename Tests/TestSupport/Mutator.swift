/// Turns inputs of a corpus into others: a few changes each, of the kinds that readers have been broken with.
public struct Mutator: Sendable {
    private let inputs: [[UInt8]]
    private var random: SeededGenerator

    /// No input grows beyond this.
    public static let maximumLength = 1 << 16

    public init(_ corpus: Corpus, seed: UInt64) {
        inputs = corpus.inputs
        random = SeededGenerator(seed: seed)
    }

    /// One input; the same for the same corpus and seed. One in sixteen is an input of the corpus as it is.
    public mutating func next() -> [UInt8] {
        var bytes = any()
        guard !chance(16) else { return bytes }
        for _ in 0...below(5) { change(&bytes) }
        return Array(bytes.prefix(Self.maximumLength))
    }

    private mutating func change(_ bytes: inout [UInt8]) {
        switch below(11) {
        case 0: flipBit(&bytes)
        case 1: replaceByte(&bytes)
        case 2: removeRange(&bytes)
        case 3: bytes.removeLast(min(bytes.count, below(bytes.count + 1)))
        case 4: duplicateRange(&bytes)
        case 5: splice(&bytes)
        case 6: insert(Self.fragments.randomElement(using: &random) ?? [], into: &bytes)
        case 7: replaceNumber(&bytes)
        case 8: nest(&bytes)
        case 9: insert(Self.brokenUTF8.randomElement(using: &random) ?? [], into: &bytes)
        default: swapWithCorpus(&bytes)
        }
    }

    // MARK: Changes

    private mutating func flipBit(_ bytes: inout [UInt8]) {
        guard !bytes.isEmpty else { return }
        bytes[below(bytes.count)] ^= 1 << UInt8(below(8))
    }

    private mutating func replaceByte(_ bytes: inout [UInt8]) {
        guard !bytes.isEmpty else { return }
        bytes[below(bytes.count)] = UInt8(below(256))
    }

    private mutating func removeRange(_ bytes: inout [UInt8]) { bytes.removeSubrange(range(of: bytes)) }

    private mutating func duplicateRange(_ bytes: inout [UInt8]) {
        let piece = bytes[range(of: bytes)]
        let times = chance(4) ? below(40) : 1
        for _ in 0..<times where bytes.count < Self.maximumLength { insert(Array(piece), into: &bytes) }
    }

    /// The beginning of this and the end of another.
    private mutating func splice(_ bytes: inout [UInt8]) {
        let other = any()
        bytes = Array(bytes.prefix(below(bytes.count + 1))) + Array(other.suffix(below(other.count + 1)))
    }

    /// A piece of another in the place of a piece of this.
    private mutating func swapWithCorpus(_ bytes: inout [UInt8]) {
        let other = any()
        let piece = other[range(of: other)]
        bytes.replaceSubrange(range(of: bytes), with: piece)
    }

    /// Some number that stands in it becomes another one.
    private mutating func replaceNumber(_ bytes: inout [UInt8]) {
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        let starts = bytes.indices.filter { digits.contains(bytes[$0]) && ($0 == 0 || !digits.contains(bytes[$0 - 1])) }
        guard let start = starts.randomElement(using: &random) else { return }
        let end = bytes[start...].firstIndex { !digits.contains($0) } ?? bytes.endIndex
        bytes.replaceSubrange(start..<end, with: Self.numbers.randomElement(using: &random) ?? [])
    }

    private mutating func nest(_ bytes: inout [UInt8]) {
        let depth = chance(4) ? 5000 : below(70)
        let (open, close) = chance(2) ? ("[", "]") : ("{\"a\":", "}")
        let at = below(bytes.count + 1)
        let opening = Array(String(repeating: open, count: depth).utf8)
        let closing = Array(String(repeating: close, count: depth).utf8)
        let end = at + below(bytes.count - at + 1)
        bytes = Array(bytes[..<at]) + opening + Array(bytes[at..<end]) + closing + Array(bytes[end...])
    }

    private mutating func insert(_ piece: [UInt8], into bytes: inout [UInt8]) {
        bytes.insert(contentsOf: piece, at: below(bytes.count + 1))
    }

    // MARK: Chance

    private mutating func any() -> [UInt8] { inputs.randomElement(using: &random) ?? [] }

    private mutating func below(_ bound: Int) -> Int { Int(random.next() % UInt64(max(1, bound))) }

    private mutating func chance(_ one: Int) -> Bool { below(one) == 0 }

    private mutating func range(of bytes: [UInt8]) -> Range<Int> {
        let start = below(bytes.count + 1)
        return start..<(start + below(min(bytes.count - start, 64) + 1))
    }

    // MARK: Pieces

    private static let numbers: [[UInt8]] = [
        "0", "-0", "-1", "1e308", "1e309", "0.5", "1E+1", "00", "255", "256", "65535", "65536", "2147483647",
        "2147483648", "4294967295", "4294967296", "9007199254740993", "9223372036854775807", "9223372036854775808",
        "-9223372036854775808", "-9223372036854775809", "18446744073709551615", "18446744073709551616",
        "99999999999999999999999999999999999999999999", "+1", "0x10", "1_000", "NaN",
    ].map { Array($0.utf8) }

    private static let fragments: [[UInt8]] = [
        "\"", "\\", "\\u0000", "\\ud800", "\\udc00", "\\ud83d\\ude00", "{", "}", "[", "]", ",", ":", "null", "true",
        "\u{0}", "\n", "\r\n", "\r", "\u{85}", "\u{2028}", "\u{FEFF}", "e\u{301}", "\u{1F1E6}\u{1F1E8}", "=", ";", "#",
        "[x]\n", "%00", "%", "@", "@@", "sip:", "/", "../", "/../../etc/passwd", ".", "..", "-", "*", "''", "$(x)",
        "\u{202E}", "\u{200B}", "İ", "ß", "ﬁ", "Å",
    ].map { Array($0.utf8) }

    private static let brokenUTF8: [[UInt8]] = [
        [0xFF], [0xFE, 0xFF], [0xC0, 0x80], [0xC3], [0xE2, 0x82], [0xED, 0xA0, 0x80], [0xF0, 0x9F, 0x98],
        [0xF4, 0x90, 0x80, 0x80], [0x80], [0xF8, 0x88, 0x80, 0x80, 0x80],
    ]
}
