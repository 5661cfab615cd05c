import JSONText
import NIOCore
import Registry
import Sylkrtc
import Testing

@testable import Worker

/// R16 and R17, and the bitrates of section 6.4, end to end.
@Suite struct ConferencesUpdateTests {
    /// The bitrates Janus was asked for since the last call, by connection.
    private func bitrates(_ world: SlotWorld) -> [UInt64: [Int]] {
        var found: [UInt64: [Int]] = [:]
        for request in world.janus.log where request.name == "message configure" {
            guard let bitrate = request.body?["bitrate"]?.integer(Int.self) else { continue }
            for number in UInt64(1)...9 where world.janusHandle(of: number, 1) == request.handle {
                found[number, default: []].append(bitrate)
            }
        }
        _ = world.janus.requests()
        return found
    }

    private func update(_ bitrate: Int) -> WorkerRequest {
        .update(session: sequence(1), audio: nil, video: nil, bitrate: bitrate)
    }

    @Test func `R17 an update is a configure with the fields given`() throws {
        try SlotWorld.run { world in
            try world.join("alice", 1)
            let room = try #require(try world.rooms().first).janusRoom
            _ = world.janus.requests()
            world.submit(.update(session: sequence(1), audio: false, video: true, bitrate: nil), 1, 2)
            #expect(
                world.janus.log.last?.body?.raw.description
                    == #"{"request":"configure","room":\#(room),"audio":false,"video":true}"#)
            #expect(world.said == ["1/2 ack"])
        }
    }

    @Test func `R17 an update of nothing is acked without Janus`() throws {
        try SlotWorld.run { world in
            try world.join("alice", 1)
            _ = world.janus.requests()
            world.submit(.update(session: sequence(1), audio: nil, video: nil, bitrate: nil), 1, 2)
            #expect(world.said == ["1/2 ack"])
            #expect(world.janus.requests() == [])
        }
    }

    @Test func `R17 a refused update is answered with Janus's reason, and the session goes on`() throws {
        try SlotWorld.run { world in
            try world.join("alice", 1)
            world.janus.interfere = { $0.name == "message configure" ? .refuse(459, "No such handle") : .proceed }
            world.submit(.update(session: sequence(1), audio: true, video: nil, bitrate: nil), 1, 2)
            #expect(world.said == ["1/2 error No such handle"])
            world.janus.interfere = { _ in .proceed }
            world.submit(.update(session: sequence(1), audio: true, video: nil, bitrate: nil), 1, 3)
            #expect(world.said == ["1/3 ack"])
        }
    }

    @Test func `R17 an update that Janus takes and then refuses has no effect but a forgotten bitrate`() throws {
        try SlotWorld.run { world in
            try world.join("alice", 1)
            world.janus.interfere = { $0.name == "message configure" ? .refuseByPlugin(430, "no") : .proceed }
            world.submit(update(500_000), 1, 2)
            #expect(world.said == ["1/2 ack"])
            world.janus.interfere = { _ in .proceed }
            try world.join("bob", 2)
            #expect(bitrates(world)[1] == [500_000, 500_000], "sent again with the next computation (D21)")
        }
    }

    @Test func `R16 R17 a request about an unknown session says so; the front door has the words`() throws {
        try SlotWorld.run { world in
            world.submit(.update(session: sequence(9), audio: true, video: nil, bitrate: nil), 1, 2)
            world.submit(.trickle(session: sequence(9), candidates: []), 1, 3)
            world.submit(.terminate(session: sequence(9)), 1, 4)
            world.submit(.feedAnswer(feed: sequence(9), answer: sdp("x")), 1, 5)
            world.submit(.feedDetach(feed: sequence(9)), 1, 6)
            #expect(world.said == (2...6).map { "1/\($0) unknown session" })
        }
    }

    @Test func `R18 nobody can speak of another connection's session`() throws {
        try SlotWorld.run { world in
            try world.join("alice", 1)
            world.submit(.terminate(session: sequence(1)), 2, 2)
            #expect(world.said == ["2/2 unknown session"])
            #expect(world.conferences.load == 1)
        }
    }

    @Test func `an update that Janus is at is acked before its feed ends`() throws {
        try SlotWorld.run { world in
            try world.join("alice", 1)
            try world.join("bob", 2)
            try world.watch("bob", from: 1, as: 2)
            _ = world.said
            world.janus.interfere = { $0.name == "message configure" ? .hold : .proceed }
            world.submit(.update(session: sequence(2), audio: false, video: nil, bitrate: nil), 1, 5)
            world.submit(.terminate(session: sequence(1)), 2, 2)
            world.janus.releaseHeld()
            world.settle()
            let said = world.said.filter { $0.hasPrefix("1/5") || $0.contains("feed 2 ended") }
            #expect(said == ["1/5 ack", "1/1: feed 2 ended"])
        }
    }

    // MARK: Trickle

    @Test func `R16 candidates are passed on in their three shapes`() throws {
        try SlotWorld.run { world in
            try world.join("alice", 1)
            _ = world.janus.requests()
            world.submit(.trickle(session: sequence(1), candidates: []), 1, 2)
            world.submit(.trickle(session: sequence(1), candidates: [candidate("a")]), 1, 3)
            world.submit(.trickle(session: sequence(1), candidates: [candidate("a"), candidate("b")]), 1, 4)
            #expect(world.said == ["1/2 ack", "1/3 ack", "1/4 ack"])
            let roots = world.janus.log.map(\.root)
            #expect(roots[0]["candidate"]?["completed"]?.bool == true)
            #expect(roots[1]["candidate"]?["candidate"]?.string == "a")
            #expect(roots[2]["candidates"]?.elements?.count == 2)
        }
    }

    @Test func `R16 B06 consecutive candidates are pipelined, and an update waits for them`() throws {
        try SlotWorld.run { world in
            try world.join("alice", 1)
            _ = world.janus.requests()
            world.janus.interfere = { $0.type == "trickle" ? .hold : .proceed }
            world.submit(.trickle(session: sequence(1), candidates: [candidate("a")]), 1, 2)
            world.submit(.trickle(session: sequence(1), candidates: []), 1, 3)
            world.submit(.update(session: sequence(1), audio: true, video: nil, bitrate: nil), 1, 4)
            #expect(world.janus.requests() == ["trickle", "trickle"])
            world.janus.releaseHeld()
            world.settle()
            #expect(world.said == ["1/2 ack", "1/3 ack", "1/4 ack"])
            #expect(world.janus.requests() == ["message configure"])
        }
    }

    @Test func `R16 a refused candidate is answered with the reason`() throws {
        try SlotWorld.run { world in
            try world.join("alice", 1)
            world.janus.interfere = { $0.type == "trickle" ? .refuse(456, "Missing mandatory element") : .proceed }
            world.submit(.trickle(session: sequence(1), candidates: []), 1, 2)
            #expect(world.said == ["1/2 error Missing mandatory element"])
        }
    }

    // MARK: Bitrates (B22)

    @Test func `B22 two members cause no traffic, the third changes everybody, and departures change back`() throws {
        try SlotWorld.run { world in
            try world.join("alice", 1)
            try world.join("bob", 2)
            #expect(bitrates(world) == [:])
            try world.join("carol", 3)
            #expect(bitrates(world) == [1: [1_008_000], 2: [1_008_000], 3: [1_008_000]])
            try world.join("dave", 4)
            #expect(bitrates(world) == [1: [672_000], 2: [672_000], 3: [672_000], 4: [672_000]])
            world.submit(.terminate(session: sequence(1)), 4, 2)
            #expect(bitrates(world) == [1: [1_008_000], 2: [1_008_000], 3: [1_008_000]])
            world.submit(.terminate(session: sequence(1)), 3, 2)
            #expect(bitrates(world) == [1: [2_016_000], 2: [2_016_000]])
        }
    }

    @Test func `R17 B22 a client's own cap is kept, and never above its share (D46)`() throws {
        try SlotWorld.run { world in
            for (number, name) in ["alice", "bob", "carol"].enumerated() { try world.join(name, UInt64(number) + 1) }
            _ = bitrates(world)
            world.submit(update(500_000), 1, 2)
            #expect(bitrates(world) == [1: [500_000]])
            try world.join("dave", 4)
            #expect(bitrates(world) == [2: [672_000], 3: [672_000], 4: [672_000]])
            world.submit(update(900_000), 2, 2)
            #expect(bitrates(world) == [2: [672_000]])
            world.submit(.terminate(session: sequence(1)), 4, 2)
            #expect(bitrates(world) == [2: [900_000], 3: [1_008_000]])
        }
    }

    @Test func `R17 a cap asked for before the join is through holds afterwards`() throws {
        try SlotWorld.run { world in
            world.janus.interfere = { request in
                guard request.name == "message joinandconfigure" else { return .proceed }
                return .say(#"{"janus":"ack","transaction":"\#(request.transaction)"}"#)
            }
            world.submit(.join(joining("alice")), 1, 1)
            _ = world.janus.requests()
            world.submit(update(4_000_000), 1, 2)
            #expect(world.janus.log.last?.body?["bitrate"]?.integer() == 2_016_000)
        }
    }

    @Test func `B22 a bitrate that Janus refuses is sent again with the next computation (D21)`() throws {
        try SlotWorld.run { world in
            try world.join("alice", 1)
            try world.join("bob", 2)
            let refusing = world.janusHandle(of: 1, 1)
            world.janus.interfere = { request in
                request.name == "message configure" && request.handle == refusing
                    ? .refuseByPlugin(499, "no") : .proceed
            }
            try world.join("carol", 3)
            world.janus.interfere = { _ in .proceed }
            _ = bitrates(world)
            world.submit(update(1_008_000), 2, 2)
            #expect(bitrates(world) == [2: [1_008_000]])
            world.submit(.terminate(session: sequence(1)), 3, 2)
            #expect(bitrates(world)[1] == [2_016_000])
            #expect(world.said.allSatisfy { !$0.contains("error") })
        }
    }

    @Test func `messages leave one at a time: an update waits for the room's bitrate`() throws {
        try SlotWorld.run { world in
            try world.join("alice", 1)
            try world.join("bob", 2)
            world.janus.interfere = { $0.name == "message configure" ? .hold : .proceed }
            world.submit(.join(joining("carol")), 3, 1)
            _ = world.janus.requests()
            world.submit(.update(session: sequence(1), audio: true, video: nil, bitrate: nil), 1, 2)
            #expect(world.janus.requests() == [])
            world.janus.interfere = { _ in .proceed }
            world.janus.releaseHeld()
            world.settle()
            #expect(world.janus.requests() == ["message configure"])
            #expect(world.said.contains("1/2 ack"))
        }
    }

    @Test func `an update that waited when its session ended is answered all the same`() throws {
        try SlotWorld.run { world in
            let alice = try world.join("alice", 1)
            try world.join("bob", 2)
            world.janus.interfere = { $0.name == "message configure" ? .hold : .proceed }
            world.submit(.join(joining("carol")), 3, 1)
            world.submit(.update(session: sequence(1), audio: true, video: nil, bitrate: nil), 1, 2)
            world.submit(.trickle(session: sequence(1), candidates: []), 1, 3)
            _ = world.said
            world.janus.closePeer(alice)
            world.janus.releaseHeld()
            world.settle()
            let said = world.said.filter { $0.hasPrefix("1/") }
            #expect(
                said == [
                    "1/2 unknown session", "1/3 unknown session",
                    "1/1: terminated DTLS alert",
                ])
        }
    }
}
