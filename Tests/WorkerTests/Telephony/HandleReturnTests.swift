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
            #expect(declines(world, on: spare) == [486])
            #expect(resets(world, on: spare) == 1)
            #expect(resets(world, on: handle) == 0)
        }
    }

    @Test func `B18 D31 a call that cannot be read is declined, and its handle freed`() throws {
        try SlotWorld.run { world in
            let handle = try world.register()
            world.janus.callerRings(handle, callID: String(repeating: "x", count: 300))
            world.settle()
            #expect(world.heard == [])
            #expect(declines(world, on: handle) == [400])
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
}
