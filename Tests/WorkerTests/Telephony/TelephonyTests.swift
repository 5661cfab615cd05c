import Foundation
import Identity
import JSONText
import NIOCore
import Registry
import SIPLookup
import Sylkrtc
import TestSupport
import Testing

@testable import Worker

/// Registrations, and the calls that come in over them.
@Suite struct TelephonyTests {
    @Test func `R03 E02 an account registers: what Janus is asked, and what the client is told`() throws {
        try SlotWorld.run { world in
            let handle = try world.register()
            let body = try #require(world.janus.log.last { $0.handle == handle && $0.name == "message register" }?.body)
            #expect(body["username"]?.string == "sip:alice@phones.test")
            #expect(body["proxy"]?.string == "sip:192.0.2.1")
            #expect(body["outbound_proxy"]?.string == "sip:192.0.2.1")
            #expect(body["user_agent"] == nil, "Janus takes no null")
            #expect(world.spares.count == 1)
            let rows = try world.sessions()
            #expect(rows.map(\.role) == [.registration])
        }
    }

    @Test func `R03 B29 a proxy that cannot be found is told in words, and nothing is begun`() throws {
        try SlotWorld.run { world in
            world.proxies.failure = .notOffered
            world.submit(registering(), 1, 1)
            #expect(world.heard == ["1/1 error DNS lookup error: no results found"])
            let rows = try world.sessions()
            #expect(rows == [])
        }
    }

    @Test func `R04 unregistering is answered, tells nothing, and leaves nothing`() throws {
        try SlotWorld.run { world in
            let handle = try world.register()
            world.submit(.unregister(registration: sequence(1)), 1, 2)
            #expect(world.heard == ["1/2 ack"])
            #expect(world.janus.handles[handle] == nil)
            #expect(world.spares == [])
            world.outbox.acknowledge()
            world.settle()
            let rows = try world.sessions()
            #expect(rows == [])
        }
    }

    @Test func `E03 E06 R07 B17 somebody calls, is answered, and hangs up; the handle stays`() throws {
        try SlotWorld.run { world in
            let handle = try world.register()
            let call = try world.ring(handle, "one")
            #expect(world.heard == ["1/1: call of bob@phones.test (Bob) offer"])
            world.submit(.accept(call: call, answer: sdp("answer")), 1, 2)
            world.janus.mediaFlows(handle)
            world.settle()
            #expect(world.heard == ["1/2 ack", "1/N: call accepted without answer", "1/N: call established"])
            world.janus.endCall(handle, 200, "Session Terminated")
            world.settle()
            #expect(world.heard == ["1/N: call terminated 200 Session Terminated"])
            #expect(world.janus.handles[handle] != nil)
        }
    }

    @Test func `E04 a second call is declined as busy, and reported as missed`() throws {
        try SlotWorld.run { world in
            let handle = try world.register()
            let spare = try #require(world.spares.first)
            try world.ring(handle, "one")
            _ = world.heard
            world.janus.callerRings(spare, "carol@phones.test", name: "Carol", callID: "two")
            world.settle()
            #expect(world.heard == ["1/1: missed carol@phones.test (Carol)"])
            #expect(
                !world.janus.log.contains { $0.name == "message decline" }, "Janus does not know yet whom to answer")
            world.advance(by: JanusHandle<SIPMessage>.inviteTime)
            let decline = try #require(world.janus.log.last { $0.name == "message decline" })
            #expect(decline.body?["code"]?.integer(Int.self) == 486)
        }
    }

    @Test func `B19 R02 removing the account ends its calls and its registration`() throws {
        try SlotWorld.run { world in
            let handle = try world.register()
            let call = try world.ring(handle, "one")
            world.submit(.accept(call: call, answer: sdp("answer")), 1, 2)
            _ = world.heard
            world.submit(.releaseAccount(account("alice@phones.test")), 1, 3)
            #expect(world.heard.first == "1/3 ack")
            #expect(world.janus.handles[handle] == nil)
        }
    }

    @Test func `a registration goes on after its worker, with its spare handle and without a word`() throws {
        try SlotWorld.run { world in
            let handle = try world.register()
            let spares = world.spares
            world.advance(by: .milliseconds(50))
            try world.takeOverAgain()
            world.resync(.registered)
            #expect(world.heard == ["1/1 resynced"])
            #expect(world.janus.handles[handle] != nil)
            #expect(world.spares == spares)
        }
    }

    @Test func `a registration whose answer was lost with its worker serves what is asked next`() throws {
        try SlotWorld.run { world in
            let handle = try world.register()
            try world.takeOverAgain()
            world.resync(.nothing, isAcked: false, waitingFor: registering())
            #expect(world.heard == ["1/1 ack", "1/1: registered", "1/1 resynced"])
            world.submit(.unregister(registration: sequence(1)), 1, 2)
            #expect(world.heard == ["1/2 ack"])
            #expect(world.janus.handles[handle] == nil)
        }
    }

    @Test func `a registration that Janus has lost is told to be, and ends`() throws {
        try SlotWorld.run { world in
            let handle = try world.register()
            world.janus.phones[handle]?.registration = .unregistered
            try world.takeOverAgain()
            world.resync(.registered)
            #expect(world.heard == ["1/1: registration lost", "1/1 resynced"])
            #expect(world.janus.handles[handle] == nil)
        }
    }

    @Test func `a call that was never told is told with its registration`() throws {
        try SlotWorld.run { world in
            let handle = try world.register()
            world.conferences.suspend(frontdoor)
            world.outbox.absent = [frontdoor]
            try world.ring(handle, "one")
            #expect(world.heard == [])
            world.outbox.absent = []
            world.resync(.registered)
            #expect(world.heard == ["1/1 resynced", "1/1: call of bob@phones.test (Bob) offer"])
        }
    }
}

// MARK: Support

func registering(_ name: String = "alice") -> WorkerRequest {
    let identity = WorkerRequest.Identity(
        account: address("\(name)@phones.test"), displayName: name.capitalized, userAgent: nil, password: "0123")
    return .register(WorkerRequest.Register(identity: identity, registration: nil))
}

extension SlotWorld {
    /// What was said, with `N` for the numbers of calls that came in.
    var heard: [String] {
        said.map { line in
            let parts = line.split(separator: "/", maxSplits: 1)
            let digits = parts[1].prefix { $0.isNumber }
            return digits.count > 15 ? "\(parts[0])/N\(parts[1].dropFirst(digits.count))" : line
        }
    }

    /// Helpers that take calls beside their masters.
    var spares: [UInt64] { janus.handles.filter { $0.value.opaque.contains(":spare-") }.keys.sorted() }

    /// Registers alice on connection 1.
    @discardableResult
    func register() throws -> UInt64 {
        submit(registering(), 1, 1)
        let handle = try #require(janusHandle(of: 1, 1))
        janus.registrarAnswers(handle)
        settle()
        #expect(heard == ["1/1 ack", "1/1: registering", "1/1: registered"])
        return handle
    }

    /// Bob calls.
    @discardableResult
    func ring(_ handle: UInt64, _ callID: String) throws -> RequestSequence {
        janus.callerRings(handle, callID: callID)
        settle()
        advance(by: JanusHandle<SIPMessage>.inviteTime)
        return try #require(conferences.telephony.calls.keys.first).request
    }

    /// The front door says what alice was told of her registration, and whether its request is unanswered.
    func resync(_ stage: ToldRegistration.Stage, isAcked: Bool = true, waitingFor request: WorkerRequest? = nil) {
        var listing = Listing()
        listing.sessions[session(1)] = .registration(ToldRegistration(isAcked: isAcked, stage: stage))
        listing.requests =
            request.map {
                [ListedRequest(connection: session(1).connection, sequence: sequence(1), request: $0)]
            } ?? []
        conferences.resync(listing, of: frontdoor)
        settle()
    }
}
