import Logging
import NIOConcurrencyHelpers
import NIOCore
import Testing

@testable import Frontdoor

@Suite struct LimitHitsTests {
    /// Keeps what is logged.
    private struct Recorder: LogHandler {
        let lines: NIOLockedValueBox<[String]>
        var logLevel = Logger.Level.trace
        var metadata = Logger.Metadata()

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let pairs = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
            lines.withLockedValue { $0.append("\(event.level) \(pairs.joined(separator: " "))") }
        }
    }

    @Test func `A gate lets so many a second through, and says how many it stopped`() {
        var gate = LogGate(perSecond: 2)
        let start = NIODeadline.uptimeNanoseconds(5)
        #expect(gate.passes(at: start) == 0 && gate.passes(at: start) == 0)
        #expect(gate.passes(at: start) == nil && gate.passes(at: start + .milliseconds(999)) == nil)
        #expect(gate.passes(at: start + .seconds(1)) == 2)
        #expect(gate.passes(at: start + .seconds(1)) == 0)
    }

    @Test func `A limit is logged once a second and counted always, each kind by itself`() {
        let lines = NIOLockedValueBox<[String]>([])
        let hits = LimitHits(logger: Logger(label: "test") { _ in Recorder(lines: lines) })
        let start = NIODeadline.uptimeNanoseconds(7)
        for _ in 0..<100 { hits.hit(.accounts, by: ["peer": "a"], at: start) }
        hits.hit(.unansweredRequests, by: ["peer": "b"], at: start)
        hits.hit(.accounts, by: ["peer": "c"], at: start + .seconds(1))
        #expect(
            lines.withLockedValue { $0 } == [
                "warning limit=accounts peer=a suppressed=0", "debug limit=unanswered_requests peer=b suppressed=0",
                "warning limit=accounts peer=c suppressed=99",
            ])
        #expect(hits.count(of: .accounts) == 101 && hits.count(of: .unansweredRequests) == 1)
        #expect(hits.count(of: .sessions) == 0)
    }
}
