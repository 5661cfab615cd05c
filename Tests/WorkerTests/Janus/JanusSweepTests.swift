import Identity
import JSONText
import Sylkrtc
import Testing

@testable import Worker

@Suite struct JanusSweepTests {
    private func sweep(
        _ world: SlotWorld, known: Set<JanusHandleID> = [],
        isKept: @escaping (JanusHandleID, OpaqueID.Purpose) -> Bool
    ) throws -> String {
        let admin = try connectGateway(world.janus, world.loop, admin: true)
        let sweep = JanusSweep(
            slot: slot, deployment: deployment, session: world.sessionID, gateway: world.gateway, logger: silentLogger)
        var outcome = ""
        sweep.handles(admin: admin, known: { known }, isKept: isKept) { result in
            switch result {
            case .success(let count): outcome = "detached \(count)"
            case .failure(let error): outcome = error.reason
            }
        }
        world.settle()
        return outcome
    }

    private func opaque(_ session: SessionID) -> String {
        OpaqueID(deployment: deployment, slot: slot, purpose: .session(session)).description
    }

    @Test func `what nobody keeps goes, duplicates too; what is kept or foreign stays`() throws {
        try SlotWorld.run { world in
            let own = try world.join("alice", 1)
            let id = world.sessionID.rawValue
            let duplicate = world.janus.addHandle(id, opaque: opaque(session(1)))
            let leftover = world.janus.addHandle(id, opaque: opaque(session(8)))
            let attaching = world.janus.addHandle(id, opaque: opaque(session(9)))
            let foreign = world.janus.addHandle(id, opaque: "somebody")
            let rooms = try #require(world.janus.handles.first { $0.value.opaque.hasSuffix(":rooms") }?.key)
            world.janus.interfere = { request in
                #expect(request.name != "handle_info" || request.handle != own, "what is known is not looked at")
                return .proceed
            }
            let outcome = try sweep(world, known: [handle(own)]) { handle, owner in
                handle.rawValue == rooms || owner == .session(session(9))
            }
            #expect(outcome == "detached 2")
            #expect(world.janus.handles[duplicate] == nil)
            #expect(world.janus.handles[leftover] == nil)
            for kept in [own, attaching, foreign, rooms] { #expect(world.janus.handles[kept] != nil) }
        }
    }

    @Test func `the worker's own sweep keeps what is being attached and what is in use`() throws {
        try SlotWorld.run { world in
            let own = try world.join("alice", 1)
            // The attach has happened in Janus, and its answer is still on its way.
            var late: UInt64?
            world.janus.interfere = { request in
                guard request.name == "attach" else { return .proceed }
                late = world.janus.addHandle(request.session, opaque: request.root["opaque_id"]?.string ?? "")
                return .hold
            }
            world.submit(.join(joining("bob")), 2, 1)
            let leftover = world.janus.addHandle(world.sessionID.rawValue, opaque: opaque(session(8)))
            world.janus.rooms[99] = FakeJanus.Room(description: "c1:main:host1/1", maximum: 1)
            world.janus.rooms[98] = FakeJanus.Room(description: "c1:other:host1/1", maximum: 1)
            world.conferences.sweep(admin: try connectGateway(world.janus, world.loop, admin: true))
            world.settle()
            #expect(world.janus.handles[own] != nil)
            let attached = try #require(late)
            #expect(world.janus.handles[attached] != nil)
            #expect(world.janus.handles[leftover] == nil)
            #expect(world.janus.rooms[99] == nil)
            #expect(world.janus.rooms[98] != nil)
            #expect(world.janus.rooms.count == 2)
        }
    }

    @Test func `a list that fails detaches nothing`() throws {
        try SlotWorld.run { world throws in
            world.janus.interfere = { $0.name == "list_handles" ? .refuse(403, "no") : .proceed }
            let outcome = try sweep(world) { _, _ in false }
            #expect(outcome == "no")
            #expect(world.janus.count("detach") == 0)
        }
    }
}
