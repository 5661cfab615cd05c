import Identity
import TestSupport
import Testing

@testable import Frontdoor

@Suite struct RoomPlacementTests {
    private func candidates(_ loads: Int...) -> [RoomPlacement.Candidate] {
        loads.enumerated().map { RoomPlacement.Candidate(slot: slot($0 + 1), load: $1) }
    }

    @Test func `Nobody serves, nobody is chosen`() {
        var generator = SeededGenerator(seed: 1)
        #expect(RoomPlacement.choose(among: [], using: &generator) == nil)
    }

    @Test func `Of one or two the one with less to do is chosen`() {
        var generator = SeededGenerator(seed: 2)
        for _ in 0..<100 {
            #expect(RoomPlacement.choose(among: candidates(7), using: &generator) == slot(1))
            #expect(RoomPlacement.choose(among: candidates(7, 3), using: &generator) == slot(2))
        }
    }

    @Test func `The one with the most to do is never chosen, the others all are`() {
        var generator = SeededGenerator(seed: 3)
        var chosen: [Int: Int] = [:]
        for _ in 0..<1000 {
            guard let slot = RoomPlacement.choose(among: candidates(1, 2, 3, 9), using: &generator) else { continue }
            chosen[slot.number, default: 0] += 1
        }
        #expect(chosen.keys.sorted() == [1, 2, 3])
        #expect(chosen[1, default: 0] > chosen[2, default: 0] && chosen[2, default: 0] > chosen[3, default: 0])
    }

    @Test func `Rooms that come one after the other are spread`() {
        var generator = SeededGenerator(seed: 4)
        var loads = [0, 0, 0, 0, 0]
        for _ in 0..<1000 {
            let candidates = loads.enumerated().map { RoomPlacement.Candidate(slot: slot($0 + 1), load: $1) }
            guard let slot = RoomPlacement.choose(among: candidates, using: &generator) else { continue }
            loads[slot.number - 1] += 1
        }
        #expect(loads.allSatisfy { (190...210).contains($0) }, "\(loads)")
    }

    @Test func `Load counts by weight, and a weight of nothing wants no rooms`() {
        var generator = SeededGenerator(seed: 6)
        func choose(_ weights: (load: Int, weight: Int)...) -> SlotID? {
            let candidates = weights.enumerated().map {
                RoomPlacement.Candidate(slot: slot($0 + 1), load: $1.load, weight: $1.weight)
            }
            return RoomPlacement.choose(among: candidates, using: &generator)
        }
        for _ in 0..<100 {
            #expect(choose((load: 30, weight: 10), (load: 4, weight: 1)) == slot(1))
            #expect(choose((load: 30, weight: 10), (load: 2, weight: 1)) == slot(2))
            #expect(choose((load: 0, weight: 0), (load: 1000, weight: 1), (load: 0, weight: -1)) == slot(2))
        }
        #expect(choose((load: 0, weight: 0)) == nil)
    }

    @Test func `Rooms are spread in proportion to the weights`() {
        var generator = SeededGenerator(seed: 7)
        var loads = [0, 0, 0]
        for _ in 0..<1000 {
            let candidates = loads.enumerated().map {
                RoomPlacement.Candidate(slot: slot($0 + 1), load: $1, weight: [1, 1, 2][$0])
            }
            guard let slot = RoomPlacement.choose(among: candidates, using: &generator) else { continue }
            loads[slot.number - 1] += 1
        }
        #expect((240...260).contains(loads[0]) && (240...260).contains(loads[1]), "\(loads)")
    }

    @Test func `Front doors with the same view do not all choose the same`() {
        var generator = SeededGenerator(seed: 5)
        let chosen = Set((0..<50).map { _ in RoomPlacement.choose(among: candidates(0, 0, 0), using: &generator) })
        #expect(chosen == [slot(1), slot(2), slot(3)])
    }
}
