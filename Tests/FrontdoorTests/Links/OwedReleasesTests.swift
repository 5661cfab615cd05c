import Testing

@testable import Frontdoor

@Suite struct OwedReleasesTests {
    @Test func `A release is owed until the message it went in is acknowledged`() {
        var owed = OwedReleases()
        owed.add(.test(1), sentIn: 7)
        owed.add(.test(2), sentIn: 9)
        owed.add(.test(3), sentIn: nil)
        owed.acknowledged(upTo: 6)
        #expect(owed.sessions == [.test(1), .test(2), .test(3)])
        owed.acknowledged(upTo: 8)
        #expect(owed.sessions == [.test(2), .test(3)])
        owed.acknowledged(upTo: 100)
        #expect(owed.sessions == [.test(3)], "it was never sent")
    }

    @Test func `A list takes all of them`() {
        var owed = OwedReleases()
        owed.add(.test(1), sentIn: 7)
        owed.linkLost()
        owed.add(.test(2), sentIn: nil)
        owed.acknowledged(upTo: 100)
        #expect(owed.sessions == [.test(1), .test(2)], "what an earlier link took may be lost")
        owed.listed(in: 3)
        owed.acknowledged(upTo: 2)
        #expect(owed.sessions == [.test(1), .test(2)])
        owed.acknowledged(upTo: 3)
        #expect(owed.sessions.isEmpty)
    }

    @Test func `A session is owed once, and only so many sessions are`() {
        var owed = OwedReleases()
        for number in 0...UInt64(OwedReleases.maximum) { owed.add(.test(number), sentIn: number) }
        #expect(owed.sessions.count == OwedReleases.maximum)
        #expect(owed.sessions.first == .test(1))
        owed.add(.test(1), sentIn: nil)
        #expect(owed.sessions.count == OwedReleases.maximum)
        #expect(owed.sessions.last == .test(1))
    }
}
