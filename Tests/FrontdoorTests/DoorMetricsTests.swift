import NIOCore
import NIOHTTP1
import Sylkrtc
import Telemetry
import Testing

@testable import Frontdoor

/// What a front door counts, and whether it says that it is ready.
struct DoorMetricsTests {
    /// Lines of a scrape without help, types and what is 0.
    private func lines(_ scene: Scene) async throws -> [String] {
        try await scene.hall.run { stage in
            PrometheusText.text(stage.door.report).split(separator: "\n").map(String.init)
                .filter { !$0.hasPrefix("#") && !$0.hasSuffix(" 0") && !$0.contains("_bucket{") }
        }
    }

    @Test func `Requests are counted by type and outcome, each when it is answered`() async throws {
        let scene = try await Scene()
        try await scene.join()
        #expect(try await scene.ask(Ask("videoroom-ctl", #""session":"pub-a""#)).count == 1)
        #expect(try await scene.ask(Ask("no-such-request", "")).count == 1)
        #expect(try await scene.ask(.join("pub-b")) == [])
        let before = try await lines(scene)
        #expect(before.contains("gateway_frontdoor_unanswered_requests 1"))
        try await scene.hall.pass(.seconds(31))
        _ = try await scene.told()
        let after = try await lines(scene)
        for line in [
            #"requests_total{type="account-add",outcome="ack"} 1"#,
            #"requests_total{type="videoroom-join",outcome="ack"} 1"#,
            #"requests_total{type="videoroom-join",outcome="timeout"} 1"#,
            #"requests_total{type="videoroom-ctl",outcome="error"} 1"#,
            #"requests_total{type="unknown",outcome="error"} 1"#,
            #"request_duration_seconds_count{type="videoroom-join"} 2"#,
            "connections 1", "connections_total 1", #"handshakes_total{outcome="accepted"} 1"#,
            #"links{state="serving"} 1"#, "received_messages_total 5", "sent_messages_total 6",
        ] { #expect(after.contains("gateway_frontdoor_\(line)"), "\(line)") }
        let requests = after.filter { $0.hasPrefix("gateway_frontdoor_requests_total") }
        #expect(requests.count == 5, "nothing else was counted: \(requests)")
    }

    @Test func `The time of a request runs from its arrival to its answer`() async throws {
        let scene = try await Scene()
        #expect(try await scene.ask(.join("pub-a")) == [])
        try await scene.hall.pass(.seconds(2))
        _ = try await scene.answer(2)
        #expect(
            try await lines(scene).contains(
                #"gateway_frontdoor_request_duration_seconds_sum{type="videoroom-join"} 2"#))
    }

    @Test func `Messages that nobody can be told of are counted`() async throws {
        let scene = try await Scene()
        try await scene.hall.run { [client = scene.client] _ in
            client.value.connection?.received(Array("{".utf8))
            client.value.connection?.received(Array("[]".utf8))
        }
        #expect(
            try await lines(scene).contains(#"gateway_frontdoor_ignored_messages_total{reason="unanswerable"} 2"#))
    }

    @Test func `It is starting, ready, and without a worker in turn, and draining at its end`() throws {
        let test = try TestDoor()
        #expect(test.door.readiness == .notReady("starting"))
        let worker = try test.addWorker()
        #expect(test.door.readiness == .ready("ready"))
        worker.die()
        test.pass(.seconds(4))
        #expect(test.door.readiness == .ready("ready"), "for a moment it may be back")
        test.pass(.seconds(6))
        #expect(test.door.readiness == .notReady("no serving worker"))
        _ = test.door.startDraining {}
        #expect(test.door.readiness == .notReady("draining"))
    }

    @Test(arguments: [
        (HTTPResponseStatus.badRequest, HandshakeOutcome.badRequest), (.upgradeRequired, .upgradeRequired),
        (.custom(code: 400, reasonPhrase: "origin"), .originDenied),
        (.custom(code: 406, reasonPhrase: "No compatible protocol specified"), .noSubprotocol),
        (.custom(code: 503, reasonPhrase: "Backend is not connected"), .notServing), (.tooManyRequests, .refused),
    ])
    func `A refused handshake is counted by its reason`(status: HTTPResponseStatus, outcome: HandshakeOutcome) {
        #expect(HandshakeOutcome(status) == outcome)
    }
}
