import Identity
import NIOCore
import Testing

@testable import Worker

@Suite struct AbsencesTests {
    private let other = frontdoorLoop(2)

    private func at(_ milliseconds: Int64) -> NIODeadline { .uptimeNanoseconds(0) + .milliseconds(milliseconds) }

    @Test func `a loop that stays away for five seconds has had its time, again and again`() {
        var absences = Absences()
        #expect(absences.look(at: at(0), owners: [frontdoor, other], isPresent: { $0 == other }) == [])
        #expect(absences.look(at: at(4999), owners: [frontdoor, other], isPresent: { $0 == other }) == [])
        for now in [Int64(5000), 5250] {
            #expect(
                absences.look(at: at(now), owners: [frontdoor, other], isPresent: { $0 == other }) == [frontdoor])
        }
    }

    @Test func `the time counts from the loss of the link, and from when sessions turn up without one`() {
        var absences = Absences()
        absences.lost(frontdoor, at: at(1000))
        absences.lost(frontdoor, at: at(3000))
        #expect(absences.look(at: at(6000), owners: [frontdoor], isPresent: { _ in false }) == [frontdoor])
        #expect(absences.look(at: at(6000), owners: [frontdoor, other], isPresent: { _ in false }) == [frontdoor])
        #expect(absences.look(at: at(11_000), owners: [other], isPresent: { _ in false }) == [other])
    }

    @Test func `whoever comes back begins anew`() {
        var absences = Absences()
        absences.lost(frontdoor, at: at(0))
        #expect(absences.look(at: at(4000), owners: [frontdoor], isPresent: { _ in true }) == [])
        absences.lost(frontdoor, at: at(4500))
        #expect(absences.look(at: at(9000), owners: [frontdoor], isPresent: { _ in false }) == [])
        #expect(!absences.isAway(frontdoor, at: at(4700)))
        #expect(absences.isAway(frontdoor, at: at(4750)))
        #expect(!absences.isAway(other, at: at(4750)))
    }
}
