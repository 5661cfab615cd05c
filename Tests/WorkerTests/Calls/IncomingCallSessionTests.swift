import Identity
import NIOCore
import Registry
import Sylkrtc
import Testing

@testable import Worker

@Suite struct IncomingCallSessionTests {
    /// A call of Bob's that rings; what was said of it is forgotten.
    private func ringing(_ world: CallWorld) throws -> (IncomingCallSession, UInt64) {
        let (_, handle) = world.registered()
        world.janus.callerRings(handle.id.rawValue, callID: "c1")
        world.settle()
        let call = try #require(world.incoming)
        #expect(world.said == ["5/1: call of bob@phones.test (Bob) offer"], "E03, of the registration")
        _ = world.janus.requests()
        return (call, handle.id.rawValue)
    }

    /// How events of the call begin in the transcript.
    private func name(_ call: IncomingCallSession) -> String { "5/\(call.id.request):" }

    @Test func `E03 R07 E06 a call rings, is answered and ends; the handle stays (B17)`() throws {
        try CallWorld.run { world in
            let (call, handle) = try ringing(world)
            let row = try #require(try world.row(of: call))
            #expect(row.parent == session(5) && row.callID == "c1" && row.handle?.rawValue == handle)
            #expect(row.caller == "bob@phones.test" && row.callerName == "Bob" && !row.isCallSent)

            world.ask(call, .accept(call: call.id.request, answer: sdp("answer of alice")), 2)
            #expect(world.said == ["5/2 ack", "\(name(call)) call accepted without answer"])
            world.ask(call, .accept(call: call.id.request, answer: sdp("again")), 3)
            #expect(world.said == ["5/3 error Invalid state for answering session incoming: accepted"])
            world.janus.mediaFlows(handle)
            world.settle()
            #expect(world.said == ["\(name(call)) call established"])
            world.janus.endCall(handle, 200, "Session Terminated")
            world.settle()
            #expect(world.said == ["\(name(call)) call terminated 200 Session Terminated"])
            #expect(world.returned == [.free] && world.janus.handles[handle] != nil)
            #expect(world.janus.requests() == ["message accept"])
            #expect(world.isMarked(call) == true)
        }
    }

    @Test func `E04 a caller who gives up is missed, and the handle is freed when Janus has cleared up`() throws {
        try CallWorld.run { world in
            let (call, handle) = try ringing(world)
            world.janus.callerCancels(handle)
            world.settle()
            #expect(
                world.said == ["\(name(call)) call terminated 487 Request Terminated, missed bob@phones.test"])
            #expect(world.janus.requests() == [])
            world.advance(by: JanusHandle<SIPMessage>.clearingTime)
            #expect(world.janus.requests() == ["message reset"])
            #expect(world.missed == [], "the end says so itself")
        }
    }

    @Test func `E04 answered elsewhere is not missed (D32)`() throws {
        try CallWorld.run { world in
            let (call, handle) = try ringing(world)
            world.janus.callerCancels(handle, answeredElsewhere: true)
            world.settle()
            #expect(world.said == ["\(name(call)) call terminated 487 Request Terminated"])
        }
    }

    @Test func `R09 a terminate while it rings declines with 486`() throws {
        try CallWorld.run { world in
            let (call, handle) = try ringing(world)
            world.ask(call, .terminate(session: call.id.request), 2)
            #expect(world.said == ["5/2 ack", "\(name(call)) call terminated 486 Declined"])
            #expect(world.janus.requests() == ["message decline"])
            world.advance(by: JanusHandle<SIPMessage>.clearingTime)
            #expect(world.janus.requests() == ["message reset"])
            #expect(world.janus.phones[handle]?.call == .idle)
        }
    }

    @Test func `a hangup that names no call, or another, is not about this one`() throws {
        try CallWorld.run { world in
            let (call, handle) = try ringing(world)
            for name in ["", #","call_id":"c0""#] {
                world.janus.event(
                    "event", handle,
                    #","plugindata":{"plugin":"janus.plugin.sip","data":{"sip":"event","result":{"event":"hangup","code":486,"reason":"Busy Here"}\#(name)}}"#
                )
            }
            world.janus.event("hangup", handle, #","reason":"Close PC""#)
            world.settle()
            #expect(world.said == [] && !call.isEnding)
        }
    }

    @Test func `B18 a call without an offer is declined, missed and leaves no row (D30)`() throws {
        try CallWorld.run { world in
            let (_, handle) = world.registered()
            world.janus.callerRings(handle.id.rawValue, callID: "c1", hasOffer: false)
            world.settle()
            #expect(world.said == [])
            #expect(world.missed == [Caller(uri: "bob@phones.test", displayName: "Bob")])
            #expect(world.janus.requests() == ["message decline"])
            world.advance(by: JanusHandle<SIPMessage>.clearingTime)
            #expect(world.janus.requests() == ["message reset"])
            let rows = try world.slotWorld.sessions()
            #expect(rows == [])
            #expect(world.endings == [nil])
        }
    }

    @Test func `B18 a second call on the handle ends the first and rings itself (D29)`() throws {
        try CallWorld.run { world in
            let (call, handle) = try ringing(world)
            world.janus.callerRings(handle, "carol@phones.test", name: "Carol", callID: "c2")
            world.settle()
            #expect(
                Set(world.said) == [
                    "\(name(call)) call terminated reason unspecified", "5/1: call of carol@phones.test (Carol) offer",
                ])
            #expect(world.returned == [.taken])
        }
    }

    @Test func `B19 a call whose account goes is declined with 480 (D23)`() throws {
        try CallWorld.run { world in
            let (call, _) = try ringing(world)
            call.end("unregistered")
            world.settle()
            #expect(world.said == ["\(name(call)) call terminated unregistered"])
        }
    }

    @Test func `R09 a decline that Janus ignores ends all the same (D35)`() throws {
        try CallWorld.run { world in
            let (call, handle) = try ringing(world)
            world.janus.phones[handle]?.call = .idle
            world.ask(call, .terminate(session: call.id.request), 2)
            #expect(world.said == ["5/2 ack"])
            world.advance(by: IncomingCallSession.terminationTime)
            #expect(world.said == ["\(name(call)) call terminated 408 Request Timeout"])
            #expect(world.returned == [.stuck])
        }
    }

    @Test func `a successor tells what Janus has, and of a call that nobody heard of`() throws {
        try CallWorld.run { world in
            let (call, handle) = try ringing(world)
            let row = try #require(try world.row(of: call))
            let info = HandleInfo(
                WorkerTests.handle(handle),
                try json(world.janus.phoneInfo(handle, try #require(world.janus.handles[handle]))))
            let janusHandle = JanusHandle<SIPMessage>(
                WorkerTests.handle(handle), session: world.possession.janusSession,
                gateway: world.possession.gateway
            ) { _, _ in }
            janusHandle.receiveEvents()
            let heir = try #require(IncomingCallSession(inheriting: row, home: world))
            heir.observed(info, on: janusHandle)
            heir.resync(nil, [])
            world.settle()
            #expect(world.said == ["5/1: call of bob@phones.test (Bob) offer"])
            #expect(heir.row == row)
            world.ask(heir, .accept(call: heir.id.request, answer: sdp("answer")), 2)
            #expect(world.said == ["5/2 ack"])
            #expect(world.janus.phones[handle]?.call == .incall)

            let gone = try #require(IncomingCallSession(inheriting: row, home: world))
            gone.resync(ToldCall(isAcked: true), [])
            gone.observed(nil, on: nil)
            world.settle()
            #expect(
                world.said.last == "\(name(gone)) call terminated 487 Request Terminated, missed bob@phones.test")
        }
    }
}
