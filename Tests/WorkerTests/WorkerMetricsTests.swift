import Identity
import NIOCore
import Sylkrtc
import Telemetry
import Testing

@testable import Worker

/// What a worker counts, and whether it says that it is ready.
struct WorkerMetricsTests {
    /// Lines of a scrape without help, types, buckets and what is 0.
    private func lines(_ world: CoreWorld) -> [String] {
        PrometheusText.text(world.core.report).split(separator: "\n").map(String.init)
            .filter { !$0.hasPrefix("#") && !$0.hasSuffix(" 0") && !$0.contains("_bucket{") }
    }

    @Test func `What is there and what was asked is counted`() throws {
        try CoreWorld.run { world in
            try world.join("alice", 1)
            try world.join("bob", 2)
            world.request(.feedAttach(base: sequence(1), feed: client("f"), publisher: "bob"), 1, 2)
            world.request(.terminate(session: sequence(7)), 1, 3)
            var lines = self.lines(world)
            for line in [
                "slot_held 1", "rooms 1", "publishers 2", "feeds 1", "links 1", "janus_up 1",
                #"joins_total{outcome="ack"} 2"#, #"requests_total{type="join",outcome="ack"} 2"#,
                #"requests_total{type="feed_attach",outcome="ack"} 1"#,
                #"requests_total{type="terminate",outcome="unknown_session"} 1"#,
                #"request_duration_seconds_count{type="join"} 2"#, "takeover_duration_seconds_count 1",
                #"janus_request_duration_seconds_count{request="create"} 1"#,
            ] { #expect(lines.contains("gateway_worker_\(line)"), "\(line)") }
            #expect(!lines.contains { $0.hasPrefix("gateway_worker_unanswered_requests") })
            #expect(lines.contains { $0.hasPrefix("gateway_worker_events_sent_total ") })
            world.request(.terminate(session: sequence(1)), 1, 4)
            lines = self.lines(world)
            #expect(lines.contains(#"gateway_worker_sessions_ended_total{session="publisher"} 1"#))
            #expect(lines.contains(#"gateway_worker_sessions_ended_total{session="feed"} 1"#))
            #expect(lines.contains("gateway_worker_publishers 1"))
        }
    }

    @Test func `A request that comes again after a lost link is counted once, from when it came back`() throws {
        let metrics = RequestMetrics()
        let id = connection(1)
        func at(_ seconds: Int64) -> NIODeadline { .uptimeNanoseconds(0) + .seconds(seconds) }
        metrics.began(.terminate(session: sequence(1)), id, sequence(2), at: at(1))
        metrics.forget(id.owner)
        metrics.answered(.ack, id, sequence(2), at: at(2))
        metrics.began(.terminate(session: sequence(1)), id, sequence(2), at: at(3))
        metrics.began(.terminate(session: sequence(1)), id, sequence(2), at: at(4))
        metrics.answered(.ack, id, sequence(2), at: at(5))
        metrics.answered(.ack, id, sequence(2), at: at(6))
        var report = MetricsReport()
        metrics.report(to: &report)
        let text = PrometheusText.text(report)
        #expect(text.contains(#"gateway_worker_requests_total{type="terminate",outcome="ack"} 1"#))
        #expect(text.contains(#"gateway_worker_request_duration_seconds_sum{type="terminate"} 2"#))
    }

    @Test(
        arguments: [
            ("attach", JanusRequestKind.attach), ("handle_info", .handleInfo), ("list_handles", .listHandles),
            ("trickle", .trickle), ("info", .other), ("", .other),
        ] as [(StaticString, JanusRequestKind)])
    func `Requests to Janus are told apart by their name`(name: StaticString, kind: JanusRequestKind) {
        #expect(JanusRequestKind(name) == kind)
    }

    @Test func `A worker is ready with slot and Janus, or to stand by, and not without Janus`() throws {
        try CoreWorld.run(isServing: false) { world in
            #expect(world.core.readiness == .notReady("no Janus"))
            try world.serve()
            #expect(world.core.readiness == .ready("ready"))
            world.janus.isReachable = false
            world.janus.breakLinks()
            world.settle()
            #expect(world.core.readiness == .notReady("no Janus"))
            world.janus.isReachable = true
            world.advance(by: .seconds(1))
            #expect(world.core.readiness == .ready("ready"))
            #expect(lines(world).contains("gateway_worker_janus_reconnects_total 2"), "the admin API's, too")
        }
    }
}
