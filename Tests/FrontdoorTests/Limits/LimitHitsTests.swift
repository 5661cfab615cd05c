import Logging
import NIOCore
import Testing

@testable import Frontdoor

@Suite struct LimitHitsTests {
    @Test func `A gate lets so many a second through, and says how many it stopped`() {
        var gate = LogGate(perSecond: 2)
        let start = NIODeadline.uptimeNanoseconds(5)
        #expect(gate.passes(at: start) == 0 && gate.passes(at: start) == 0)
        #expect(gate.passes(at: start) == nil && gate.passes(at: start + .milliseconds(999)) == nil)
        #expect(gate.passes(at: start + .seconds(1)) == 2)
        #expect(gate.passes(at: start + .seconds(1)) == 0)
    }

    @Test func `A limit is logged once a second and counted always, each kind by itself`() {
        let log = LogRecorder()
        let hits = LimitHits(logger: log.logger)
        let start = NIODeadline.uptimeNanoseconds(7)
        for _ in 0..<100 { hits.hit(.accounts, by: ["peer": "a"], at: start) }
        hits.hit(.unansweredRequests, by: ["peer": "b"], at: start)
        hits.hit(.accounts, by: ["peer": "c"], at: start + .seconds(1))
        #expect(
            log.lines == [
                "warning limit=accounts peer=a suppressed=0", "debug limit=unanswered_requests peer=b suppressed=0",
                "warning limit=accounts peer=c suppressed=99",
            ])
        #expect(hits.count(of: .accounts) == 101 && hits.count(of: .unansweredRequests) == 1)
        #expect(hits.count(of: .sessions) == 0)
    }
}
