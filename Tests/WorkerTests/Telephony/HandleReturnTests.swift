import Identity
import JSONText
import NIOCore
import Registry
import SIPLookup
import Sylkrtc
import TestSupport
import Testing

@testable import Worker

/// What becomes of a registration's handles when calls on them do not go as they should.
@Suite struct HandleReturnTests {
    private func resets(_ world: SlotWorld, on handle: UInt64) -> Int {
        world.janus.log.count { $0.name == "message reset" && $0.handle == handle }
    }

    private func declines(_ world: SlotWorld, on handle: UInt64) -> [Int] {
        world.janus.log.filter { $0.name == "message decline" && $0.handle == handle }
            .compactMap { $0.body?["code"]?.integer(Int.self) }
    }

    // MARK: Handles that vanish

    @Test func `B14 D19 a call on the spare handle ends with the registration's own`() throws {
        try SlotWorld.run { world in
            let handle = try world.register()
            let spare = try #require(world.spares.first)
            let call = try world.ring(spare, "one")
            world.submit(.accept(call: call, answer: sdp("answer")), 1, 2)
            _ = world.heard
            // Of its helpers Janus tells half a second later.
            world.janus.event("detached", handle)
            world.janus.handles[handle] = nil
            world.settle()
            #expect(Set(world.heard) == ["1/1: registration lost", "1/N: call terminated handle detached"])
            world.outbox.acknowledge()
            world.settle()
            #expect(world.conferences.telephony.calls.isEmpty)
            let rows = try world.sessions()
            #expect(rows == [])
        }
    }

    // MARK: Calls that are turned away

    @Test func `B18 D30 the handle of a call that is turned away is freed`() throws {
        try SlotWorld.run { world in
            let handle = try world.register()
            let spare = try #require(world.spares.first)
            try world.ring(handle, "one")
            world.janus.callerRings(spare, "carol@phones.test", name: "Carol", callID: "two", hasOffer: false)
            world.settle()
            world.advance(by: JanusHandle<SIPMessage>.inviteTime)
            #expect(declines(world, on: spare) == [486])
            #expect(world.spares.count == 1 && world.spares != [spare], "a fresh one takes the next call at once")
            #expect(resets(world, on: handle) == 0)
        }
    }

    @Test func `B18 D31 a call that cannot be read is declined, and its handle freed`() throws {
        try SlotWorld.run { world in
            let handle = try world.register()
            world.janus.callerRings(handle, callID: String(repeating: "x", count: 300))
            world.settle()
            world.advance(by: JanusHandle<SIPMessage>.inviteTime)
            #expect(world.heard == [])
            #expect(declines(world, on: handle) == [400])
            #expect(resets(world, on: handle) == 0, "before Janus has cleared up it would end the next call, too")
            world.advance(by: JanusHandle<SIPMessage>.clearingTime)
            world.settle()
            #expect(resets(world, on: handle) == 1)
            #expect(world.janus.phones[handle]?.call == .idle)
            try world.ring(handle, "two")
            #expect(world.heard == ["1/1: call of bob@phones.test (Bob) offer"])
        }
    }

    @Test func `B18 D31 a call that a successor cannot name is declined`() throws {
        try SlotWorld.run { world in
            let handle = try world.register()
            world.advance(by: .milliseconds(50))
            world.janus.breakLinks()
            world.settle()
            world.janus.callerRings(handle, callID: String(repeating: "x", count: 300))
            try world.takeOverAgain()
            world.resync(.registered)
            #expect(!world.heard.contains { $0.contains("call of") })
            #expect(world.janus.phones[handle]?.call == .idle)
        }
    }

    // MARK: Calls that do not end

    /// A call that its client has hung up, and whose telephone has lost its network.
    private func unanswered(_ world: SlotWorld, on handle: UInt64, then: () -> Void = {}) throws {
        let call = try world.ring(handle, "one")
        world.submit(.accept(call: call, answer: sdp("answer")), 1, 2)
        world.janus.mediaFlows(handle)
        world.settle()
        then()
        _ = world.heard
        world.janus.interfere = {
            $0.name == "message hangup"
                ? .say(#"{"janus":"ack","session_id":\#($0.session),"transaction":"\#($0.transaction)"}"#) : .proceed
        }
        world.submit(.terminate(session: call), 1, 9)
        world.advance(by: IncomingCallSession.terminationTime)
        #expect(world.heard == ["1/9 ack", "1/N: call terminated 408 Request Timeout"])
        _ = world.janus.requests()
    }

    @Test func `B17 D35 a telephone that does not answer its BYE costs nothing but the call`() throws {
        try SlotWorld.run { world in
            let handle = try world.register()
            try unanswered(world, on: handle)
            world.advance(by: .seconds(27))
            world.janus.endCall(handle, 408, "Request Timeout")
            world.settle()
            world.advance(by: .seconds(60))
            #expect(world.heard == [])
            #expect(resets(world, on: handle) == 1)
            #expect(world.janus.count("message which_call") == 0)
            try world.ring(handle, "two")
            #expect(world.heard == ["1/1: call of bob@phones.test (Bob) offer"])
        }
    }

    @Test func `B17 D35 a call on the spare handle that ends late gives way to a fresh one`() throws {
        try SlotWorld.run { world in
            try world.register()
            let spare = try #require(world.spares.first)
            try unanswered(world, on: spare)
            let other = try #require(world.spares.first { $0 != spare })
            world.janus.endCall(spare, 408, "Request Timeout")
            world.settle()
            #expect(world.spares == [other])
            #expect(world.heard == [])
        }
    }

    @Test func `D35 a call that Janus does not end takes the registration with it, in the end`() throws {
        try SlotWorld.run { world in
            let handle = try world.register()
            try unanswered(world, on: handle)
            world.advance(by: .seconds(29))
            #expect(world.heard == [])
            world.advance(by: .seconds(1))
            #expect(world.heard == ["1/1: registration lost"])
            #expect(world.janus.handles[handle] == nil)
        }
    }

    @Test func `D35 a call that is over in Janus costs nothing, although nobody was told`() throws {
        try SlotWorld.run { world in
            let handle = try world.register()
            try unanswered(world, on: handle)
            world.janus.phones[handle]?.call = .idle
            world.janus.phones[handle]?.callID = nil
            world.advance(by: .seconds(60))
            #expect(world.heard == [])
            #expect(world.janus.handles[handle] != nil)
            #expect(world.janus.count("message which_call") == 1)
        }
    }

    @Test func `D35 the next call says that the one before is over`() throws {
        try SlotWorld.run { world in
            let handle = try world.register()
            try unanswered(world, on: handle)
            try world.ring(handle, "two")
            world.advance(by: .seconds(60))
            #expect(world.heard == ["1/1: call of bob@phones.test (Bob) offer"])
            #expect(world.janus.count("message which_call") == 0)
        }
    }

    @Test func `D35 a call that does not end on a handle that was replaced costs that handle only`() throws {
        try SlotWorld.run { world in
            let handle = try world.register()
            try unanswered(world, on: handle) {
                world.proxies.targets = [target(2)]
                guard case .register(let first) = registering() else { return }
                world.submit(
                    .register(WorkerRequest.Register(identity: first.identity, registration: sequence(1))), 1, 3)
                for (handle, phone) in world.janus.phones where phone.registration == .registering {
                    world.janus.registrarAnswers(handle)
                }
                world.settle()
                #expect(world.janus.handles[handle] != nil)
            }
            #expect(world.janus.handles[handle] == nil)
            #expect(world.janus.phones.values.contains { $0.registration == .registered })
            world.advance(by: .seconds(60))
            #expect(world.heard == [])
        }
    }
}
