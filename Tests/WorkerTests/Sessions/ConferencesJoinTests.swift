import Foundation
import Identity
import JSONText
import NIOCore
import Registry
import Sylkrtc
import Testing

@testable import Worker

/// R10 end to end: from the request to Janus, the registry and back.
@Suite struct ConferencesJoinTests {
    private let uri = "room@conference.example.com"

    // MARK: The good case

    @Test func `R10 E07 E08 a join creates the room, attaches, joins, and is told in order`() throws {
        try SlotWorld.run { world in
            world.submit(.join(joining("alice")), 1, 1)
            #expect(world.janus.requests() == ["message create", "attach", "message joinandconfigure"])
            #expect(world.said == ["1/1 ack", "1/1: progress", "1/1: accepted answer", "1/1: there: []"])
            world.janus.mediaUp(try #require(world.janusHandle(of: 1, 1)))
            world.settle()
            #expect(world.said == ["1/1: established"])
            #expect(world.conferences.load == 1)
        }
    }

    @Test func `R10 B06 an event before its ack changes no order`() throws {
        try SlotWorld.run { world in
            world.janus.eventsOvertake = true
            world.submit(.join(joining("alice")), 1, 1)
            #expect(world.said == ["1/1 ack", "1/1: progress", "1/1: accepted answer", "1/1: there: []"])
        }
    }

    @Test func `R10 the bodies are those of the protocol`() throws {
        try SlotWorld.run { world in
            world.submit(.join(joining("alice")), 1, 1)
            let log = world.janus.log
            let create = try #require(log.first { $0.name == "message create" })
            let row = try #require(try world.rooms().first)
            #expect(
                create.body?.raw.description
                    == #"{"request":"create","room":\#(row.janusRoom),"description":"c1:main:host1/1","publishers":10,"bitrate":2016000,"videocodec":"vp9","record":false}"#
            )
            let attach = try #require(log.first { $0.name == "attach" })
            #expect(attach.root["plugin"]?.string == "janus.plugin.videoroom")
            #expect(attach.root["opaque_id"]?.string == "c1:main:host1/1:\(session(1))")
            let join = try #require(log.first { $0.name == "message joinandconfigure" })
            let id = PublisherID.of(session(1), in: deployment)
            #expect(
                join.body?.raw.description
                    == #"{"request":"joinandconfigure","room":\#(row.janusRoom),"ptype":"publisher","id":\#(id),"audio":true,"video":true,"display":"Alice"}"#
            )
            #expect(join.root["jsep"]?.raw.description == #"{"type":"offer","sdp":"offer of alice"}"#)
        }
    }

    @Test func `R10 a display name that is empty is left out`() throws {
        try SlotWorld.run { world in
            world.submit(.join(joining("alice", displayName: "")), 1, 1)
            let join = try #require(world.janus.log.first { $0.name == "message joinandconfigure" })
            #expect(join.body?["display"] == nil)
        }
    }

    @Test func `R10 E08 E09 a second join uses the same room; each hears of the other once its media is up`() throws {
        try SlotWorld.run { world in
            try world.join("alice", 1)
            _ = world.janus.requests()
            world.submit(.join(joining("bob")), 2, 1)
            #expect(world.janus.requests() == ["attach", "message joinandconfigure"])
            #expect(
                world.said == [
                    "2/1 ack", "2/1: progress", "2/1: accepted answer",
                    "2/1: there: [alice (alice@example.com, Alice)]",
                ])
            world.janus.mediaUp(try #require(world.janusHandle(of: 2, 1)))
            world.settle()
            #expect(world.said.sorted() == ["1/1: came: [bob (bob@example.com, Bob)]", "2/1: established"])
            #expect(world.janus.rooms.count == 1)
        }
    }

    @Test func `rooms differ from each other`() throws {
        try SlotWorld.run { world in
            try world.join("alice", 1, in: "one@x.com")
            try world.join("bob", 2, in: "two@x.com")
            #expect(world.janus.rooms.count == 2)
            #expect(Set(try world.rooms().map(\.uri)) == [room("one@x.com"), room("two@x.com")])
        }
    }

    @Test func `R10 B12 joins that arrive while the room is made wait for it`() throws {
        try SlotWorld.run { world in
            world.janus.interfere = { $0.name == "message create" ? .hold : .proceed }
            world.submit(.join(joining("alice")), 1, 1)
            world.submit(.join(joining("bob")), 2, 1)
            #expect(world.janus.requests() == ["message create"])
            #expect(world.said == [])
            world.janus.releaseHeld()
            world.settle()
            #expect(world.said.filter { $0.hasSuffix("ack") } == ["1/1 ack", "2/1 ack"])
        }
    }

    @Test func `R10 the same request repeated joins the step under way`() throws {
        try SlotWorld.run { world in
            world.janus.interfere = { $0.name == "message joinandconfigure" ? .hold : .proceed }
            world.submit(.join(joining("alice")), 1, 1)
            world.submit(.join(joining("alice")), 1, 1)
            world.janus.releaseHeld()
            world.settle()
            #expect(world.said.filter { $0 == "1/1 ack" }.count == 1)
            #expect(world.janus.count("attach") == 1)
        }
    }

    // MARK: What is recorded

    @Test func `room and session are recorded before anything is done in Janus`() throws {
        try SlotWorld.run { world in
            var rooms = -1
            var sessions = -1
            world.janus.interfere = { request in
                if request.name == "message create" { rooms = (try? world.rooms().count) ?? -1 }
                if request.name == "attach" { sessions = (try? world.sessions().count) ?? -1 }
                return .proceed
            }
            world.submit(.join(joining("alice")), 1, 1)
            #expect(rooms == 1)
            #expect(sessions == 1)
            let row = try #require(try world.sessions().first)
            #expect(row.id == session(1))
            #expect(row.clientSession == client("alice"))
            #expect(row.account == account("alice@example.com"))
            #expect(row.role == .publisher)
            #expect(row.room == room(uri))
            #expect(row.handle == nil)
            #expect(try world.rooms().first?.state == .created)
            world.advance(by: .milliseconds(20))
            #expect(try world.sessions().first?.handle?.rawValue == world.janusHandle(of: 1, 1), "in a batch, later")
        }
    }

    @Test func `B20 the room's row holds what it was made with`() throws {
        try SlotWorld.run(configuration: "[\(uri)]\nmax_publishers = 3\n") { world in
            world.submit(.join(joining("alice")), 1, 1)
            let snapshot = try json(try #require(try world.rooms().first).configuration)
            #expect(snapshot["max_publishers"]?.integer() == 3)
        }
    }

    // MARK: Refusals

    @Test func `R10 a room that does not admit the account says so, as it was sent, and nothing is made`() throws {
        try SlotWorld.run(configuration: "[\(uri)]\ndeny = example.com\n") { world throws in
            let join = WorkerRequest.Join(
                session: client("a"), account: address("sip:alice@Example.com"), displayName: nil, isVerified: true,
                room: address("sip:room@Conference.example.com"), offer: sdp("x"))
            world.submit(.join(join), 1, 1)
            #expect(
                world.said == [
                    "1/1 error sip:alice@Example.com is not allowed to join room sip:room@Conference.example.com"
                ])
            #expect(world.janus.requests() == [])
            #expect(try world.rooms() == [])
            #expect(try world.sessions() == [])
            #expect(world.conferences.isEmpty)
        }
    }

    @Test func `B35 a restrictive room admits verified accounts only (D22)`() throws {
        try SlotWorld.run(configuration: "[\(uri)]\nallow = example.com\n") { world in
            world.submit(.join(joining("alice", verified: false)), 1, 1)
            #expect(world.said == ["1/1 error alice@example.com is not allowed to join room \(uri)"])
            world.submit(.join(joining("alice", verified: true)), 1, 2)
            #expect(world.said.first == "1/2 ack")
            world.submit(.join(joining("bob", "open@x.com", verified: false)), 2, 1)
            #expect(world.said.first == "2/1 ack")
        }
    }

    @Test func `B20 a room whose section became unusable is closed (D41)`() throws {
        try SlotWorld.run { world in
            _ = try world.directory.file("rooms.ini", "[\(uri)]\nallow = what?\n")
            world.submit(.join(joining("alice")), 1, 1)
            #expect(world.said == ["1/1 error alice@example.com is not allowed to join room \(uri)"])
        }
    }

    @Test func `B20 a room that exists keeps the rules it was created with`() throws {
        try SlotWorld.run { world in
            try world.join("alice", 1)
            _ = try world.directory.file("rooms.ini", "[\(uri)]\nallow = none\nmax_publishers = 1\n")
            try world.join("bob", 2)
            for number in UInt64(1)...2 { world.submit(.terminate(session: sequence(1)), number, 2) }
            _ = world.said
            world.submit(.join(joining("carol")), 3, 1)
            #expect(world.said == ["3/1 error carol@example.com is not allowed to join room \(uri)"])
        }
    }

    @Test func `R10 B24 B28 a session id in use in the room is refused and destroys nothing (D42)`() throws {
        try SlotWorld.run { world in
            try world.join("alice", 1)
            _ = world.janus.requests()
            world.submit(.join(joining("alice")), 2, 1)
            #expect(world.said == ["2/1 error Session ID alice already in use"])
            #expect(world.janus.requests() == [])
            #expect(world.janus.rooms.count == 1)
            #expect(world.conferences.load == 1)
            world.submit(.join(joining("alice", "other@x.com")), 2, 2)
            #expect(world.said.first == "2/2 ack", "in another room it is free")
        }
    }

    @Test func `R10 a full room refuses before any Janus request`() throws {
        try SlotWorld.run(configuration: "[\(uri)]\nmax_publishers = 1\n") { world in
            try world.join("alice", 1)
            _ = world.janus.requests()
            world.submit(.join(joining("bob")), 2, 1)
            #expect(world.said == ["2/1 error room \(uri) is full"])
            #expect(world.janus.requests() == [])
            world.submit(.terminate(session: sequence(1)), 1, 2)
            world.submit(.join(joining("bob")), 2, 2)
            #expect(world.said.contains("2/2 ack"))
        }
    }

    @Test func `a room that another worker owns is asked for there`() throws {
        try SlotWorld.run { world in
            let owner = try takeSlot(sample(SlotID("host1/2")), world.registry)
            let claim = RoomRow(
                uri: room(uri), owner: owner, janusRoom: JanusRoomID(rawValue: 5), configuration: "{}")
            try world.registry.read { store throws(RegistryError) in _ = try store.claimRoom(claim) }.get()
            world.submit(.join(joining("alice")), 1, 1)
            #expect(world.said == ["1/1 not owner but host1/2"])
            #expect(world.janus.requests() == [])
            #expect(world.conferences.isEmpty)
            #expect(try world.sessions() == [])
        }
    }

    // MARK: Failures at each step

    @Test func `a registry that cannot be asked fails the join before anything is made`() throws {
        try SlotWorld.run { world in
            try world.loseRegistry()
            world.submit(.join(joining("alice")), 1, 1)
            #expect(world.said == ["1/1 error the registry is not available"])
            #expect(world.janus.requests() == [])
            #expect(world.conferences.isEmpty)
        }
    }

    @Test func `R10 a room that Janus does not create fails all who wait, and its row goes`() throws {
        try SlotWorld.run { world throws in
            world.janus.interfere = { $0.name == "message create" ? .hold : .proceed }
            world.submit(.join(joining("alice")), 1, 1)
            world.submit(.join(joining("bob")), 2, 1)
            world.janus.interfere = { _ in .proceed }
            world.loop.advance(by: .seconds(10))
            world.gateway.timerFired(at: world.loop.now)
            world.settle()
            #expect(world.said == ["1/1 error request timed out", "2/1 error request timed out"])
            #expect(try world.rooms() == [])
            #expect(world.conferences.isEmpty)
        }
    }

    @Test func `R10 B12 Janus's reason for not creating the room is the answer, unchanged (D15)`() throws {
        try SlotWorld.run { world throws in
            world.janus.interfere = {
                $0.name == "message create" ? .refuseByPlugin(429, "Missing element (x)") : .proceed
            }
            world.submit(.join(joining("alice")), 1, 1)
            #expect(world.said == ["1/1 error Missing element (x)"])
            #expect(try world.rooms() == [])
            #expect(try world.sessions() == [])
        }
    }

    @Test func `B12 an id that somebody else's room has is drawn again (427)`() throws {
        try SlotWorld.run { world in
            var refused: [Int] = []
            world.janus.interfere = { request in
                guard request.name == "message create", refused.count < 3 else { return .proceed }
                refused.append(request.body?["room"]?.integer() ?? 0)
                return .refuseByPlugin(427, "Room already exists")
            }
            world.submit(.join(joining("alice")), 1, 1)
            #expect(world.said.first == "1/1 ack")
            #expect(Set(refused).count == 3)
            let row = try #require(try world.rooms().first)
            #expect(world.janus.rooms.keys.map(\.self) == [row.janusRoom.rawValue])
        }
    }

    @Test func `B12 a Janus in which every id is taken fails the join`() throws {
        try SlotWorld.run { world throws in
            world.janus.interfere = {
                $0.name == "message create" ? .refuseByPlugin(427, "Room already exists") : .proceed
            }
            world.submit(.join(joining("alice")), 1, 1)
            #expect(world.said == ["1/1 error Room already exists"])
            #expect(world.janus.count("message create") == 5)
            #expect(try world.rooms() == [])
        }
    }

    @Test func `R10 B24 a refused attach fails the join, and the room goes with its last user`() throws {
        try SlotWorld.run { world throws in
            world.janus.interfere = { $0.name == "attach" ? .refuse(460, "No such plugin") : .proceed }
            world.submit(.join(joining("alice")), 1, 1)
            #expect(world.said == ["1/1 error No such plugin"])
            #expect(world.janus.requests() == ["message create", "attach", "message destroy"])
            #expect(try world.rooms() == [])
            world.outbox.acknowledge()
            world.settle()
            #expect(try world.sessions() == [])
        }
    }

    @Test func `R10 an attach that succeeds too late is detached`() throws {
        try SlotWorld.run { world in
            world.janus.interfere = { $0.name == "attach" ? .hold : .proceed }
            world.submit(.join(joining("alice")), 1, 1)
            world.loop.advance(by: .seconds(10))
            world.gateway.timerFired(at: world.loop.now)
            world.settle()
            #expect(world.said == ["1/1 error request timed out"])
            world.janus.releaseHeld()
            world.settle()
            #expect(world.janusHandle(of: 1, 1) == nil)
            #expect(world.janus.requests().last == "detach")
        }
    }

    @Test func `R10 a room that is created too late is destroyed`() throws {
        try SlotWorld.run { world in
            world.janus.interfere = { ["message create", "message destroy"].contains($0.name) ? .hold : .proceed }
            world.submit(.join(joining("alice")), 1, 1)
            world.loop.advance(by: .seconds(10))
            world.gateway.timerFired(at: world.loop.now)
            world.settle()
            #expect(world.said == ["1/1 error request timed out"])
            world.janus.releaseHeld()
            world.settle()
            #expect(world.janus.requests() == ["message create", "message destroy"])
            #expect(world.janus.rooms.isEmpty)
        }
    }

    @Test func `R10 a join refused at once is undone before it is answered (D36)`() throws {
        try SlotWorld.run { world throws in
            world.janus.interfere = { $0.name == "message joinandconfigure" ? .refuse(465, "Invalid SDP") : .proceed }
            world.submit(.join(joining("alice")), 1, 1)
            #expect(world.said == ["1/1 error Invalid SDP"])
            #expect(
                world.janus.requests() == [
                    "message create", "attach", "message joinandconfigure", "detach", "message destroy",
                ])
            #expect(world.janusHandle(of: 1, 1) == nil)
            #expect(try world.rooms() == [])
        }
    }

    @Test func `B13 a join refused by an event is told as terminated (D16)`() throws {
        try SlotWorld.run { world in
            world.janus.interfere = {
                $0.name == "message joinandconfigure" ? .refuseByPlugin(432, "Maximum number") : .proceed
            }
            world.submit(.join(joining("alice")), 1, 1)
            #expect(world.said == ["1/1 ack", "1/1: progress", "1/1: terminated 500 Maximum number"])
            #expect(world.janusHandle(of: 1, 1) == nil)
            #expect(world.janus.rooms.isEmpty)
        }
    }

    @Test func `B18 a joined without an answer fails the session (D31)`() throws {
        try SlotWorld.run { world in
            world.janus.interfere = { request in
                guard request.name == "message joinandconfigure" else { return .proceed }
                world.janus.pluginEvent(
                    request.handle, #""videoroom":"joined","id":1,"publishers":[]"#, transaction: request.transaction)
                return .say(#"{"janus":"ack","transaction":"\#(request.transaction)"}"#)
            }
            world.submit(.join(joining("alice")), 1, 1)
            #expect(world.said == ["1/1 error the media server sent no answer"])
            #expect(world.janusHandle(of: 1, 1) == nil)
        }
    }

    @Test func `B18 a joined without an id fails the session (D31)`() throws {
        try SlotWorld.run { world in
            world.janus.interfere = { request in
                guard request.name == "message joinandconfigure" else { return .proceed }
                world.janus.later {
                    world.janus.pluginEvent(
                        request.handle, #""videoroom":"joined""#, transaction: request.transaction, jsep: "answer")
                }
                return .say(#"{"janus":"ack","transaction":"\#(request.transaction)"}"#)
            }
            world.submit(.join(joining("alice")), 1, 1)
            let said = world.said
            #expect(said.prefix(2) == ["1/1 ack", "1/1: progress"])
            #expect(said.last?.hasPrefix("1/1: terminated 500 ") == true)
            #expect(world.janusHandle(of: 1, 1) == nil)
        }
    }

    @Test func `B10 a join that Janus does not take fails after ten seconds and is undone`() throws {
        try SlotWorld.run { world in
            world.janus.interfere = { $0.name == "message joinandconfigure" ? .drop : .proceed }
            world.submit(.join(joining("alice")), 1, 1)
            world.submit(.trickle(session: sequence(1), candidates: []), 1, 2)
            #expect(world.said == [])
            world.loop.advance(by: .seconds(10))
            world.gateway.timerFired(at: world.loop.now)
            world.settle()
            #expect(
                world.said == ["1/1 error request timed out", "1/2 unknown session"],
                "and what waited behind it is free")
            #expect(world.janusHandle(of: 1, 1) == nil)
            #expect(world.janus.rooms.isEmpty)
        }
    }

    @Test func `R10 a joined that never comes ends the session after thirty seconds`() throws {
        try SlotWorld.run { world in
            world.janus.interfere = { request in
                request.name == "message joinandconfigure"
                    ? .say(#"{"janus":"ack","transaction":"\#(request.transaction)"}"#) : .proceed
            }
            world.submit(.join(joining("alice")), 1, 1)
            world.advance(by: .seconds(29))
            #expect(world.said == ["1/1 ack", "1/1: progress"])
            world.advance(by: .seconds(1))
            #expect(world.said == ["1/1: terminated 408 Request Timeout"])
            #expect(world.conferences.isEmpty)
        }
    }

    @Test func `B25 a recorded room whose directory cannot be made is an error (D37)`() throws {
        try SlotWorld.run(configuration: "[\(uri)]\nrecord = yes\n") { world in
            _ = try world.directory.file("recordings", "a file in its place")
            world.submit(.join(joining("alice")), 1, 1)
            #expect(world.said == ["1/1 error the room cannot be recorded"])
            #expect(world.janus.requests() == [])
            #expect(try world.rooms() == [])
        }
    }

    @Test func `B25 a recorded room says where, and only after the access check`() throws {
        try SlotWorld.run(configuration: "[\(uri)]\nrecord = yes\ndeny = bob@example.com\n") { world in
            let directory = "\(world.directory.path)/recordings/\(uri)"
            world.submit(.join(joining("bob")), 2, 1)
            #expect(!FileManager.default.fileExists(atPath: directory))
            world.submit(.join(joining("alice")), 1, 1)
            let create = try #require(world.janus.log.first { $0.name == "message create" })
            #expect(create.body?["rec_dir"]?.string == directory)
            #expect(FileManager.default.fileExists(atPath: directory))
        }
    }

    // MARK: What waits behind a join

    @Test func `B06 requests about the session wait until it is answered, in their order`() throws {
        try SlotWorld.run { world in
            world.janus.interfere = { $0.name == "attach" ? .hold : .proceed }
            world.submit(.join(joining("alice")), 1, 1)
            world.submit(.trickle(session: sequence(1), candidates: [candidate("one")]), 1, 2)
            world.submit(.trickle(session: sequence(1), candidates: []), 1, 3)
            world.submit(.terminate(session: sequence(1)), 1, 4)
            #expect(world.said == [])
            world.janus.releaseHeld()
            world.settle()
            #expect(world.said.filter { !$0.contains(":") } == ["1/1 ack", "1/2 ack", "1/3 ack", "1/4 ack"])
            #expect(world.conferences.isEmpty)
        }
    }

    @Test func `what waits behind a refused join finds nobody`() throws {
        try SlotWorld.run(configuration: "[\(uri)]\nmax_publishers = 1\n") { world in
            world.janus.interfere = { $0.name == "message create" ? .hold : .proceed }
            world.submit(.join(joining("alice")), 1, 1)
            world.submit(.trickle(session: sequence(1), candidates: []), 1, 2)
            world.submit(.update(session: sequence(1), audio: true, video: nil, bitrate: nil), 1, 3)
            world.submit(.terminate(session: sequence(1)), 1, 4)
            world.janus.interfere = { _ in .refuseByPlugin(499, "no") }
            world.loop.advance(by: .seconds(10))
            world.gateway.timerFired(at: world.loop.now)
            world.settle()
            #expect(
                world.said == [
                    "1/1 error request timed out", "1/2 unknown session",
                    "1/3 unknown session", "1/4 ack",
                ])
        }
    }
}
