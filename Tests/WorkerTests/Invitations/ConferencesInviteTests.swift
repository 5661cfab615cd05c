import Identity
import NIOCore
import Sylkrtc
import Testing

@testable import Worker

@Suite struct ConferencesInviteTests {
    private func invite(_ names: String...) -> WorkerRequest {
        .invite(session: sequence(1), participants: names.map { account("\($0)@example.com") })
    }

    private func line(_ name: String, _ connection: UInt64) -> String {
        "\(connection)/0: \(name)@example.com is invited by alice@example.com (Alice) to room@conference.example.com"
    }

    @Test func `R15 every connection of an invited account is told, wherever it is, and then the inviter`() throws {
        try SlotWorld.run { world in
            try world.join("alice", 1)
            try world.registry.claim([("bob", 5), ("carol", 6), ("dora", 7)])
            try world.registry.claim([("bob", 8)], by: frontdoorLoop(2))
            world.submit(invite("bob", "carol", "nobody"), 1, 2)
            #expect(world.said == [line("bob", 5), line("carol", 6), line("bob", 8)])
            world.outbox.acknowledge()
            #expect(world.said == ["1/2 ack"])
        }
    }

    @Test func `R15 D53 the inviter's own connection is left out, another one of the same account is not`() throws {
        try SlotWorld.run { world in
            try world.join("alice", 1)
            try world.registry.claim([("alice", 1), ("alice", 2), ("bob", 1)])
            world.submit(invite("alice", "bob"), 1, 2)
            #expect(world.said == [line("alice", 2)])
        }
    }

    @Test func `R15 whoever invites nobody, or nobody who is there, is answered at once`() throws {
        try SlotWorld.run { world in
            try world.join("alice", 1)
            world.submit(invite(), 1, 2)
            world.submit(invite("bob"), 1, 3)
            #expect(world.said == ["1/2 ack", "1/3 ack"])
        }
    }

    @Test func `R15 only who has joined, and stays, invites`() throws {
        try SlotWorld.run { world in
            world.submit(invite("bob"), 1, 2)
            #expect(world.said == ["1/2 unknown session"])
            try world.join("alice", 1)
            world.submit(.releaseAccount(account("alice@example.com")), 1, 3)
            _ = world.said
            world.submit(invite("bob"), 1, 4)
            #expect(world.said == ["1/4 unknown session"])
        }
    }

    @Test func `R15 an invite waits for its turn, and what comes behind it waits for the invite`() throws {
        try SlotWorld.run { world in
            try world.join("alice", 1)
            try world.registry.claim([("bob", 5)])
            world.submit(invite("bob"), 1, 2)
            world.submit(.terminate(session: sequence(1)), 1, 3)
            #expect(world.said == [line("bob", 5)])
            world.outbox.acknowledge()
            world.settle()
            #expect(world.said == ["1/2 ack", "1/3 ack", "1/1: terminated"])
        }
    }

    @Test func `R15 a front door without a link is waited for, five seconds at most`() throws {
        try SlotWorld.run { world in
            try world.join("alice", 1)
            let (second, third) = (frontdoorLoop(2), frontdoorLoop(3))
            try world.registry.claim([("bob", 5)], by: second)
            try world.registry.claim([("bob", 6)], by: third)
            world.outbox.absent = [second, third]
            world.submit(invite("bob"), 1, 2)
            #expect(world.said == [])
            world.outbox.absent = [third]
            world.conferences.resync(Listing(), of: second)
            #expect(world.said == [line("bob", 5)])
            world.outbox.acknowledge()
            world.advance(by: Absences.grace - .milliseconds(1))
            #expect(world.said == [])
            world.advance(by: .milliseconds(1))
            #expect(world.said == ["1/2 ack"])
            world.conferences.resync(Listing(), of: third)
            #expect(world.said == [])
        }
    }

    @Test func `R15 what a lost link may have swallowed is sent again with the next`() throws {
        try SlotWorld.run { world in
            try world.join("alice", 1)
            let second = frontdoorLoop(2)
            try world.registry.claim([("bob", 5)], by: second)
            world.submit(invite("bob"), 1, 2)
            world.conferences.suspend(second)
            world.conferences.resync(Listing(), of: second)
            #expect(world.said == [line("bob", 5), line("bob", 5)])
        }
    }

    @Test func `R15 the same request again joins the one under way`() throws {
        try SlotWorld.run { world in
            try world.join("alice", 1)
            try world.registry.claim([("bob", 5)])
            world.submit(invite("bob"), 1, 2)
            world.submit(invite("bob"), 1, 2)
            world.outbox.acknowledge()
            #expect(world.said == [line("bob", 5), "1/2 ack"])
        }
    }

    @Test func `R15 without the registry nobody can be invited`() throws {
        try SlotWorld.run { world in
            try world.join("alice", 1)
            try world.loseRegistry()
            world.submit(invite("bob"), 1, 2)
            #expect(world.said == ["1/2 error the registry is not available"])
        }
    }

    @Test func `R15 the worker's part is over when its connection to Janus is: the request comes again`() throws {
        try SlotWorld.run { world in
            try world.join("alice", 1)
            try world.registry.claim([("bob", 5)])
            world.submit(invite("bob"), 1, 2)
            _ = world.said
            world.conferences.close()
            world.outbox.acknowledge()
            world.advance(by: Absences.grace)
            #expect(world.said == [])
        }
    }
}
