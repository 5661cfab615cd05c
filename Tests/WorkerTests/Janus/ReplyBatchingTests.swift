import NIOCore
import TestSupport
import Testing

@testable import Worker

@Suite struct ReplyBatchingTests {
    @Test func `A few requests are never delayed`() {
        var batching = ReplyBatching()
        for underWay in 0..<ReplyBatching.minimumUnderWay {
            #expect(batching.readCompleted(answered: 1, underWay: underWay) == nil)
        }
    }

    @Test func `While many are under way, reading waits within its bounds, whatever comes`() {
        var generator = SeededGenerator(seed: 7)
        var batching = ReplyBatching()
        for _ in 0..<10_000 {
            let underWay = Int.random(in: ReplyBatching.minimumUnderWay...200, using: &generator)
            let pause = batching.readCompleted(answered: .random(in: 0...200, using: &generator), underWay: underWay)
            #expect(pause.map { (ReplyBatching.shortest...ReplyBatching.longest).contains($0) } == true)
        }
    }

    @Test func `A slow Janus is waited for longer, until half of the answers come at once`() throws {
        var batching = ReplyBatching()
        let first = try #require(batching.readCompleted(answered: 1, underWay: 10))
        let second = try #require(batching.readCompleted(answered: 2, underWay: 10))
        #expect(second > first)
        #expect(batching.readCompleted(answered: 5, underWay: 10) == second)
    }

    @Test func `A fast Janus is not left without work`() throws {
        var batching = ReplyBatching()
        let first = try #require(batching.readCompleted(answered: 1, underWay: 10))
        let second = try #require(batching.readCompleted(answered: 8, underWay: 5))
        #expect(second < first)
        // After a rest, nothing was put off, and nothing is learnt.
        #expect(batching.readCompleted(answered: 5, underWay: 0) == nil)
        let third = try #require(batching.readCompleted(answered: 9, underWay: 5))
        #expect(third == second)
        let fourth = try #require(batching.readCompleted(answered: 2, underWay: 4))
        #expect(fourth == third)
    }
}
