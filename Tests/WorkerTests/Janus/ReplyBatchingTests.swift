import NIOCore
import TestSupport
import Testing

@testable import Worker

@Suite struct ReplyBatchingTests {
    @Test func `A few requests are never delayed`() {
        var batching = ReplyBatching()
        for underWay in 0..<ReplyBatching.minimumUnderWay {
            let pause = batching.readCompleted(answered: 1, underWay: underWay)
            #expect(pause == nil)
        }
    }

    @Test func `While many are under way, reading waits within its bounds, whatever comes`() {
        var generator = SeededGenerator(seed: 7)
        var batching = ReplyBatching()
        for _ in 0..<10_000 {
            let underWay = Int.random(in: ReplyBatching.minimumUnderWay...200, using: &generator)
            let answered = Int.random(in: 0...200, using: &generator)
            let pause = batching.readCompleted(answered: answered, underWay: underWay)
            #expect(pause.map { (ReplyBatching.shortest...ReplyBatching.longest).contains($0) } == true)
        }
    }

    @Test func `A slow Janus is waited for longer, until half of the answers come at once`() throws {
        var batching = ReplyBatching()
        let firstPause = batching.readCompleted(answered: 1, underWay: 10)
        let first = try #require(firstPause)
        let secondPause = batching.readCompleted(answered: 2, underWay: 10)
        let second = try #require(secondPause)
        #expect(second > first)
        let third = batching.readCompleted(answered: 5, underWay: 10)
        #expect(third == second)
    }

    @Test func `A fast Janus is not left without work`() throws {
        var batching = ReplyBatching()
        let firstPause = batching.readCompleted(answered: 1, underWay: 10)
        let first = try #require(firstPause)
        let secondPause = batching.readCompleted(answered: 8, underWay: 5)
        let second = try #require(secondPause)
        #expect(second < first)
        // After a rest, nothing was put off, and nothing is learnt.
        let rest = batching.readCompleted(answered: 5, underWay: 0)
        #expect(rest == nil)
        let thirdPause = batching.readCompleted(answered: 9, underWay: 5)
        let third = try #require(thirdPause)
        #expect(third == second)
        let fourthPause = batching.readCompleted(answered: 2, underWay: 4)
        let fourth = try #require(fourthPause)
        #expect(fourth == third)
    }
}
