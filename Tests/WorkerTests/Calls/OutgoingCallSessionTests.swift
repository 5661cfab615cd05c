import Identity
import NIOCore
import Registry
import SIPLookup
import Sylkrtc
import Testing

@testable import Worker

@Suite struct OutgoingCallSessionTests {
    @Test func `R06 E06 a call is identified, noted, dialled, told, and leaves nothing`() throws {
        try CallWorld.run { world in
            let call = world.dial()
            #expect(world.lookups == ["bob@phones.test"], "of whom is called")
            #expect(world.said == ["5/1 ack", "5/1: call progress"])
            #expect(world.janus.requests() == ["message register", "message call"], "no handle is made for it")
            let row = try #require(try world.row(of: call))
            #expect(row.isCallSent && row.handle?.rawValue == world.dialledHandle && row.role == .call)
            #expect(call.row == row, "should the registry lose it")
            #expect(world.janus.dialled.map(\.callID) == [SIPCallID.of(call.id, in: deployment).description])
            #expect(world.janus.dialled.map(\.uri) == ["sip:bob@phones.test"])

            let handle = world.dialledHandle
            world.janus.calleeRings(handle)
            world.janus.calleeAnswers(handle)
            world.janus.mediaFlows(handle)
            world.settle()
            #expect(world.said == ["5/1: call accepted answer", "5/1: call established"])

            world.janus.endCall(handle, 200, "Session Terminated")
            world.settle()
            #expect(world.said == ["5/1: call terminated 200 Session Terminated"])
            #expect(world.janus.handles[handle] == nil, "B17: its own handle is gone")
            #expect(world.isMarked(call) == true)
            #expect(world.endings == [CallEnding(creation: .ack, reason: "200 Session Terminated")])
        }
    }

    @Test func `R06 the account's secret and name go to Janus, and no REGISTER`() throws {
        try CallWorld.run { world in
            var bodies: [String] = []
            world.janus.served = { if $0.type == "message" { bodies.append($0.text) } }
            world.dial()
            let body = try #require(bodies.first)
            #expect(body.contains(#""send_register":false,"refresh":true,"username":"sip:alice@phones.test""#))
            #expect(body.contains(#""ha1_secret":"abcd","display_name":"Alice""#))
            #expect(body.contains(#""outbound_proxy":"sip:127.0.0.1""#))
        }
    }

    @Test func `B29 a lookup that finds nothing is the answer, and nothing is done`() throws {
        try CallWorld.run { world in
            world.targets = .failure(ProxyLookupFailure(text: "DNS lookup error: no results found"))
            let call = world.dial()
            #expect(world.said == ["5/1 error DNS lookup error: no results found"])
            #expect(world.janus.requests() == [])
            #expect(world.isRecorded(call) == false)
        }
    }

    @Test(arguments: ["message register", "message call"])
    func `R06 what Janus refuses is answered in its words, and the handle is detached`(request: String) throws {
        try CallWorld.run { world in
            world.janus.interfere = { $0.name == request ? .refuse(465, "Error processing SDP") : .proceed }
            let call = world.dial()
            #expect(world.said == ["5/1 error Error processing SDP"])
            #expect(world.janus.requests().last == "detach")
            #expect(world.isMarked(call) == true)
        }
    }

    @Test func `B13 what the plugin refuses after the ack ends the call (D16)`() throws {
        try CallWorld.run { world in
            world.janus.interfere = { request in
                guard request.name == "message call" else { return .proceed }
                world.janus.phones[request.handle]?.registration = .unregistered
                return .proceed
            }
            world.dial()
            #expect(world.said == ["5/1 ack", "5/1: call terminated 500 Wrong state (register first)"])
        }
    }

    @Test func `B18 early media: its answer is told with the acceptance (D28)`() throws {
        try CallWorld.run { world in
            world.dial()
            let handle = world.dialledHandle
            world.janus.calleePlays(handle)
            world.janus.mediaFlows(handle)
            world.settle()
            #expect(world.said == ["5/1 ack", "5/1: call progress"])
            world.janus.calleeAnswers(handle)
            world.settle()
            #expect(world.said == ["5/1: call accepted answer", "5/1: call established"])
        }
    }

    @Test func `a server that refuses is followed by the next with the same Call-ID, on another handle`() throws {
        try CallWorld.run(size: 2) { world in
            let targets = [1, 2].map { ProxyTarget(.udp, IPAddress(version4: $0), 5060) }
            world.targets = .success(targets)
            let call = world.dial()
            world.janus.endCall(world.dialledHandle, 503, "Service Unavailable")
            world.settle()
            #expect(world.failedProxies == [targets[0]])
            #expect(world.janus.dialled.count == 2)
            #expect(Set(world.janus.dialled.map(\.callID)).count == 1)
            #expect(Set(world.janus.dialled.map(\.handle)).count == 2)
            #expect(world.notedHandle(of: call) == world.dialledHandle)
            world.janus.calleeAnswers(world.dialledHandle)
            world.settle()
            #expect(world.said == ["5/1 ack", "5/1: call progress", "5/1: call accepted answer"])
        }
    }

    // MARK: Ending

    @Test func `R09 a terminate is acknowledged when Janus has it, and the end follows`() throws {
        try CallWorld.run { world in
            let call = world.dial()
            world.janus.calleeAnswers(world.dialledHandle)
            world.settle()
            _ = world.said
            world.ask(call, .terminate(session: sequence(1)), 9)
            #expect(world.said == ["5/9 ack", "5/1: call terminated 200 to BYE"])
            #expect(world.janus.requests().contains("message hangup"))
        }
    }

    @Test func `R09 a terminate right after the dialling is held back, so that no telephone rings for ever`() throws {
        try CallWorld.run { world in
            let call = world.dial()
            _ = (world.said, world.janus.requests())
            world.ask(call, .terminate(session: sequence(1)), 9)
            #expect(world.said == [] && world.janus.requests() == [])
            world.janus.calleeRings(world.dialledHandle)
            world.settle()
            #expect(world.said == ["5/9 ack", "5/1: call terminated 487 Request Terminated"])
        }
    }

    @Test func `R09 a hangup without an end is followed by a detach within D35's time`() throws {
        try CallWorld.run { world in
            let call = world.dial()
            _ = world.said
            world.ask(call, .terminate(session: sequence(1)), 9)
            world.advance(by: OutgoingCallSession.settleTime)
            #expect(world.said == ["5/9 ack"])
            #expect(world.janus.stuck == [world.dialledHandle], "the CANCEL was lost")
            world.advance(by: OutgoingCallSession.hangupTime)
            #expect(world.said == ["5/1: call terminated 408 Request Timeout"])
            #expect(world.janus.stuck == [])
        }
    }

    @Test func `R09 a hangup that crosses the answer leaves nobody talking`() throws {
        try CallWorld.run { world in
            let call = world.dial()
            world.janus.calleeRings(world.dialledHandle)
            world.settle()
            _ = world.said
            let handle = world.dialledHandle
            world.janus.interfere = { request in
                guard request.name == "message hangup" else { return .proceed }
                world.janus.phones[handle]?.hasProvisional = false
                return .proceed
            }
            world.ask(call, .terminate(session: sequence(1)), 9)
            world.janus.calleeAnswers(handle)
            world.settle()
            #expect(world.said == ["5/9 ack", "5/1: call terminated 487 Request Terminated"])
            #expect(world.janus.handles[handle] == nil)
        }
    }

    @Test func `a callee who never answers is given up after three minutes`() throws {
        try CallWorld.run { world in
            world.dial()
            world.janus.calleeRings(world.dialledHandle)
            world.settle()
            _ = world.said
            world.advance(by: OutgoingCallSession.ringTime)
            #expect(world.said == ["5/1: call terminated 487 Request Terminated"])
        }
    }

    @Test func `R08 trickles reach the call's handle; R07 an outgoing call cannot be answered`() throws {
        try CallWorld.run { world in
            let call = world.dial()
            _ = (world.said, world.janus.requests())
            world.ask(call, .trickle(session: sequence(1), candidates: [candidate("x")]), 7)
            world.ask(call, .accept(call: sequence(1), answer: sdp("x")), 8)
            #expect(world.said == ["5/7 ack", "5/8 error Cannot answer outgoing session outgoing"])
            #expect(world.janus.requests() == ["trickle"])
        }
    }

    @Test func `a released call is hung up, and nobody is told`() throws {
        try CallWorld.run { world in
            let call = world.dial()
            _ = world.said
            call.release()
            world.settle()
            #expect(world.said == [])
            #expect(world.janus.handles[world.dialledHandle] == nil && call.isReleased)
            #expect(world.isMarked(call) == true)
        }
    }

    // MARK: Being taken over

    @Test func `a successor goes on with a call that rings, and never dials again`() throws {
        try CallWorld.run { world in
            let call = world.dial()
            let handle = world.dialledHandle
            world.janus.calleeRings(handle)
            world.settle()
            _ = (world.said, world.janus.requests())
            call.suspend()
            world.possession.gateway.route(WorkerTests.handle(handle), to: nil)

            let row = try #require(try world.row(of: call))
            let heir = OutgoingCallSession(inheriting: row, home: world)
            let info = HandleInfo(
                WorkerTests.handle(handle),
                try json(world.janus.phoneInfo(handle, try #require(world.janus.handles[handle]))))
            heir.resync(
                ToldCall(),
                [ListedRequest(connection: connection(5), sequence: sequence(1), request: .call(world.calling()))])
            heir.observed(info)
            world.settle()
            #expect(world.said == ["5/1 ack", "5/1: call progress", "5/1 resynced"])
            world.janus.calleeAnswers(handle)
            world.settle()
            #expect(world.said == ["5/1: call accepted answer"])
            #expect(world.janus.dialled.count == 1)
            heir.release()
            world.settle()
        }
    }

    @Test func `a successor dials what was not dialled, and acknowledges and ends what may have been`() throws {
        try CallWorld.run { world in
            let id = session(5)
            var row = OutgoingCallSession(id, world.calling(), home: world).row
            for isSent in [false, true] {
                row.isCallSent = isSent
                let owner = world.possession.owner
                let recorded = row
                try world.slotWorld.registry.read { store throws(RegistryError) in
                    try store.deleteSessions([recorded.id], owner: owner)
                    try store.recordSession(recorded, owner: owner)
                }.get()
                let heir = OutgoingCallSession(inheriting: row, home: world)
                heir.observed(nil)
                heir.resync(
                    ToldCall(),
                    [ListedRequest(connection: connection(5), sequence: sequence(1), request: .call(world.calling()))])
                world.settle()
                #expect(world.janus.dialled.count == 1)
                #expect(
                    world.said
                        == (isSent
                            ? ["5/1 ack", "5/1 resynced", "5/1: call terminated 408 Request Timeout"]
                            : ["5/1 resynced", "5/1 ack", "5/1: call progress"]))
                heir.release()
                world.settle()
                world.advance(by: .seconds(1))
            }
        }
    }

    @Test func `candidates that cross an end are taken; behind a terminate they are refused and overtake nothing`()
        throws
    {
        try CallWorld.run { world in
            let id = session(5)
            var row = OutgoingCallSession(id, world.calling(), home: world).row
            row.isCallSent = true
            let late = WorkerRequest.trickle(session: sequence(1), candidates: [candidate("x")])
            let cases: [(requests: [WorkerRequest], said: [String])] = [
                ([late], ["5/1 ack", "5/2 ack", "5/1 resynced", "5/1: call terminated 408 Request Timeout"]),
                (
                    [.terminate(session: sequence(1)), late],
                    [
                        "5/1 ack", "5/3 unknown session", "5/1 resynced", "5/2 ack",
                        "5/1: call terminated 408 Request Timeout",
                    ]
                ),
            ]
            for (requests, said) in cases {
                let heir = OutgoingCallSession(inheriting: row, home: world)
                heir.observed(nil)
                let all = [.call(world.calling())] + requests
                heir.resync(
                    ToldCall(),
                    all.enumerated().map {
                        ListedRequest(
                            connection: connection(5), sequence: sequence(UInt64($0.offset) + 1), request: $0.element)
                    })
                world.settle()
                #expect(world.said == said)
                heir.release()
                world.settle()
                world.advance(by: .seconds(1))
            }
        }
    }
}
