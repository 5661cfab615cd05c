import Foundation

/// Runs a property over inputs made from a corpus: some thousands in the unit tests, and for as long as
/// `CONTINUO_FUZZ_SECONDS` says for `deploy/fuzz`. Every input has a seed of its own, so that what is found is found again
/// by `CONTINUO_FUZZ_SEED` alone.
public struct Fuzzing: Sendable {
    /// What a property says of an input that breaks it.
    public struct Finding: Error, Equatable, Sendable, CustomStringConvertible {
        public let description: String
        public init(_ description: String) { self.description = description }
    }

    public let name: String
    private let corpus: Corpus
    private let count: Int

    /// - Parameters:
    ///   - name: of what is fuzzed, as it is printed.
    ///   - corpus: the folder of `Tests/Corpus` to start from.
    ///   - count: inputs in the unit tests.
    public init(_ name: String, from corpus: String, count: Int = 3000) {
        self.name = name
        self.corpus = Corpus(corpus)
        self.count = count
    }

    /// This is a run of its own, where time matters less and processors can be timed.
    public static var isLong: Bool { seconds != nil }

    private static let seconds = ProcessInfo.processInfo.environment["CONTINUO_FUZZ_SECONDS"].flatMap(Double.init)
    private static let seed = ProcessInfo.processInfo.environment["CONTINUO_FUZZ_SEED"].flatMap { UInt64($0) } ?? 1
    private static let notes = ProcessInfo.processInfo.environment["CONTINUO_FUZZ_NOTES"]

    /// - Parameter property: throws a ``Finding`` for what breaks it.
    /// - Returns: the first input that does, in words with its seed; nil when there was none.
    public func run(_ property: ([UInt8]) throws -> Void) -> String? {
        // What the corpus holds has to hold at first.
        for input in corpus.inputs {
            if let finding = look(at: input, seed: nil, property) { return finding }
        }
        let note = Self.notes.flatMap { Note(folder: $0, name: name) }
        let deadline = Self.seconds.map { Date(timeIntervalSinceNow: $0) }
        var done = 0
        while deadline.map({ Date() < $0 }) ?? (done < count) {
            let seed = Self.seed &+ UInt64(done)
            var mutator = Mutator(corpus, seed: seed)
            let input = mutator.next()
            note?.write(seed: seed, input)
            if let finding = look(at: input, seed: seed, property) { return finding }
            done += 1
        }
        if Self.isLong { print("fuzz: \(name): \(done) inputs from seed \(Self.seed)") }
        return nil
    }

    private func look(at input: [UInt8], seed: UInt64?, _ property: ([UInt8]) throws -> Void) -> String? {
        do {
            try property(input)
            return nil
        } catch {
            let origin = seed.map { "seed \($0)" } ?? "the corpus itself"
            return "\(name), \(origin): \(error)\ninput: \(Self.readable(input))"
        }
    }

    private static func readable(_ input: [UInt8]) -> String {
        input.map { byte in
            switch byte {
            case UInt8(ascii: "\\"): "\\\\"
            case 0x20...0x7E: String(UnicodeScalar(byte))
            default: "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }
        }.joined()
    }
}

/// The input that is being looked at, in a file: should it trap, there it is.
private final class Note {
    private let file: FileHandle

    init?(folder: String, name: String) {
        let path = "\(folder)/\(name).input"
        guard FileManager.default.createFile(atPath: path, contents: nil), let file = FileHandle(forWritingAtPath: path)
        else { return nil }
        self.file = file
    }

    deinit { try? file.close() }

    func write(seed: UInt64, _ input: [UInt8]) {
        do {
            let text = Data("seed \(seed)\n".utf8) + Data(input)
            try file.seek(toOffset: 0)
            try file.write(contentsOf: text)
            try file.truncate(atOffset: UInt64(text.count))
        } catch {
            preconditionFailure("the input cannot be noted: \(error)")
        }
    }
}
