import Identity
import TestSupport
import Testing

@Suite struct IncarnationTests {
    @Test func `The first incarnation is the time`() {
        #expect(Incarnation.following(nil, wallClock: 1_700_000_000_000).rawValue == 1_700_000_000_000)
    }

    @Test func `No incarnation is 0, even without a clock`() {
        #expect(Incarnation.following(nil, wallClock: 0).rawValue == 1)
    }

    @Test func `A later one takes the time when the clock has gone on`() {
        #expect(Incarnation.following(Incarnation(rawValue: 100), wallClock: 150).rawValue == 150)
    }

    @Test(arguments: [0, 99, 100] as [UInt64])
    func `A later one is larger although the clock stands or goes back`(clock: UInt64) {
        #expect(Incarnation.following(Incarnation(rawValue: 100), wallClock: clock).rawValue == 101)
    }

    @Test func `A chain of incarnations only grows, whatever the clock does`() {
        var random = SeededGenerator(seed: 1)
        var previous: Incarnation?
        for _ in 0..<1000 {
            let next = Incarnation.following(previous, wallClock: .random(in: 0...10_000, using: &random))
            if let previous { #expect(next > previous) }
            previous = next
        }
    }

    @Test(arguments: [(0, "0"), (35, "z"), (36, "10"), (1_700_000_000_000, "loyw3v28"), (.max, "3w5e11264sgsf")])
    func `It is written in base 36`(number: UInt64, text: String) {
        #expect(Incarnation(rawValue: number).description == text)
        #expect(Incarnation(text) == Incarnation(rawValue: number))
    }

    @Test(arguments: ["", "Z", "+1", "-1", "-0", "00", "01", "1 ", " 1", "1.0", "ä", "3w5e11264sgsg", "0x1", "１"])
    func `Other spellings are refused`(text: String) {
        #expect(Incarnation(text) == nil)
    }
}
