import Identity
import NIOCore
import Sylkrtc
import Testing

@testable import Worker

/// What stands in a recovery's way.
@Suite struct ResumeDetourTests {
    private func run(_ test: (CoreWorld) throws -> Void) throws {
        let world = try CoreWorld()
        defer { world.end() }
        try world.serve()
        try test(world)
        world.live()
        world.expectConsistency("at rest")
        try world.everybodyLeaves("at the end")
    }

    @Test func `an admin connection that breaks in the middle of it loses nothing, and no event either`() throws {
        try run { world in
            try world.join("alice", 1)
            try world.join("bob", 2)
            world.request(.feedAttach(base: sequence(1), feed: client("feed"), publisher: "alice"), 2, 2)
            world.request(.feedAttach(base: sequence(1), feed: client("other"), publisher: "bob"), 1, 2)
            world.advance(by: .milliseconds(50))
            let bob = try #require(world.janusHandle(of: 2, 1))
            _ = world.said
            world.kill()
            // The rooms' handle and two publishers have been looked at, and go on; the feeds have not.
            world.janus.interfere = { request in
                request.name == "handle_info" && world.janus.count("handle_info") > 3 ? .hold : .proceed
            }
            world.succeed()
            world.settle()
            #expect(world.janus.count("handle_info") == 5)
            world.janus.breakAdminLink()
            var hasMoved = false
            world.janus.interfere = { request in
                guard request.name == "message listparticipants", !hasMoved else {
                    return .proceed
                }
                hasMoved = true
                world.janus.closePeer(bob)
                return .proceed
            }
            world.live(patience: .seconds(1))
            #expect(hasMoved)
            let lines = world.transcripts()
            #expect(lines["0-2"]?.last?.hasPrefix("2/1: terminated ") == true)
            #expect(lines["0-1"]?.sorted() == ["1/1: feed 2 ended", "1/1: went: [bob]"])
        }
    }

    @Test func `an admin connection that comes a second after Janus's own is waited for`() throws {
        try run { world in
            try world.join("alice", 1)
            world.kill()
            world.janus.isAdminReachable = false
            world.succeed()
            world.elapse(.seconds(1))
            world.janus.isAdminReachable = true
            world.live(patience: .seconds(1))
            #expect(world.said == [])
            world.request(.update(session: sequence(1), audio: true, video: nil, bitrate: nil), 1, 2)
            #expect(world.said == ["1/2 ack"])
        }
    }

    @Test func `a place in the room that another handle of the session has is taken over`() throws {
        try run { world in
            try world.join("alice", 1)
            let id = PublisherID.of(session(2), in: deployment).rawValue
            let opaque = OpaqueID(deployment: deployment, slot: slot, purpose: .session(session(2))).description
            let ghost = world.janus.addHandle(JanusSessionID.of(slot, in: deployment).rawValue, opaque: opaque)
            let room = try #require(world.janus.rooms.keys.first)
            world.janus.rooms[room]?.participants[id] = FakeJanus.Participant(handle: ghost, display: nil)
            world.janus.handles[ghost]?.role = .publisher(room: room, id: id)
            world.request(.join(joining("bob")), 2, 1)
            world.live()
            #expect(world.janus.handles[ghost] == nil)
            #expect(
                world.transcripts()["0-2"] == [
                    "2/1 ack", "2/1: progress", "2/1: accepted answer",
                    "2/1: there: [alice (alice@example.com, Alice)]", "2/1: established",
                ])
        }
    }

    @Test func `a session that was given up still answers a terminate that its successor finds`() throws {
        try run { world in
            try world.join("alice", 1)
            try world.join("bob", 2)
            _ = world.said
            world.kill()
            world.door.giveUp(2, 1)
            world.door.request(.terminate(session: sequence(1)), 2, 5)
            world.succeed()
            world.live()
            #expect(world.said.sorted() == ["1/1: went: [bob]", "2/5 ack"])
        }
    }
}
