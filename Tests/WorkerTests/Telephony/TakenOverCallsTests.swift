import Identity
import NIOCore
import Registry
import SIPLookup
import Sylkrtc
import TestSupport
import Testing

@testable import Worker

/// Registrations and calls that change while no worker has their slot.
@Suite struct TakenOverCallsTests {
    /// The front door says what alice was told and what she waits for.
    private func relist(
        _ world: SlotWorld, _ told: ToldRegistration = ToldRegistration(isAcked: true, stage: .registered),
        calls: [RequestSequence: ToldCall] = [:], _ requests: [(UInt64, WorkerRequest)] = []
    ) {
        var listing = Listing()
        listing.sessions[session(1)] = .registration(told)
        for (call, told) in calls {
            listing.sessions[SessionID(connection: connection(1), request: call)] = .call(
                registration: sequence(1), told)
        }
        listing.requests = requests.map {
            ListedRequest(connection: connection(1), sequence: sequence($0), request: $1)
        }
        world.conferences.resync(listing, of: frontdoor)
        world.settle()
    }

    private func registeringAgain() -> WorkerRequest {
        guard case .register(let first) = registering() else { preconditionFailure("not a register") }
        return .register(WorkerRequest.Register(identity: first.identity, registration: sequence(1)))
    }

    // MARK: Registrations

    @Test func `E02 a registrar that answers before the front door has spoken is heard`() throws {
        try SlotWorld.run { world in
            world.submit(registering(), 1, 1)
            #expect(world.heard == ["1/1 ack", "1/1: registering"])
            let handle = try #require(world.janusHandle(of: 1, 1))
            world.advance(by: .milliseconds(50))
            try world.takeOverAgain()
            world.janus.registrarAnswers(handle)
            world.settle()
            #expect(world.spares.count == 1, "Janus says only now whose helper it would be")
            relist(world, ToldRegistration(isAcked: true, stage: .registering))
            #expect(world.heard == ["1/1: registered", "1/1 resynced"])
        }
    }

    @Test func `R03 R04 a registration whose answer was lost takes the next request`() throws {
        try SlotWorld.run { world in
            world.submit(registering(), 1, 1)
            let handle = try #require(world.janusHandle(of: 1, 1))
            _ = world.heard
            world.advance(by: .milliseconds(50))
            try world.takeOverAgain()
            relist(world, ToldRegistration(isAcked: false, stage: .nothing), [(1, registering())])
            #expect(world.heard == ["1/1 ack", "1/1: registering", "1/1 resynced"])
            world.janus.registrarAnswers(handle)
            world.settle()
            #expect(world.heard == ["1/1: registered"])
            world.submit(registeringAgain(), 1, 2)
            #expect(world.heard == ["1/2 ack", "1/1: registering"])
            world.submit(.unregister(registration: sequence(1)), 1, 3)
            #expect(world.heard == ["1/3 ack"])
            #expect(world.janus.handles[handle] == nil)
        }
    }

    // MARK: Handles that nobody needs

    @Test(arguments: [false, true])
    func `a handle stays while Janus has its predecessor's register in the queue`(isSwept: Bool) throws {
        try SlotWorld.run { world in
            world.janus.queues = { $0.name == "message register" }
            world.submit(registering(), 1, 1)
            world.advance(by: .seconds(1))
            let own = try #require(world.janusHandle(of: 1, 1))
            let pooled = try #require(world.janus.handles.first { $0.value.opaque.hasSuffix(":pooled-1") }?.key)
            #expect(world.janus.count("message register") == 2)
            try world.takeOverAgain()
            // Its client has gone.
            relist(world, ToldRegistration(isAcked: false, stage: .nothing))
            #expect(world.janus.handles[own] != nil)
            #expect(world.janus.handles[pooled] != nil)
            if isSwept {
                world.conferences.sweep(admin: try connectGateway(world.janus, world.loop, admin: true))
                world.settle()
            }
            world.janus.queues = { _ in false }
            world.janus.releaseQueued()
            world.settle()
            #expect(world.janus.handles[own] == nil)
            #expect(world.janus.handles[pooled] == nil)
        }
    }

    // MARK: Another call rings

    @Test func `E03 D29 a call that rings where another one did is offered, and the registration can end`() throws {
        try SlotWorld.run { world in
            let handle = try world.register()
            let call = try world.ring(handle, "one")
            _ = world.heard
            world.advance(by: .milliseconds(50))
            world.janus.breakLinks()
            world.settle()
            world.janus.callerCancels(handle)
            world.janus.callerRings(handle, "carol@phones.test", name: "Carol", callID: "two")
            try world.takeOverAgain()
            relist(world, calls: [call: ToldCall(isAcked: true)])
            let heard = world.heard
            #expect(
                Set(heard) == [
                    "1/1 resynced", "1/1: call of carol@phones.test () offer", "1/N resynced",
                    "1/N: call terminated 487 Request Terminated, missed bob@phones.test",
                ])
            world.submit(.unregister(registration: sequence(1)), 1, 2)
            #expect(world.heard == ["1/2 ack", "1/N: call terminated reason unspecified"])
            #expect(world.janus.handles[handle] == nil)
        }
    }

    @Test func `E06 D29 a call that was answered and replaced is over, and the other one rings`() throws {
        try SlotWorld.run { world in
            let handle = try world.register()
            let call = try world.ring(handle, "one")
            world.submit(.accept(call: call, answer: sdp("answer")), 1, 2)
            world.janus.mediaFlows(handle)
            world.settle()
            _ = world.heard
            world.advance(by: .milliseconds(50))
            world.janus.breakLinks()
            world.settle()
            world.janus.endCall(handle, 200, "Session Terminated")
            world.janus.callerRings(handle, "carol@phones.test", name: "Carol", callID: "two")
            try world.takeOverAgain()
            relist(world, calls: [call: ToldCall(isAcked: true, isAnswered: true, stage: .established)])
            #expect(
                Set(world.heard) == [
                    "1/1 resynced", "1/1: call of carol@phones.test () offer", "1/N resynced",
                    "1/N: call terminated 200 Session Terminated",
                ])
        }
    }

    @Test func `R04 D29 what rings on a registration that is about to end does not keep it`() throws {
        try SlotWorld.run { world in
            let handle = try world.register()
            let call = try world.ring(handle, "one")
            world.submit(.accept(call: call, answer: sdp("answer")), 1, 2)
            world.submit(.unregister(registration: sequence(1)), 1, 3)
            _ = world.heard
            #expect(world.janus.handles[handle] != nil, "the call goes on")
            world.janus.callerRings(handle, "carol@phones.test", name: "Carol", callID: "two")
            world.settle()
            #expect(world.heard == ["1/N: call terminated reason unspecified"])
            #expect(world.janus.handles[handle] == nil)
        }
    }

    // MARK: An answer in flight

    /// A call whose answer Janus has in its queue when its worker dies.
    private func answered(_ world: SlotWorld) throws -> RequestSequence {
        let handle = try world.register()
        let call = try world.ring(handle, "one")
        world.janus.queues = { $0.name == "message accept" }
        world.submit(.accept(call: call, answer: sdp("answer")), 1, 2)
        _ = world.heard
        world.advance(by: .milliseconds(50))
        try world.takeOverAgain()
        return call
    }

    @Test(arguments: [true, false])
    func `R07 E06 an answer that Janus takes after the takeover is in force`(isTold: Bool) throws {
        try SlotWorld.run { world in
            let call = try answered(world)
            world.janus.releaseQueued()
            world.settle()
            let accept = WorkerRequest.accept(call: call, answer: sdp("answer"))
            relist(
                world, calls: [call: ToldCall(isAcked: true, isAnswered: isTold)], isTold ? [] : [(UInt64(2), accept)])
            let heard = world.heard.filter { !$0.hasSuffix("resynced") }
            #expect(heard == (isTold ? [] : ["1/2 ack"]) + ["1/N: call accepted without answer"])
            #expect(world.janus.count("message accept") == 0)
        }
    }

    @Test func `R07 E06 an answer that is repeated because nobody saw the first is no error`() throws {
        try SlotWorld.run { world in
            let call = try answered(world)
            world.janus.interfere = {
                $0.name == "message accept" ? .refuse(469, "Unexpected ANSWER (did we offer?)") : .proceed
            }
            let accept = WorkerRequest.accept(call: call, answer: sdp("answer"))
            relist(world, calls: [call: ToldCall(isAcked: true)], [(2, accept)])
            #expect(world.heard.filter { !$0.hasSuffix("resynced") } == ["1/2 ack"])
            world.janus.releaseQueued()
            world.settle()
            #expect(world.heard == ["1/N: call accepted without answer"])
        }
    }

    // MARK: Handles

    @Test func `a call on the spare handle of a registration that was replaced outlives its worker`() throws {
        try SlotWorld.run { world in
            let old = try world.register()
            let spare = try #require(world.spares.first)
            let call = try world.ring(spare, "one")
            world.submit(.accept(call: call, answer: sdp("answer")), 1, 2)
            world.proxies.targets = [target(2)]
            world.submit(registeringAgain(), 1, 3)
            let fresh = try #require(
                world.janus.phones.first { $0.key != old && $0.value.registration == .registering }?.key)
            world.janus.registrarAnswers(fresh)
            world.settle()
            world.advance(by: .milliseconds(50))
            _ = world.heard
            try world.takeOverAgain()
            #expect(world.janus.handles[old] != nil, "with it the call would end")
            #expect(world.janus.handles[spare] != nil)
            relist(world, calls: [call: ToldCall(isAcked: true, isAnswered: true, stage: .accepted)])
            _ = world.heard
            world.janus.endCall(spare, 200, "Session Terminated")
            world.settle()
            #expect(world.heard == ["1/N: call terminated 200 Session Terminated"])
            #expect(world.janus.handles[old] == nil && world.janus.handles[spare] == nil)
            #expect(world.janus.phones[fresh]?.registration == .registered)
        }
    }
}
