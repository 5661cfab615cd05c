import Identity
import Sylkrtc
import Testing

@testable import Worker

/// In which order things are told, and what comes too early or too late (protocol page, sections 1.7 and 5.5).
@Suite struct ConferencesOrderTests {
    private let update = WorkerRequest.update(session: sequence(1), audio: true, video: nil, bitrate: nil)

    @Test func `B06 a session that waits for Janus holds up no other, on its connection or elsewhere`() throws {
        try SlotWorld.run { world in
            try world.join("alice", 1)
            try world.join("bob", 2)
            world.janus.interfere = { $0.name == "attach" ? .hold : .proceed }
            world.submit(.join(joining("anna", "other@x.com")), 1, 2)
            world.submit(.trickle(session: sequence(2), candidates: []), 1, 3)
            world.submit(update, 1, 4)
            world.submit(update, 2, 2)
            #expect(world.said == ["1/4 ack", "2/2 ack"])
            world.janus.releaseHeld()
            world.settle()
            #expect(world.said.filter { $0.hasSuffix("ack") } == ["1/2 ack", "1/3 ack"])
        }
    }

    @Test func `R16 candidates need not wait for joined`() throws {
        try SlotWorld.run { world in
            world.janus.interfere = { request in
                request.name == "message joinandconfigure"
                    ? .say(#"{"janus":"ack","transaction":"\#(request.transaction)"}"#) : .proceed
            }
            world.submit(.join(joining("alice")), 1, 1)
            #expect(world.said == ["1/1 ack", "1/1: progress"])
            world.submit(.trickle(session: sequence(1), candidates: [candidate("one")]), 1, 2)
            world.submit(.trickle(session: sequence(1), candidates: []), 1, 3)
            #expect(world.said == ["1/2 ack", "1/3 ack"])
        }
    }

    @Test func `B18 what Janus says of a publisher after its end changes nothing`() throws {
        try SlotWorld.run { world in
            let alice = try world.join("alice", 1)
            world.submit(.terminate(session: sequence(1)), 1, 2)
            _ = world.said
            world.janus.event("webrtcup", alice)
            world.janus.event("hangup", alice, #","reason":"ICE failed""#)
            world.janus.event("detached", alice)
            world.janus.pluginEvent(alice, #""videoroom":"joined","id":1,"publishers":[]"#, jsep: "answer")
            world.janus.pluginEvent(alice, #""videoroom":"event","room":1,"leaving":"ok""#)
            world.janus.pluginEvent(alice, #""videoroom":"destroyed","room":1"#)
            world.settle()
            #expect(world.said == [])
            #expect(world.conferences.isEmpty)
        }
    }

    @Test func `B18 what Janus says of a feed after its end changes nothing`() throws {
        try SlotWorld.run { world in
            try world.join("alice", 1)
            try world.join("bob", 2)
            let feed = try world.watch("bob", from: 1, as: 2)
            world.submit(.feedDetach(feed: sequence(2)), 1, 3)
            _ = world.said
            world.janus.pluginEvent(feed, #""videoroom":"attached","id":1"#, jsep: "offer")
            world.janus.event("webrtcup", feed)
            world.janus.event("hangup", feed)
            world.settle()
            #expect(world.said == [])
            #expect(world.conferences.load == 2)
        }
    }

    @Test func `B18 media of a feed that comes up before its answer was accepted is told behind that`() throws {
        try SlotWorld.run { world in
            try world.join("alice", 1)
            try world.join("bob", 2)
            world.submit(.feedAttach(base: sequence(1), feed: client("feed"), publisher: "bob"), 1, 2)
            _ = world.said
            world.janus.interfere = { $0.name == "message start" ? .hold : .proceed }
            world.submit(.feedAnswer(feed: sequence(2), answer: sdp("feed answer")), 1, 3)
            world.janus.mediaUp(try #require(world.janusHandle(of: 1, 2)))
            world.settle()
            #expect(world.said == [])
            world.janus.releaseHeld()
            world.settle()
            #expect(world.said == ["1/3 ack", "1/1: feed 2 established"])
        }
    }

    @Test func `B11 a registry that is lost in the middle of a join fails it, and what was made is undone`() throws {
        try SlotWorld.run { world in
            world.janus.interfere = { request in
                if request.name == "message create" { try? world.loseRegistry() }
                return .proceed
            }
            world.submit(.join(joining("alice")), 1, 1)
            #expect(world.said == ["1/1 error the registry is not available"])
            #expect(world.janus.rooms.isEmpty)
            #expect(world.janus.handles.count == 1, "the rooms' own")
            #expect(world.conferences.isEmpty)
        }
    }
}
