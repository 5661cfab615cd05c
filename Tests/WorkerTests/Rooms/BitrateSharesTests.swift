import Identity
import Testing

@testable import Worker

/// The table of protocol page section 6.4 (B22): what everybody gets.
@Suite struct BitrateSharesTests {
    private let maximum = 2_016_000

    private func shares(_ members: Int, active: Int = 0) -> [Int] {
        let sessions = (0..<members).map { session(UInt64($0) + 1) }
        let shares = BitrateShares.of(Set(sessions), active: Set(sessions.prefix(active)), maximum: maximum)
        #expect(shares.count == members)
        return sessions.compactMap { shares[$0] }
    }

    @Test(arguments: [(1, 2_016_000), (2, 2_016_000), (3, 1_008_000), (4, 672_000), (6, 403_200), (10, 224_000)])
    func `B22 without active participants all but one share equally`(members: Int, share: Int) {
        #expect(shares(members) == Array(repeating: share, count: members))
    }

    @Test func `B22 one active participant gets everything, the others 100000`() {
        #expect(shares(3, active: 1) == [2_016_000, 100_000, 100_000])
        #expect(shares(1, active: 1) == [2_016_000])
    }

    @Test func `B22 two active participants share everything, the others get 100000`() {
        #expect(shares(3, active: 2) == [1_008_000, 1_008_000, 100_000])
    }

    @Test func `B22 shares are whole numbers, rounded down`() {
        let members = Set((1...4).map { session($0) })
        #expect(BitrateShares.of(members, active: [], maximum: 64_001).values.allSatisfy { $0 == 21_333 })
    }

    @Test func `B22 an active participant that is no member counts for nothing`() {
        let members: Set = [session(1), session(2), session(3)]
        let shares = BitrateShares.of(members, active: [session(9)], maximum: maximum)
        #expect(shares.values.allSatisfy { $0 == 1_008_000 })
        let mixed = BitrateShares.of(members, active: [session(9), session(1)], maximum: maximum)
        #expect(mixed[session(1)] == 2_016_000)
        #expect(mixed[session(9)] == nil)
    }

    @Test func `B22 an empty room has no shares`() {
        #expect(BitrateShares.of([], active: [], maximum: maximum) == [:])
        #expect(BitrateShares.of([], active: [session(1)], maximum: maximum) == [:])
    }
}
