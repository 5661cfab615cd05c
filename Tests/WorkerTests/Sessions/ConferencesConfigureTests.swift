import Identity
import NIOCore
import Registry
import Sylkrtc
import Testing

@testable import Worker

/// R11 and E13 with registry and Janus.
@Suite struct ConferencesConfigureTests {
    private func configure(_ active: String...) -> WorkerRequest {
        .configureRoom(session: sequence(1), activeParticipants: active)
    }

    private func three(_ world: SlotWorld) throws {
        for (number, name) in ["alice", "bob", "carol"].enumerated() { try world.join(name, UInt64(number) + 1) }
        _ = world.said
        _ = world.janus.requests()
    }

    @Test func `R11 E13 Everybody is told before the acknowledgement, and the registry knows`() throws {
        try SlotWorld.run { world in
            try three(world)
            world.submit(configure("carol", "bob"), 1, 2)
            let event = "configured 1 by alice: [carol, bob]"
            #expect(world.said == ["1/1: \(event)", "2/1: \(event)", "3/1: \(event)", "1/2 ack"])
            let row = try #require(try world.rooms().first)
            #expect(row.activeParticipants == [session(3), session(2)].map(\.description))
            #expect(row.originator == "alice" && row.version == 1)
            #expect(row.configuredBy == [session(1, request: 2)])
            #expect(world.janus.handles[try #require(world.janusHandle(of: 1, 1))]?.bitrate == 100_000)
            #expect(world.janus.handles[try #require(world.janusHandle(of: 2, 1))]?.bitrate == 1_008_000)
        }
    }

    @Test func `R11 Nobody is told anything before it is recorded`() throws {
        try SlotWorld.run { world in
            try three(world)
            world.conferences.submit(configure("bob"), from: connection(1), sequence: sequence(2))
            #expect(world.said == [])
            world.settle()
            #expect(world.said.count == 4)
        }
    }

    @Test func `R11 An empty list is told and recorded like any other`() throws {
        try SlotWorld.run { world in
            try three(world)
            world.submit(configure("bob"), 1, 2)
            _ = world.said
            world.submit(configure(), 2, 2)
            let event = "configured 2 by bob: []"
            #expect(world.said == ["1/1: \(event)", "2/1: \(event)", "3/1: \(event)", "2/2 ack"])
            #expect(try world.rooms().first?.activeParticipants == [])
            #expect(world.janus.handles[try #require(world.janusHandle(of: 1, 1))]?.bitrate == 1_008_000)
        }
    }

    @Test func `R11 Who is not a joined publisher of the room cannot be prominent`() throws {
        try SlotWorld.run { world in
            try world.join("alice", 1)
            try world.join("bob", 2)
            try world.join("zoe", 3, in: "other@conference.example.com")
            try world.watch("bob", from: 1, as: 2)
            world.submit(.join(joining("dora")), 4, 1)
            _ = world.said
            world.submit(configure("zoe", "feed-2"), 1, 3)
            #expect(world.said == ["1/3 error configure-room: unknown participant session id: zoe, feed-2"])
            world.submit(configure("bob", "nobody"), 1, 4)
            #expect(world.said == ["1/4 error configure-room: unknown participant session id: nobody"])
            world.submit(configure("dora"), 1, 5)
            #expect(world.said.last == "1/5 ack", "without media she is in the room, too")
            #expect(try world.rooms().compactMap(\.version) == [0, 1])
        }
    }

    @Test func `R11 D43 Who has not joined, or is leaving, or is a feed, has no say in the room`() throws {
        try SlotWorld.run { world in
            try world.join("alice", 1)
            try world.join("bob", 2)
            try world.watch("bob", from: 1, as: 2)
            world.janus.queues = { $0.name == "message joinandconfigure" }
            world.submit(.join(joining("dora")), 4, 1)
            world.submit(configure("alice"), 4, 2)
            #expect(world.said.suffix(1) == ["4/2 unknown session"])
            world.submit(.configureRoom(session: sequence(2), activeParticipants: []), 1, 6)
            #expect(world.said == ["1/6 unknown session"], "a feed")
            world.submit(.configureRoom(session: sequence(9), activeParticipants: []), 1, 7)
            #expect(world.said == ["1/7 unknown session"])
            world.janus.interfere = { $0.name == "message leave" ? .hold : .proceed }
            world.submit(.terminate(session: sequence(1)), 2, 2)
            world.submit(configure("alice"), 2, 3)
            #expect(world.said == ["2/3 unknown session"])
            world.submit(configure("bob"), 1, 8)
            #expect(world.said == ["1/8 error configure-room: unknown participant session id: bob"], "nor is he shown")
        }
    }

    @Test func `R11 Two at once are told to everybody in one order`() throws {
        try SlotWorld.run { world in
            try three(world)
            world.conferences.submit(configure("bob"), from: connection(1), sequence: sequence(2))
            world.conferences.submit(configure("carol"), from: connection(2), sequence: sequence(2))
            world.settle()
            let said = world.said
            for number in 1...3 {
                #expect(
                    said.filter { $0.hasPrefix("\(number)/1: ") } == [
                        "\(number)/1: configured 1 by alice: [bob]", "\(number)/1: configured 2 by bob: [carol]",
                    ])
            }
            #expect(said.filter { $0.hasSuffix("ack") } == ["1/2 ack", "2/2 ack"])
        }
    }

    @Test func `R11 What is asked behind it on the session waits for it`() throws {
        try SlotWorld.run { world in
            try three(world)
            world.conferences.submit(configure("bob"), from: connection(1), sequence: sequence(2))
            let trickle = WorkerRequest.trickle(session: sequence(1), candidates: [])
            world.conferences.submit(trickle, from: connection(1), sequence: sequence(3))
            world.settle()
            #expect(world.said.filter { $0.hasSuffix("ack") } == ["1/2 ack", "1/3 ack"])
        }
    }

    @Test func `R11 Without the registry it is refused, and nobody is told`() throws {
        try SlotWorld.run { world in
            try three(world)
            try world.loseRegistry()
            world.submit(configure("bob"), 1, 2)
            #expect(world.said == ["1/2 error the registry is not available"])
            #expect(world.janus.requests() == [])
        }
    }

    @Test func `R11 Who asked and was cut off is answered all the same`() throws {
        try SlotWorld.run { world in
            try three(world)
            let alice = try #require(world.janusHandle(of: 1, 1))
            world.conferences.submit(configure("bob"), from: connection(1), sequence: sequence(2))
            world.janus.closePeer(alice)
            world.settle()
            let said = world.said
            #expect(said.filter { $0.hasPrefix("1/2 ") }.count == 1)
            #expect(said.contains("1/1: terminated DTLS alert"))
        }
    }

    @Test func `E13 Who joins is told after the list of publishers, who joins an unconfigured room is not`() throws {
        try SlotWorld.run { world in
            try three(world)
            world.submit(configure("bob"), 1, 2)
            _ = world.said
            world.submit(.join(joining("dora")), 4, 1)
            let said = world.said.filter { $0.hasPrefix("4/") }
            #expect(said.last == "4/1: configured 1 by videoroom: [bob]")
            #expect(said.dropLast().last?.hasPrefix("4/1: there: ") == true)
            #expect(world.janus.handles[try #require(world.janusHandle(of: 4, 1))]?.bitrate == 100_000)
            world.submit(.join(joining("zoe", "other@conference.example.com")), 5, 1)
            #expect(world.said.last == "5/1: there: []")
        }
    }

    @Test func `E13 B23 An active participant's leaving is told by the gateway to those who remain`() throws {
        try SlotWorld.run { world in
            try three(world)
            world.submit(configure("bob"), 1, 2)
            _ = world.said
            world.submit(.terminate(session: sequence(1)), 2, 2)
            let said = world.said
            for number in [1, 3] {
                #expect(
                    said.filter { $0.hasPrefix("\(number)/") } == [
                        "\(number)/1: went: [bob]", "\(number)/1: configured 2 by videoroom: []",
                    ])
            }
            #expect(try world.rooms().first?.version == 2)
            #expect(try world.rooms().first?.originator == nil)
            #expect(world.janus.handles[try #require(world.janusHandle(of: 3, 1))]?.bitrate == 2_016_000)
        }
    }

    @Test func `E13 An inactive participant's leaving is told without it`() throws {
        try SlotWorld.run { world in
            try three(world)
            world.submit(configure("bob"), 1, 2)
            _ = world.said
            world.submit(.terminate(session: sequence(1)), 3, 2)
            #expect(!world.said.contains { $0.contains("configured") })
            #expect(try world.rooms().first?.version == 1)
        }
    }

    @Test func `A registry that has lost the room's row gets it back as it was`() throws {
        try SlotWorld.run { world in
            try three(world)
            world.submit(configure("bob"), 1, 2)
            let row = try #require(try world.rooms().first)
            let owner = world.owner
            _ = try world.registry.read { store throws(RegistryError) in
                try store.releaseRoom(row.uri, owner: owner, janusRoom: row.janusRoom)
            }.get()
            #expect(try world.rooms() == [])
            world.conferences.reassertRows()
            world.settle()
            #expect(try world.rooms() == [row])
        }
    }
}
