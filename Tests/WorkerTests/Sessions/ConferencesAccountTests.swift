import Identity
import Registry
import Sylkrtc
import Testing

@testable import Worker

/// What ends with an account that its connection removes (protocol page, R02 and D23).
@Suite struct ConferencesAccountTests {
    private let removal = WorkerRequest.releaseAccount(account("alice@example.com"))

    /// Alice (connection 1) watches Bob (2), and Bob her.
    private func run(_ test: (SlotWorld) throws -> Void) throws {
        try SlotWorld.run { world in
            try world.join("alice", 1)
            try world.join("bob", 2)
            try world.watch("bob", from: 1, as: 2)
            try world.watch("alice", from: 2, as: 2)
            _ = world.said
            _ = world.janus.requests()
            try test(world)
        }
    }

    @Test func `R02 B19 a removed account ends its publishers with their feeds, and those that watch them`() throws {
        try run { world in
            world.submit(removal, 1, 9)
            let said = world.said
            #expect(said.first == "1/9 ack")
            #expect(
                said.dropFirst().sorted() == [
                    "1/1: feed 2 ended", "1/1: terminated", "2/1: feed 2 ended", "2/1: went: [alice]",
                ])
            #expect(world.janusHandle(of: 1, 1) == nil && world.janusHandle(of: 1, 2) == nil)
            #expect(world.janusHandle(of: 2, 1) != nil && world.janusHandle(of: 2, 2) == nil)
            #expect(world.conferences.load == 1)
        }
    }

    @Test func `R02 B19 D24 a removed account is gone although Janus refuses everything`() throws {
        try run { world throws in
            world.janus.interfere = { _ in .refuse(490, "no") }
            world.submit(removal, 1, 9)
            #expect(world.said.filter { $0.hasPrefix("1/") && !$0.contains("feed") } == ["1/9 ack", "1/1: terminated"])
            let left = try world.sessions().filter { !$0.ended }.map(\.id)
            #expect(Set(left) == [session(2), session(2, request: 2)], "Bob still sees what Janus has not let go")
            #expect(world.conferences.load == 2)
        }
    }

    @Test func `R02 a join that is under way is refused when its account goes`() throws {
        try SlotWorld.run { world throws in
            world.janus.interfere = { $0.name == "attach" ? .hold : .proceed }
            world.submit(.join(joining("alice")), 1, 1)
            world.submit(removal, 1, 2)
            world.janus.interfere = { _ in .proceed }
            world.janus.releaseHeld()
            world.settle()
            #expect(world.said == ["1/2 ack", "1/1 error terminated"])
            #expect(world.janusHandle(of: 1, 1) == nil)
            #expect(world.conferences.isEmpty)
            #expect(try world.rooms() == [])
        }
    }

    @Test func `R02 B24 the room goes with the account of its last user`() throws {
        try SlotWorld.run { world in
            try world.join("alice", 1)
            world.submit(removal, 1, 2)
            #expect(world.said == ["1/2 ack", "1/1: terminated"])
            #expect(world.janus.rooms.isEmpty)
            #expect(world.conferences.isEmpty)
        }
    }
}
