import Identity
import NIOCore
import Registry
import Sylkrtc
import Testing

@testable import Worker

/// Calls that come and go while nobody owns the registration: one E04 each, however often a worker dies.
@Suite struct MissedCallTests {
    /// A worker dies; what happens then nobody sees.
    private func nobodyLooks(_ world: SlotWorld, _ happens: () throws -> Void) throws {
        // What is recorded in batches has been.
        world.advance(by: .milliseconds(50))
        world.janus.breakLinks()
        world.settle()
        _ = world.said
        try happens()
        try world.takeOverAgain()
    }

    private func callsInVain(_ world: SlotWorld, _ handle: UInt64, _ caller: String = "bob@phones.test") {
        world.janus.callerRings(handle, caller, name: "Whoever", callID: "vain-\(caller)")
        world.janus.callerCancels(handle)
    }

    private func resynced(_ world: SlotWorld) -> [String] {
        world.resync(.registered)
        return world.heard.filter { $0 != "1/1 resynced" }
    }

    @Test func `E04 a call that came and went while nobody looked is told once, and no more after the next death`()
        throws
    {
        try SlotWorld.run { world in
            let handle = try world.register()
            try nobodyLooks(world) { callsInVain(world, handle) }
            #expect(resynced(world) == ["1/1: missed bob@phones.test () as 1"])
            world.outbox.acknowledge()
            #expect(resynced(world) == [], "on a new link")
            try nobodyLooks(world) {}
            #expect(resynced(world) == [])
            try nobodyLooks(world) { callsInVain(world, handle, "carol@phones.test") }
            #expect(resynced(world) == ["1/1: missed carol@phones.test () as 2"])
        }
    }

    @Test func `E04 a worker that dies before it has recorded what it told is followed by one that tells the same`()
        throws
    {
        try SlotWorld.run { world in
            let handle = try world.register()
            try nobodyLooks(world) { callsInVain(world, handle) }
            #expect(resynced(world) == ["1/1: missed bob@phones.test () as 1"])
            #expect(resynced(world) == ["1/1: missed bob@phones.test () as 1"], "the front door did not acknowledge it")
            try nobodyLooks(world) {}
            #expect(resynced(world) == ["1/1: missed bob@phones.test () as 1"])
            world.outbox.acknowledge()
            try nobodyLooks(world) {}
            #expect(resynced(world) == [])
        }
    }

    @Test func `E04 a call on the spare handle, beside the one that somebody took, is found too`() throws {
        try SlotWorld.run { world in
            let handle = try world.register()
            let spare = try #require(world.spares.first)
            try nobodyLooks(world) {
                callsInVain(world, spare, "carol@phones.test")
                callsInVain(world, handle)
            }
            #expect(
                resynced(world) == ["1/1: missed bob@phones.test () as 1", "1/1: missed carol@phones.test () as 2"])
            world.outbox.acknowledge()
            try nobodyLooks(world) {}
            #expect(resynced(world) == [])
        }
    }

    @Test(arguments: [true, false])
    func `E04 a call that was told, answered or given up before is not found again`(isAnswered: Bool) throws {
        try SlotWorld.run { world in
            let handle = try world.register()
            let call = try world.ring(handle, "one")
            if isAnswered {
                world.submit(.accept(call: call, answer: sdp("answer")), 1, 2)
                world.janus.endCall(handle, 200, "Session Terminated")
            } else {
                world.janus.callerCancels(handle)
            }
            world.settle()
            world.outbox.acknowledge()
            #expect(world.janus.phones[handle]?.callee == "sip:bob@phones.test", "Janus remembers")
            try nobodyLooks(world) {}
            #expect(resynced(world) == [])
            try nobodyLooks(world) { callsInVain(world, handle) }
            #expect(resynced(world) == [], "the same caller once more cannot be told from the call before")
            try nobodyLooks(world) { callsInVain(world, handle, "carol@phones.test") }
            #expect(resynced(world) == ["1/1: missed carol@phones.test () as 1"])
        }
    }

    @Test func `E04 a caller who was declined is missed when he calls again while nobody looks`() throws {
        try SlotWorld.run { world in
            let handle = try world.register()
            let call = try world.ring(handle, "one")
            world.submit(.terminate(session: call), 1, 2)
            world.outbox.acknowledge()
            world.settle()
            try nobodyLooks(world) {}
            #expect(resynced(world) == [])
            try nobodyLooks(world) { callsInVain(world, handle) }
            #expect(resynced(world) == ["1/1: missed bob@phones.test () as 1"])
        }
    }

    @Test func `E04 a call that rang before and one that came after it are missed each`() throws {
        try SlotWorld.run { world in
            let handle = try world.register()
            let call = try world.ring(handle, "one")
            _ = world.heard
            try nobodyLooks(world) {
                world.janus.callerCancels(handle)
                callsInVain(world, handle, "carol@phones.test")
            }
            var listing = Listing()
            listing.sessions[session(1)] = .registration(ToldRegistration(isAcked: true, stage: .registered))
            listing.sessions[session(1, request: call.rawValue)] = .call(
                registration: sequence(1), ToldCall(isAcked: true))
            world.conferences.resync(listing, of: frontdoor)
            world.settle()
            #expect(
                Set(world.heard.filter { !$0.hasSuffix("resynced") }) == [
                    "1/1: missed carol@phones.test () as 1",
                    "1/N: call terminated 487 Request Terminated, missed bob@phones.test",
                ])
            world.outbox.acknowledge()
            world.settle()
            try nobodyLooks(world) {}
            #expect(resynced(world) == [])
        }
    }

    @Test func `E03 E04 whoever rings in place of a call that rang before is told of, and that one was missed`() throws
    {
        try SlotWorld.run { world in
            let handle = try world.register()
            let call = try world.ring(handle, "one")
            try nobodyLooks(world) {
                world.janus.callerCancels(handle)
                world.janus.callerRings(handle, "carol@phones.test", name: "Carol", callID: "two")
            }
            var listing = Listing()
            listing.sessions[session(1)] = .registration(ToldRegistration(isAcked: true, stage: .registered))
            listing.sessions[session(1, request: call.rawValue)] = .call(
                registration: sequence(1), ToldCall(isAcked: true))
            world.conferences.resync(listing, of: frontdoor)
            world.settle()
            #expect(
                Set(world.heard.filter { !$0.hasSuffix("resynced") }) == [
                    "1/N: call terminated 487 Request Terminated, missed bob@phones.test",
                    "1/1: call of carol@phones.test () offer",
                ])
            #expect(world.janus.phones[handle]?.call == .invited)
        }
    }

    @Test func `E04 a caller who gives up while a successor asks which call it is was missed`() throws {
        try SlotWorld.run { world in
            let handle = try world.register()
            world.janus.interfere = { request in
                // When Janus is asked about it, it rings; when it is asked for the name of the call, no more.
                if request.name == "message which_call" { world.janus.callerCancels(handle) }
                return .proceed
            }
            try nobodyLooks(world) { world.janus.callerRings(handle, callID: "one") }
            #expect(resynced(world) == ["1/1: missed bob@phones.test () as 1"])
            world.outbox.acknowledge()
            try nobodyLooks(world) {}
            #expect(resynced(world) == [])
        }
    }

    @Test func `what an earlier version recorded has no calls to compare with: nothing is told, and the next call is`()
        throws
    {
        try SlotWorld.run { world in
            let handle = try world.register()
            try world.ring(handle, "one")
            world.janus.callerCancels(handle)
            world.settle()
            world.outbox.acknowledge()
            world.settle()
            world.advance(by: .milliseconds(50))
            try world.forgetSeenCalls()
            try nobodyLooks(world) {}
            #expect(resynced(world) == [])
            try nobodyLooks(world) { callsInVain(world, handle, "carol@phones.test") }
            #expect(resynced(world) == ["1/1: missed carol@phones.test () as 1"])
        }
    }

    // MARK: While there is no link

    private func isCut(_ world: SlotWorld) {
        world.conferences.suspend(frontdoor)
        world.outbox.absent = [frontdoor]
        _ = world.said
    }

    @Test func `E04 a call that came and went while the link was down is told with its registration, once`() throws {
        try SlotWorld.run { world in
            let handle = try world.register()
            isCut(world)
            try world.ring(handle, "one")
            world.janus.callerCancels(handle)
            world.settle()
            #expect(world.heard == [])
            world.outbox.absent = []
            #expect(resynced(world) == ["1/1: missed bob@phones.test (Bob)"])
            isCut(world)
            world.outbox.absent = []
            #expect(resynced(world) == ["1/1: missed bob@phones.test (Bob)"], "nobody has acknowledged it")
            world.outbox.acknowledge()
            world.settle()
            isCut(world)
            world.outbox.absent = []
            #expect(resynced(world) == [])
            let rows = try world.sessions()
            #expect(rows.map(\.role) == [.registration])
        }
    }

    @Test func `E04 whoever is told the end of a call on a new link is not told that it was missed beside`() throws {
        try SlotWorld.run { world in
            let handle = try world.register()
            let call = try world.ring(handle, "one")
            isCut(world)
            world.janus.callerCancels(handle)
            world.settle()
            world.outbox.absent = []
            var listing = Listing()
            listing.sessions[session(1)] = .registration(ToldRegistration(isAcked: true, stage: .registered))
            listing.sessions[session(1, request: call.rawValue)] = .call(
                registration: sequence(1), ToldCall(isAcked: true))
            world.conferences.resync(listing, of: frontdoor)
            world.settle()
            #expect(
                world.heard.filter { !$0.hasSuffix("resynced") } == [
                    "1/N: call terminated 487 Request Terminated, missed bob@phones.test"
                ])
        }
    }

    @Test func `E04 calls that were turned away while the link was down are told afterwards, the latest of them`()
        throws
    {
        try SlotWorld.run { world in
            let handle = try world.register()
            isCut(world)
            world.janus.callerRings(handle, callID: "without", hasOffer: false)
            world.settle()
            for number in 1...16 { missedInJanus(world, handle, "caller-\(number)") }
            world.outbox.absent = []
            #expect(resynced(world) == (1...16).map { "1/1: missed caller-\($0)@phones.test (Somebody)" })
            world.outbox.acknowledge()
            missedInJanus(world, handle, "another")
            #expect(world.heard == ["1/1: missed another@phones.test (Somebody)"], "with a link at once")
        }
    }

    @Test func `a call that was answered elsewhere while the link was down is nobody's news`() throws {
        try SlotWorld.run { world in
            let handle = try world.register()
            isCut(world)
            try world.ring(handle, "one")
            world.janus.callerCancels(handle, answeredElsewhere: true)
            world.settle()
            world.outbox.absent = []
            #expect(resynced(world) == [])
            let rows = try world.sessions()
            #expect(rows.map(\.role) == [.registration])
        }
    }

    @Test func `E04 a call that ends between the front door's list and its registration's turn is missed`() throws {
        try SlotWorld.run { world in
            let handle = try world.register()
            isCut(world)
            try world.ring(handle, "one")
            // Its caller gives up at the moment in which the registration is up to date.
            world.janus.callerCancels(handle)
            world.outbox.absent = []
            #expect(resynced(world).filter { $0.contains("missed") }.count == 1)
        }
    }

    /// Janus says that it has turned somebody away.
    private func missedInJanus(_ world: SlotWorld, _ handle: UInt64, _ caller: String) {
        world.janus.event(
            "event", handle,
            #","plugindata":{"plugin":"janus.plugin.sip","data":{"sip":"event","result":{"event":"missed_call","caller":"sip:\#(caller)@phones.test","displayname":"Somebody"}}}"#
        )
        world.settle()
    }
}

extension SlotWorld {
    /// The registration is as an earlier version records it.
    fileprivate func forgetSeenCalls() throws {
        let owner = owner
        try registry.read { store throws(RegistryError) in
            var rows = try store.sessions(of: slot)
            try store.deleteSessions(rows.map(\.id), owner: owner)
            for index in rows.indices { rows[index].seenCalls = nil }
            for row in rows { try store.recordSession(row, owner: owner) }
        }.get()
    }
}
