import Identity
import Sylkrtc
import Testing

@testable import Worker

/// Who is told of whom (protocol page, section 4).
@Suite struct ConferencesAnnouncementTests {
    @Test func `E08 whoever is no member of the room is left out of the list`() throws {
        try SlotWorld.run { world in
            try world.join("bob", 2)
            let bob = PublisherID.of(session(2), in: deployment)
            world.janus.interfere = { request in
                guard request.name == "message joinandconfigure" else { return .proceed }
                let others = #"{"id":5,"display":"a stranger"},{"id":\#(bob),"display":"Bob"},{"display":"nobody"}"#
                world.janus.later {
                    world.janus.pluginEvent(
                        request.handle, #""videoroom":"joined","room":1,"id":1,"publishers":[\#(others)]"#,
                        transaction: request.transaction, jsep: "answer")
                }
                return .say(#"{"janus":"ack","transaction":"\#(request.transaction)"}"#)
            }
            world.submit(.join(joining("alice")), 1, 1)
            #expect(world.said.filter { $0.contains("there") } == ["1/1: there: [bob (bob@example.com, Bob)]"])
        }
    }

    @Test func `E08 E09 somebody without a display name has an empty one`() throws {
        try SlotWorld.run { world in
            try world.join("bob", 2)
            world.submit(.join(joining("alice", displayName: "")), 1, 1)
            world.janus.mediaUp(try #require(world.janusHandle(of: 1, 1)))
            world.settle()
            #expect(world.said.contains("2/1: came: [alice (alice@example.com, )]"))
            world.submit(.join(joining("carol")), 3, 1)
            let there = try #require(world.said.first { $0.contains("there") })
            #expect(there.contains("alice (alice@example.com, )"))
        }
    }

    @Test func `E09 whoever comes while another is joining is missed by nobody (D49)`() throws {
        try SlotWorld.run { world in
            try world.join("bob", 2)
            world.janus.interfere = { $0.name == "message joinandconfigure" ? .hold : .proceed }
            world.submit(.join(joining("alice")), 1, 1)
            world.submit(.join(joining("carol")), 3, 1)
            world.janus.interfere = { _ in .proceed }
            world.janus.releaseHeld()
            world.settle()
            for number in [UInt64(1), 3] { world.janus.mediaUp(try #require(world.janusHandle(of: number, 1))) }
            world.settle()
            let said = world.said
            func isTold(_ number: Int, _ name: String) -> Int {
                said.filter { line in
                    line.hasPrefix("\(number)/1: ") && line.contains("\(name) (") && !line.contains("went")
                }.count
            }
            for (number, others) in [(1, ["bob", "carol"]), (2, ["alice", "carol"]), (3, ["alice", "bob"])] {
                for other in others { #expect(isTold(number, other) == 1, "\(number) of \(other) in \(said)") }
            }
        }
    }

    @Test func `E10 whoever was not told of somebody is not told that they left`() throws {
        try SlotWorld.run { world in
            try world.join("bob", 2)
            world.submit(.join(joining("silent")), 1, 1)
            #expect(!world.said.contains { $0.contains("came") }, "no media, nobody to announce")
            world.submit(.terminate(session: sequence(1)), 1, 2)
            #expect(world.said.filter { $0.hasPrefix("2/") } == [])
        }
    }
}
