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

    // MARK: Calls and registrations

    @Test func `Calls that come in count once, when they are over, by what they came to`() throws {
        try SlotWorld.run { world in
            let handle = try world.register()
            var call = try world.ring(handle, "one")
            world.submit(.accept(call: call, answer: sdp("answer")), 1, 2)
            #expect(world.callsEnded == [], "it is not over")
            world.janus.endCall(handle, 200, "Session Terminated")
            world.advance(by: .seconds(2))
            #expect(world.callsEnded == ["incoming answered 1"])

            call = try world.ring(handle, "two")
            world.submit(.terminate(session: call), 1, 3)
            world.advance(by: .seconds(2))
            #expect(world.callsEnded == ["incoming answered 1", "incoming declined 1"])

            for isElsewhere in [true, false] {
                try world.ring(handle, "three")
                world.janus.callerCancels(handle, answeredElsewhere: isElsewhere)
                world.advance(by: .seconds(2))
            }
            #expect(world.callsEnded == ["incoming answered 1", "incoming declined 1", "incoming cancelled 2"])
        }
    }

    @Test func `A call that is turned away as busy counts as declined, and the one that rings does not count yet`()
        throws
    {
        try SlotWorld.run { world in
            let handle = try world.register()
            let spare = try #require(world.spares.first)
            try world.ring(handle, "one")
            world.janus.callerRings(spare, "carol@phones.test", name: "Carol", callID: "two")
            world.settle()
            #expect(world.callsEnded == ["incoming declined 1"])
        }
    }

    @Test(
        arguments: [
            (200, "answered"), (486, "declined"), (603, "declined"), (487, "cancelled"), (503, "failed"),
            (408, "failed"),
        ])
    func `A call that goes out counts once, by what ended it`(code: Int, outcome: String) throws {
        try SlotWorld.run { world in
            let identity = WorkerRequest.Identity(
                account: address("alice@phones.test"), displayName: nil, userAgent: nil, password: "0123")
            world.submit(
                .call(
                    WorkerRequest.Call(
                        session: client("outgoing"), identity: identity, uri: "bob@phones.test", offer: sdp("offer"))),
                1, 1)
            let handle = try #require(world.janus.dialled.last?.handle)
            if outcome == "answered" { world.janus.calleeAnswers(handle) }
            world.settle()
            #expect(world.callsEnded == [])
            world.janus.endCall(handle, code, "Whatever")
            world.settle()
            #expect(world.callsEnded == ["outgoing \(outcome) 1"])
        }
    }

    @Test func `A call that outlives its worker is counted by the successor, and once`() throws {
        try SlotWorld.run { world in
            let handle = try world.register()
            let call = try world.ring(handle, "one")
            world.submit(.accept(call: call, answer: sdp("answer")), 1, 2)
            world.advance(by: .milliseconds(50))
            let predecessor = world.conferences
            try world.takeOverAgain()
            var listing = Listing()
            listing.sessions[session(1)] = .registration(ToldRegistration(isAcked: true, stage: .registered))
            listing.sessions[session(1, request: call.rawValue)] = .call(
                registration: sequence(1), ToldCall(isAcked: true, isAnswered: true, stage: .accepted))
            world.conferences.resync(listing, of: frontdoor)
            world.settle()
            #expect(world.callsEnded == [])
            world.janus.endCall(handle, 200, "Session Terminated")
            world.settle()
            #expect(world.callsEnded == ["incoming answered 1"])
            #expect(predecessor.phoneMetrics.callsEnded == [])
            try world.takeOverAgain()
            #expect(world.callsEnded == [], "what is over is not counted again")
        }
    }

    @Test(arguments: [true, false])
    func `A call that was lost with Janus has failed, once, whether Janus comes back or not`(comesBack: Bool) throws {
        try CoreWorld.run { world in
            _ = try world.ringAlice()
            world.janus.isReachable = comesBack
            world.janus.isDead = !comesBack
            world.janus.restart()
            world.advance(by: .seconds(10))
            let failed = #"gateway_worker_calls_ended_total{direction="incoming",outcome="failed"} 1"#
            #expect(lines(world).contains(failed))
            world.janus.isReachable = true
            world.advance(by: .seconds(3))
            #expect(lines(world).contains(failed))
        }
    }

    @Test func `What a registrar has answered counts once, however often it is told`() throws {
        try SlotWorld.run { world in
            world.submit(registering(), 1, 1)
            let handle = try #require(world.janusHandle(of: 1, 1))
            world.conferences.suspend(frontdoor)
            world.janus.registrarAnswers(handle)
            world.settle()
            world.resync(.registering)
            #expect(world.heard.contains("1/1: registered"))
            #expect(
                world.conferences.phoneMetrics.lines("registration_outcomes_total") == [
                    #"{outcome="registered"} 1"#
                ])
            world.janus.registrarAnswers(handle)
            world.settle()
            #expect(
                world.conferences.phoneMetrics.lines("registration_outcomes_total") == [
                    #"{outcome="registered"} 1"#
                ], "Janus has refreshed it")
        }
    }
}

extension PhoneMetrics {
    /// Series of that name that are not 0, without it.
    fileprivate func lines(_ name: String) -> [String] {
        var report = MetricsReport()
        self.report(registrations: [:], calls: 0, waiting: [:], to: &report)
        let prefix = "gateway_worker_\(name)"
        return PrometheusText.text(report).split(separator: "\n")
            .filter { $0.hasPrefix(prefix) && !$0.hasSuffix(" 0") }.map { String($0.dropFirst(prefix.count)) }
    }

    /// `direction outcome number`
    fileprivate var callsEnded: [String] {
        lines("calls_ended_total").map { line in
            let parts = line.split(separator: "\"")
            return "\(parts[1]) \(parts[3])\(parts[4].dropFirst())"
        }
    }
}

extension SlotWorld {
    fileprivate var callsEnded: [String] { conferences.phoneMetrics.callsEnded }
}
