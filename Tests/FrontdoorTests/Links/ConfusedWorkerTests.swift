import Bus
import Identity
import NIOCore
import Sylkrtc
import TestSupport
import Testing

@testable import Frontdoor

/// A worker that says anything at all, beside one that is in its right mind: that one's clients notice nothing.
@Suite struct ConfusedWorkerTests {
    private static let kinds: [MessageKind] = [.answer, .event, .resynced, .heartbeat, .request, .release, .gone]

    @Test(arguments: UInt64(1)...5)
    func `Whatever another worker says of a client's sessions, the client is told nothing of it`(seed: UInt64)
        async throws
    {
        let scene = try await Scene(workers: 1...2)
        try await scene.hall.claim(room, by: 1)
        try await scene.join()
        for round in UInt64(0)..<10 {
            try await scene.hall.run { stage in
                var random = SeededGenerator(seed: seed &* 1000 &+ round)
                var bodies = Mutator(Corpus("bodies"), seed: seed &* 1000 &+ round)
                var envelopes = Mutator(Corpus("envelopes"), seed: seed &* 1000 &+ round)
                for _ in 0..<20 {
                    let connection = ConnectionID(owner: .test, number: random.next() % 3)
                    switch random.next() % 6 {
                    case 0: stage.worker(2).sendNonsense([0] + envelopes.next())
                    default:
                        stage.worker(2).send(
                            Self.kinds.randomElement(using: &random) ?? .event, bodies.next(),
                            random.next() % 8 == 0 ? nil : connection,
                            random.next() % 8 == 0 ? nil : request(random.next() % 5))
                    }
                }
            }
            try await scene.hall.pass(.milliseconds(500))
        }
        #expect(try await scene.told() == [])
        _ = try await scene.heard()
        #expect(try await scene.ask(.update(), as: "u") == [])
        #expect(try await scene.heard() == ["request 3"])
        #expect(try await scene.answer(3) == ["ack u"])
        #expect(try await scene.hall.letsIn())
    }

    @Test(arguments: UInt64(1)...5)
    func `Whatever a client's own worker says, each request is answered once`(seed: UInt64) async throws {
        let scene = try await Scene()
        try await scene.join()
        var answers: [String: Int] = [:]
        for round in UInt64(0)..<12 {
            for line in try await scene.ask(.update(), as: "u\(round)") {
                answers[Self.transaction(line), default: 0] += 1
            }
            try await scene.hall.run { stage in
                var random = SeededGenerator(seed: seed &* 1000 &+ round)
                var bodies = Mutator(Corpus("bodies"), seed: seed &* 1000 &+ round)
                for _ in 0..<12 {
                    stage.worker().send(
                        [.answer, .event, .resynced].randomElement(using: &random) ?? .event, bodies.next(), .test,
                        request(random.next() % (4 + round)))
                }
            }
            try await scene.hall.pass(.milliseconds(250))
            for line in try await scene.told() { answers[Self.transaction(line), default: 0] += 1 }
        }
        // What it did not answer, its deadline does.
        try await scene.hall.pass(.seconds(31))
        for line in try await scene.told() { answers[Self.transaction(line), default: 0] += 1 }
        for round in 0..<12 { #expect(answers["u\(round)"] == 1, "seed \(seed)") }
        #expect(try await scene.closing() == nil)
    }

    /// Of an answer; empty: it is an event.
    private static func transaction(_ line: String) -> String {
        guard line.hasPrefix("ack ") || line.hasPrefix("error ") else { return "" }
        return String(line.drop { $0 != " " }.dropFirst().prefix { $0 != ":" && $0 != " " })
    }
}
