import NIOCore
import TestSupport
import Testing

@testable import Bus

@Suite struct BatchingTests {
    private static let longest = TimeAmount.milliseconds(1)

    private struct Load {
        var batching = Batching(longest: longest)
        var now = NIODeadline.uptimeNanoseconds(1_000_000_000)

        mutating func begin(_ count: Int) { for _ in 0..<count { batching.requestBegan(at: now) } }

        /// So many answers have come, so many are still to come.
        mutating func take(_ answered: Int, underWay: Int) -> TimeAmount? {
            for _ in 0..<answered { batching.requestAnswered() }
            return batching.taken(underWay: underWay, at: now)
        }
    }

    @Test func `A few requests are never delayed`() {
        var load = Load()
        load.begin(100)
        for underWay in 0..<Batching.minimumUnderWay {
            let pause = load.take(1, underWay: underWay)
            #expect(pause == nil)
        }
    }

    @Test func `While many are under way, everything waits within its bounds, whatever comes`() {
        var generator = SeededGenerator(seed: 7)
        var load = Load()
        for _ in 0..<10_000 {
            load.begin(200)
            let underWay = Int.random(in: Batching.minimumUnderWay...200, using: &generator)
            let pause = load.take(.random(in: 0...200, using: &generator), underWay: underWay)
            #expect(pause.map { (Batching.shortest...Self.longest).contains($0) } == true)
            load.now = load.now + .microseconds(.random(in: 0...40_000, using: &generator))
        }
    }

    @Test func `A slow peer is waited for longer, until half of the answers come at once`() throws {
        var load = Load()
        load.begin(100)
        let (first, second, third) = (
            load.take(1, underWay: 10), load.take(2, underWay: 10), load.take(5, underWay: 10)
        )
        #expect(try #require(second) > #require(first))
        #expect(third == second)
    }

    @Test func `A fast peer is not left without work`() throws {
        var load = Load()
        load.begin(100)
        let (first, second) = (load.take(1, underWay: 10), load.take(8, underWay: 5))
        #expect(try #require(second) < #require(first))
        // When everything is answered, nothing is put off, and what comes next starts from what was learnt.
        let rest = load.take(5, underWay: 0)
        let (third, fourth) = (load.take(9, underWay: 5), load.take(5, underWay: 10))
        #expect(rest == nil)
        #expect(try #require(third) < #require(second))
        #expect(fourth == third)
    }

    @Test func `What hangs delays nobody`() {
        var load = Load()
        load.begin(100)
        let busy = load.take(1, underWay: 100)
        load.now = load.now + .milliseconds(100)
        load.begin(1)
        let quiet = load.take(1, underWay: 100)
        #expect(busy != nil)
        #expect(quiet == nil)
    }
}
