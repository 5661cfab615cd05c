import Identity
import JSONText
import NIOCore
import Registry
import SIPLookup
import Sylkrtc
import Testing

@testable import Worker

/// A registration with its handles and timers, over a fake Janus.
@Suite struct RegistrationSessionTests {
    /// How often handles were told to register since the last call.
    private func registers(_ world: SlotWorld) -> Int {
        world.janus.requests().count { $0 == "message register" }
    }

    /// The proxies that `register` was sent with, in order.
    private func proxies(_ world: SlotWorld) -> [String] {
        world.janus.log.filter { $0.name == "message register" && $0.body?["send_register"] == nil }
            .filter { $0.body?["type"]?.string != "helper" }.compactMap { $0.body?["proxy"]?.string }
    }

    // MARK: Handles

    @Test func `a spare handle that has had a call is replaced by a fresh one`() throws {
        try SlotWorld.run { world in
            try world.register()
            let spare = try #require(world.spares.first)
            let call = try world.ring(spare, "one")
            #expect(world.spares.count == 2, "the next call finds a spare handle, too")
            world.submit(.accept(call: call, answer: sdp("answer")), 1, 2)
            #expect(world.janus.handles[spare] != nil)
            world.janus.endCall(spare, 200, "Session Terminated")
            world.settle()
            #expect(world.janus.handles[spare] == nil)
            #expect(world.spares.count == 1)
            let fresh = try #require(world.spares.first.flatMap { world.janus.phones[$0] })
            #expect(fresh.isHelper && fresh.callee == nil)
        }
    }

    @Test func `B14 a spare handle that Janus takes away is replaced, and nobody hears of it`() throws {
        try SlotWorld.run { world in
            try world.register()
            let spare = try #require(world.spares.first)
            world.janus.event("detached", spare)
            world.janus.handles[spare] = nil
            world.settle()
            #expect(world.spares.count == 1 && !world.spares.contains(spare))
            #expect(world.heard == [])
        }
    }

    @Test func `B14 D19 with the registration's own handle everything on it is lost, and told`() throws {
        try SlotWorld.run { world in
            let handle = try world.register()
            try world.ring(handle, "one")
            _ = world.heard
            world.janus.event("detached", handle)
            world.janus.handles[handle] = nil
            world.settle()
            #expect(Set(world.heard) == ["1/1: registration lost", "1/N: call terminated handle detached"])
            #expect(world.spares == [])
            world.outbox.acknowledge()
            world.settle()
            let rows = try world.sessions()
            #expect(rows == [])
        }
    }

    @Test func `R03 B19 with another server the old handle waits for its call, and then goes with its spare`() throws {
        try SlotWorld.run { world in
            let handle = try world.register()
            let call = try world.ring(handle, "one")
            world.submit(.accept(call: call, answer: sdp("answer")), 1, 2)
            let spares = world.spares
            world.proxies.targets = [target(2)]
            world.submit(registering(again: 1), 1, 3)
            let fresh = try #require(world.janus.handles.keys.max())
            world.janus.registrarAnswers(fresh)
            world.settle()
            #expect(world.janus.phones[fresh]?.registration == .registered)
            #expect(world.janus.handles[handle] != nil, "its call goes on")
            _ = world.heard
            world.janus.endCall(handle, 200, "Session Terminated")
            world.settle()
            #expect(world.heard == ["1/N: call terminated 200 Session Terminated"])
            #expect(world.janus.handles[handle] == nil)
            #expect(spares.allSatisfy { world.janus.handles[$0] == nil } && world.spares.count == 1)
        }
    }

    // MARK: Presenting late

    @Test func `E03 a call that came while nobody looked rings when its registration is known again`() throws {
        try SlotWorld.run { world in
            let handle = try world.register()
            world.advance(by: .milliseconds(50))
            world.janus.breakLinks()
            world.settle()
            world.janus.callerRings(handle, callID: "late")
            world.outbox.absent = [frontdoor]
            try world.takeOverAgain()
            world.outbox.absent = []
            #expect(world.heard == [], "not before the front door has said what it knows")
            world.resync(.registered)
            #expect(world.heard == ["1/1 resynced", "1/1: call of bob@phones.test () offer"])
            let rows = try world.sessions().filter { $0.role == .call }
            #expect(rows.map(\.callID) == ["late"])
        }
    }

    // MARK: Registrars that fail

    @Test func `E02 what was registered is tried again after 30 s, and after twice as long each time, up to 5 minutes`()
        throws
    {
        try SlotWorld.run { world in
            let handle = try world.register()
            world.janus.registrarAnswers(handle, 500, "Oops")
            world.settle()
            #expect(world.heard == ["1/1: registration failed: 500 Oops"])
            for delay in [30, 60, 120, 240, 300, 300] as [Int64] {
                _ = registers(world)
                world.advance(by: .milliseconds(delay * 1000 - 1))
                #expect(registers(world) == 0, "\(delay) s are not over")
                // A fifth more at most.
                world.advance(by: .milliseconds(delay * 200 + 1))
                #expect(registers(world) == 1, "after \(delay) s")
                world.janus.registrarAnswers(handle, 500, "Oops")
                world.settle()
            }
            #expect(world.heard == [], "nothing has changed")
            world.advance(by: .seconds(360))
            world.janus.registrarAnswers(handle)
            world.settle()
            #expect(world.heard == ["1/1: registered"])
            world.advance(by: .seconds(3600))
            #expect(registers(world) == 1, "and that was all")
        }
    }

    @Test func `R04 whoever unregisters is not registered again`() throws {
        try SlotWorld.run { world in
            let handle = try world.register()
            world.janus.registrarAnswers(handle, 500, "Oops")
            world.settle()
            _ = world.heard
            world.submit(.unregister(registration: sequence(1)), 1, 2)
            _ = registers(world)
            world.advance(by: .seconds(60))
            #expect(registers(world) == 0)
            #expect(world.heard == ["1/2 ack"])
        }
    }

    @Test func `R03 whoever registers and leaves at once keeps the turn until Janus is done with that`() throws {
        try SlotWorld.run { world in
            world.janus.queues = { $0.name == "message register" }
            for connection: UInt64 in 1...3 {
                world.submit(registering("caller\(connection)"), connection, 1)
                world.submit(.unregister(registration: sequence(1)), connection, 2)
            }
            // The first turn is the stock's.
            for count in 0...2 {
                #expect(proxies(world).count == count, "the others wait")
                world.janus.releaseQueued()
                world.settle()
            }
            #expect(proxies(world).count == 3)
        }
    }

    @Test func `B29 the next server is tried when one fails, and a failure is told after the last`() throws {
        try SlotWorld.run { world in
            world.proxies.targets = [target(1), target(2), target(3)]
            world.submit(registering(), 1, 1)
            let handle = try #require(world.janusHandle(of: 1, 1))
            #expect(world.heard == ["1/1 ack", "1/1: registering"])
            for (code, reason) in [(503, "Service Unavailable"), (408, "Request Timeout")] {
                world.janus.registrarAnswers(handle, code, reason)
                world.settle()
                #expect(world.heard == [])
            }
            #expect(proxies(world) == ["sip:192.0.2.1", "sip:192.0.2.2", "sip:192.0.2.3"])
            #expect(world.proxies.avoided == [target(1), target(2)])
            world.janus.registrarAnswers(handle)
            world.settle()
            #expect(world.heard == ["1/1: registered"])
            world.submit(registering("bob"), 2, 1)
            let other = try #require(world.janusHandle(of: 2, 1))
            for _ in 0..<3 {
                world.janus.registrarAnswers(other, 503, "Service Unavailable")
                world.settle()
            }
            #expect(
                world.heard == [
                    "2/1 ack", "2/1: registering", "2/1: registration failed: 503 Service Unavailable",
                ])
            world.advance(by: .seconds(400))
            #expect(world.heard == [], "what was never registered is not tried again")
        }
    }

    @Test func `B29 a server over TCP gets a handle of its own, and the other one goes`() throws {
        try SlotWorld.run { world in
            world.proxies.targets = [target(1), target(2, .tcp)]
            world.submit(registering(), 1, 1)
            let handle = try #require(world.janusHandle(of: 1, 1))
            world.janus.registrarAnswers(handle, 503, "Service Unavailable")
            world.settle()
            let fresh = try #require(world.janusHandle(of: 1, 1))
            #expect(fresh != handle && world.janus.handles[handle] == nil)
            #expect(world.janus.log.last { $0.name == "message register" }?.body?["force_tcp"]?.bool == true)
            world.janus.registrarAnswers(fresh)
            world.settle()
            #expect(world.heard == ["1/1 ack", "1/1: registering", "1/1: registered"])
        }
    }

    @Test func `D16 a refusal on a handle that has been replaced changes nothing`() throws {
        try SlotWorld.run { world in
            let handle = try world.register()
            let call = try world.ring(handle, "one")
            world.submit(.accept(call: call, answer: sdp("answer")), 1, 2)
            world.proxies.targets = [target(2)]
            world.submit(registering(again: 1), 1, 3)
            let fresh = try #require(world.janus.handles.keys.max())
            world.janus.registrarAnswers(fresh)
            world.settle()
            _ = world.heard
            world.janus.event(
                "event", handle,
                #","plugindata":{"plugin":"janus.plugin.sip","data":{"sip":"event","error_code":444,"error":"No"}}"#)
            world.settle()
            #expect(world.heard == [])
        }
    }

    // MARK: The slot is emptied, or lost

    @Test func `a slot that is emptied tells its registrations that they are lost, and ends what rings and what is up`()
        throws
    {
        try SlotWorld.run { world in
            let handle = try world.register()
            let spare = try #require(world.spares.first)
            let call = try world.ring(handle, "one")
            world.submit(.accept(call: call, answer: sdp("answer")), 1, 2)
            _ = world.heard
            world.conferences.refusesRooms = true
            world.settle()
            #expect(world.heard == [], "the order alone ends nothing")
            #expect(world.janus.phones[handle]?.call == .incall)
            world.submit(registering("bob"), 2, 1)
            #expect(world.heard == ["2/1 not owner but \(slot)"], "but nothing new begins")
            world.conferences.expelAll("503 Worker drained")
            world.settle()
            #expect(
                Set(world.heard) == ["1/1: registration lost", "1/N: call terminated 503 Worker drained"])
            #expect(world.janus.handles[handle] == nil && world.janus.handles[spare] == nil)
            #expect(world.conferences.telephony.load == 0)
        }
    }

    @Test func `a call that rings when its slot is emptied is declined`() throws {
        try SlotWorld.run { world in
            let handle = try world.register()
            try world.ring(handle, "one")
            _ = world.heard
            world.conferences.expelAll("503 Worker drained")
            world.settle()
            let decline = try #require(world.janus.log.last { $0.name == "message decline" })
            #expect(decline.body?["code"]?.integer(Int.self) == 480)
            #expect(
                Set(world.heard) == ["1/1: registration lost", "1/N: call terminated 503 Worker drained"])
            #expect(world.janus.handles[handle] == nil)
        }
    }
}

/// Asks to renew a registration.
private func registering(again registration: UInt64) -> WorkerRequest {
    guard case .register(let first) = registering() else { preconditionFailure("not a register") }
    return .register(WorkerRequest.Register(identity: first.identity, registration: sequence(registration)))
}
