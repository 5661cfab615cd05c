import Identity
import NIOCore
import Sylkrtc
import Telemetry
import Testing

@testable import Frontdoor

/// Registrations and calls, their home and their registry, with workers that are there, or not.
struct HomeTests {
    /// Of a scene's client at a worker, as the second request.
    private func register(_ scene: Scene, at place: Int = 1, as number: UInt64 = 2) async throws {
        _ = try await scene.ask(.register())
        #expect(try await scene.answer(number, by: place) == ["ack t"])
        try await scene.hall.run { stage in
            stage.worker(place).tell(.test(number), .registration(.registering))
            stage.worker(place).tell(.test(number), .registration(.registered))
        }
        #expect(try await scene.told() == ["registering", "registered"])
    }

    @Test func `R03 R06 A connection's registration and its calls go to one worker`() async throws {
        let scene = try await Scene(workers: 1...3)
        _ = try await scene.ask(.register())
        var place = 0
        for number in 1...3 where try await scene.heard(by: number).last == "request 2" { place = number }
        for number in UInt64(3)...8 {
            _ = try await scene.ask(.call("call-\(number)"))
            #expect(try await scene.heard(by: place).last == "request \(number)")
        }
    }

    @Test func `R03 Registrations of many clients are spread over the workers`() async throws {
        let scene = try await Scene(workers: 1...2)
        for _ in 0..<20 {
            let client = try await scene.hall.client()
            try await scene.hall.run { _ in
                client.value.ask(.addAccount())
                client.value.ask(.register())
            }
        }
        let counts = [try await scene.heard(by: 1).count - 1, try await scene.heard(by: 2).count - 1]
        #expect(counts == [10, 10])
    }

    @Test func `R03 R06 A home that is emptied is left by what is new`() async throws {
        let scene = try await Scene(workers: 1...1)
        try await register(scene)
        try await scene.hall.run { stage in _ = try stage.addWorker(2) }
        _ = try await scene.ask(.call())
        #expect(try await scene.heard().last == "request 3")
        #expect(try await scene.answer(3, .notOwner(slot(1))) == [])
        #expect(try await scene.heard(by: 2) == ["list end", "request 3"])
        #expect(try await scene.answer(3, by: 2) == ["ack t"])
    }

    @Test func `R03 A registration waits five seconds for a worker that serves`() async throws {
        let scene = try await Scene()
        try await scene.hall.run { stage in
            stage.worker().isJanusUp = false
            stage.worker().beat()
        }
        #expect(try await scene.ask(.register()) == [])
        try await scene.hall.pass(.milliseconds(4750))
        #expect(try await scene.told() == [])
        try await scene.hall.pass(.milliseconds(500))
        #expect(try await scene.told() == ["error t: no worker is available"])
        _ = try await scene.ask(.register())
        try await scene.hall.run { stage in
            stage.worker().isJanusUp = true
            stage.worker().beat()
        }
        try await scene.hall.pass(.milliseconds(250))
        #expect(try await scene.heard() == ["list end", "request 3"])
    }

    // MARK: Verification

    @Test func `B35 D22 The registry knows of an account from registered to unregistered`() async throws {
        let scene = try await Scene()
        try await scene.hall.register()
        #expect(try await scene.ask(.changeTokens(old: nil, new: "token")) == ["ack t"])
        #expect(try await scene.hall.connections(of: alice) == [])
        try await register(scene, as: 3)
        #expect(try await scene.hall.connections(of: alice) == [1])
        #expect(try await scene.hall.tokens(of: alice) == ["token"])
        _ = try await scene.ask(.unregister())
        #expect(try await scene.answer(4) == ["ack t"])
        #expect(try await scene.hall.connections(of: alice) == [])
    }

    @Test func `B35 A claim that the registry did not take is tried again, and nobody waits`() async throws {
        let scene = try await Scene()
        try await register(scene)
        #expect(try await scene.hall.connections(of: alice) == [], "the front door's own row is missing")
        try await scene.hall.register()
        try await scene.hall.pass(.seconds(3))
        #expect(try await scene.hall.connections(of: alice) == [1])
    }

    // MARK: Renewals

    @Test func `B07 What lived on a slot that is given up is registered on another`() async throws {
        let scene = try await Scene()
        try await register(scene)
        try await scene.hall.run { stage in stage.worker().tell(.test(2), .ringing()) }
        try await scene.hall.run { stage in
            _ = try stage.addWorker(2)
            stage.abandon(1)
        }
        try await scene.hall.pass(.milliseconds(250))
        #expect(try await scene.told() == ["incoming_session", "in terminated: 500 Worker lost", "missed_session"])
        #expect(try await scene.heard(by: 2) == ["list end", "request 3"])
        #expect(try await scene.answer(3, by: 2) == [], "nobody has asked")
        try await scene.hall.run { stage in stage.worker(2).tell(.test(3), .registration(.registering)) }
        #expect(try await scene.told() == ["registering"])
    }

    @Test func `A registration that cannot be put back at once is tried again, later and later`() async throws {
        let scene = try await Scene()
        try await register(scene)
        _ = try await scene.heard()
        try await scene.hall.run { stage in stage.worker().tell(.test(2), .registrationLost) }
        try await scene.hall.pass(.milliseconds(250))
        #expect(try await scene.heard() == ["request 3"])
        for (number, seconds) in [(UInt64(3), Int64(1)), (4, 2), (5, 4), (6, 8)] {
            let told = try await scene.answer(number, .error("DNS lookup error: none"))
            #expect(told == (number == 3 ? ["failed: DNS lookup error: none"] : []), "once")
            try await scene.hall.pass(.milliseconds(seconds * 500 - 250))
            #expect(try await scene.heard() == [])
            try await scene.hall.pass(.milliseconds(seconds * 500 + 500))
            #expect(try await scene.heard() == ["request \(number + 1)"])
        }
        try await scene.hall.run { [client = scene.client] _ in client.value.disconnect() }
        try await scene.hall.pass(.seconds(40))
        #expect(try await scene.heard() == ["gone"])
    }

    @Test func `A renewal that is not answered in time has failed`() async throws {
        let scene = try await Scene()
        try await register(scene)
        _ = try await scene.heard()
        try await scene.hall.run { stage in stage.worker().tell(.test(2), .registrationLost) }
        try await scene.hall.pass(.milliseconds(250))
        try await scene.hall.pass(.seconds(30))
        #expect(try await scene.told() == ["failed: request timed out"])
        #expect(try await scene.heard() == ["request 3", "release 3"])
        try await scene.hall.pass(.seconds(2))
        #expect(try await scene.heard() == ["request 4"])
    }

    // MARK: Figures

    @Test func `Registrations are counted by state, and calls`() async throws {
        let scene = try await Scene()
        try await register(scene)
        _ = try await scene.ask(.call())
        _ = try await scene.ask(.addAccount(bob))
        _ = try await scene.ask(.register(bob))
        let text = try await scene.hall.run { stage in PrometheusText.text(stage.door.report) }
        for line in [
            #"registrations{state="registered"} 1"#, #"registrations{state="requested"} 1"#,
            #"registrations{state="failed"} 0"#, "calls 1",
        ] { #expect(text.contains("\ngateway_frontdoor_\(line)\n"), "\(line)") }
    }
}
