import Identity
import NIOCore
import Registry
import Sylkrtc
import Testing

@testable import Worker

/// All the ways a session, a room or everything can end.
@Suite struct ConferencesEndTests {
    private let terminate = WorkerRequest.terminate(session: sequence(1))

    // MARK: Terminate (R18)

    @Test func `R18 B24 a terminate leaves, is confirmed, detaches, and the room goes with its last user`() throws {
        try SlotWorld.run { world in
            try world.join("alice", 1)
            _ = world.janus.requests()
            world.submit(terminate, 1, 2)
            #expect(world.janus.requests() == ["message leave", "detach", "message destroy"])
            #expect(world.said == ["1/2 ack", "1/1: terminated"])
            #expect(world.conferences.isEmpty)
            #expect(try world.rooms() == [])
        }
    }

    @Test func `R18 the row is marked before the ack, and deleted only when what was said is acknowledged`() throws {
        try SlotWorld.run { world in
            try world.join("alice", 1)
            world.submit(terminate, 1, 2)
            #expect(world.said == ["1/2 ack", "1/1: terminated"])
            #expect(try world.sessions().map(\.ended) == [true])
            world.outbox.acknowledge()
            world.settle()
            #expect(try world.sessions() == [])
        }
    }

    @Test func `R18 a leave that is not confirmed is waited for two seconds`() throws {
        try SlotWorld.run { world in
            try world.join("alice", 1)
            world.janus.interfere = { request in
                request.name == "message leave"
                    ? .say(#"{"janus":"ack","transaction":"\#(request.transaction)"}"#) : .proceed
            }
            world.submit(terminate, 1, 2)
            world.advance(by: .milliseconds(1999))
            #expect(world.said == [])
            world.advance(by: .milliseconds(1))
            #expect(world.said == ["1/2 ack", "1/1: terminated"])
        }
    }

    @Test func `R18 a leave that is never answered changes nothing more when its deadline passes`() throws {
        try SlotWorld.run { world in
            try world.join("alice", 1)
            world.janus.interfere = { ["message leave", "detach"].contains($0.name) ? .drop : .proceed }
            world.submit(terminate, 1, 2)
            world.advance(by: .seconds(2))
            #expect(world.said == [])
            world.loop.advance(by: .seconds(8))
            world.gateway.timerFired(at: world.loop.now)
            world.settle()
            #expect(world.said == [], "the leave has failed, and the detach that waited for it runs")
            world.loop.advance(by: .seconds(10))
            world.gateway.timerFired(at: world.loop.now)
            world.settle()
            #expect(world.said == ["1/2 ack", "1/1: terminated"])
        }
    }

    @Test func `R18 a second terminate is acked with the first, without an event of its own (D51)`() throws {
        try SlotWorld.run { world in
            try world.join("alice", 1)
            world.janus.interfere = { $0.name == "message leave" ? .hold : .proceed }
            world.submit(terminate, 1, 2)
            world.submit(terminate, 1, 3)
            world.submit(.update(session: sequence(1), audio: true, video: nil, bitrate: nil), 1, 4)
            #expect(world.said == ["1/4 unknown session"])
            world.janus.releaseHeld()
            world.settle()
            #expect(world.said == ["1/2 ack", "1/3 ack", "1/1: terminated"])
            world.submit(terminate, 1, 5)
            #expect(world.said == ["1/5 unknown session"])
        }
    }

    @Test(arguments: [458, 459])
    func `R18 a leave for which there is nothing to leave is a success`(code: Int) throws {
        try SlotWorld.run { world in
            try world.join("alice", 1)
            world.janus.interfere = {
                ["message leave", "detach"].contains($0.name) ? .refuse(code, "No such") : .proceed
            }
            world.submit(terminate, 1, 2)
            #expect(world.said == ["1/2 ack", "1/1: terminated"])
        }
    }

    @Test func `R18 a leave that the plugin answers with 424 is a success`() throws {
        try SlotWorld.run { world in
            try world.join("alice", 1)
            world.janus.interfere = { $0.name == "message leave" ? .refuseByPlugin(424, "Not joined") : .proceed }
            world.submit(terminate, 1, 2)
            #expect(world.said == ["1/2 ack", "1/1: terminated"])
        }
    }

    @Test func `R18 any other refusal of the leave is the answer, and nothing else happens`() throws {
        try SlotWorld.run { world in
            try world.join("alice", 1)
            for refusal in [FakeJanus.Verdict.refuse(499, "core"), .refuseByPlugin(499, "plugin")] {
                world.janus.interfere = { $0.name == "message leave" ? refusal : .proceed }
                world.submit(terminate, 1, 2)
                #expect(["1/2 error core", "1/2 error plugin"].contains(world.said.joined()))
            }
            world.advance(by: .seconds(10))
            #expect(world.said == [])
            #expect(world.conferences.load == 1)
            world.janus.interfere = { _ in .proceed }
            world.submit(.update(session: sequence(1), audio: true, video: nil, bitrate: nil), 1, 3)
            world.submit(terminate, 1, 4)
            #expect(world.said == ["1/3 ack", "1/4 ack", "1/1: terminated"])
        }
    }

    @Test func `R18 a detach that fails stops nothing (D52)`() throws {
        try SlotWorld.run { world in
            try world.join("alice", 1)
            world.janus.interfere = { $0.name == "detach" ? .refuse(490, "internal") : .proceed }
            world.submit(terminate, 1, 2)
            #expect(world.said == ["1/2 ack", "1/1: terminated"])
            #expect(try world.rooms() == [])
        }
    }

    @Test func `R18 B28 until it is marked as ended the id stays in use and the participant counts`() throws {
        try SlotWorld.run(configuration: "[room@conference.example.com]\nmax_publishers = 1\n") { world in
            try world.join("alice", 1)
            world.janus.interfere = { $0.name == "detach" ? .hold : .proceed }
            world.submit(terminate, 1, 2)
            world.submit(.join(joining("alice")), 2, 1)
            world.submit(.join(joining("bob")), 3, 1)
            #expect(
                world.said == [
                    "2/1 error Session ID alice already in use", "3/1 error room room@conference.example.com is full",
                ])
            world.janus.releaseHeld()
            world.settle()
            _ = world.said
            world.submit(.join(joining("alice")), 2, 2)
            #expect(world.said.first == "2/2 ack")
        }
    }

    @Test func `a session that was marked although the registry is lost still ends`() throws {
        try SlotWorld.run { world in
            try world.join("alice", 1)
            try world.loseRegistry()
            world.submit(terminate, 1, 2)
            #expect(world.said == ["1/2 ack", "1/1: terminated"])
            #expect(world.conferences.isEmpty)
        }
    }

    // MARK: Ends on Janus's side (D50, D19, B27)

    @Test func `B14 B24 B27 a hangup, a kick, a destroyed room and a removed handle are told once, with their reason`()
        throws
    {
        let ends: [(reason: String, (FakeJanus, UInt64) -> Void)] = [
            ("ICE failed", { $0.event("hangup", $1, #","reason":"ICE failed""#) }),
            ("reason unspecified", { $0.event("hangup", $1) }), ("kicked", { $0.kick($1) }),
            ("reason unspecified", { $0.pluginEvent($1, #""videoroom":"event","room":1,"leaving":"ok""#) }),
            ("destroyed", { $0.pluginEvent($1, #""videoroom":"destroyed","room":1"#) }),
            ("handle detached", { $0.removeHandle($1) }),
        ]
        for (reason, end) in ends {
            try SlotWorld.run { world in
                let handle = try world.join("alice", 1)
                _ = world.janus.requests()
                end(world.janus, handle)
                end(world.janus, handle)
                world.settle()
                #expect(world.said == ["1/1: terminated \(reason)"])
                #expect(world.janusHandle(of: 1, 1) == nil, "\(reason)")
                #expect(world.conferences.isEmpty)
                #expect(world.janus.rooms.isEmpty)
            }
        }
    }

    @Test func `a hangup during a terminate is its confirmation`() throws {
        try SlotWorld.run { world in
            let handle = try world.join("alice", 1)
            world.janus.interfere = { $0.name == "message leave" ? .hold : .proceed }
            world.submit(terminate, 1, 2)
            world.janus.event("hangup", handle, #","reason":"Close PC""#)
            world.settle()
            #expect(world.said == [], "Janus is at the leave, and must not be told to detach meanwhile")
            world.janus.releaseHeld()
            world.settle()
            #expect(world.said == ["1/2 ack", "1/1: terminated"])
        }
    }

    @Test func `E10 others hear of a departure once, however often Janus says so (D47)`() throws {
        try SlotWorld.run { world in
            try world.join("alice", 1)
            let bob = try world.join("bob", 2)
            _ = world.said
            world.janus.event("hangup", bob, #","reason":"DTLS alert""#)
            world.settle()
            #expect(world.said.filter { $0.hasPrefix("1/") } == ["1/1: went: [bob]"])
            let alice = try #require(world.janusHandle(of: 1, 1))
            for name in ["unpublished", "leaving", "kicked"] {
                world.janus.pluginEvent(alice, #""videoroom":"event","\#(name)":123456"#)
            }
            world.settle()
            #expect(world.said == [])
        }
    }

    @Test func `E09 a publisher nobody knows is left out, and a list of such says nothing`() throws {
        try SlotWorld.run { world in
            let alice = try world.join("alice", 1)
            world.janus.pluginEvent(alice, #""videoroom":"event","publishers":[{"id":5,"display":"?"}]"#)
            world.settle()
            #expect(world.said == [])
        }
    }

    @Test func `B15 B18 what is unknown, malformed or somebody else's changes nothing`() throws {
        try SlotWorld.run { world in
            let alice = try world.join("alice", 1)
            for data in [
                #""videoroom":"news""#, #""videoroom":"event","leaving":null"#, #""videoroom":"attached""#, "",
                #""videoroom":"event","error_code":499,"error":"x""#, #""videoroom":"updated","streams":[]"#,
                #""videoroom":"event","configured":"ok""#, #""videoroom":"slow_link""#,
            ] { world.janus.pluginEvent(alice, data) }
            world.janus.event("event", alice, #","plugindata":{"plugin":"janus.plugin.sip","data":{"sip":"event"}}"#)
            world.janus.event("event", alice)
            world.janus.event("slowlink", alice, #","uplink":false"#)
            world.janus.event("media", alice)
            world.janus.event("news", alice)
            world.janus.event("webrtcup", alice)
            world.settle()
            #expect(world.said == [])
            #expect(world.conferences.load == 1)
        }
    }

    // MARK: Releases (section 1.8)

    @Test func `B08 B24 a connection that closes takes its sessions along, and nobody there is told`() throws {
        try SlotWorld.run { world in
            try world.join("alice", 1)
            try world.join("bob", 2)
            try world.watch("bob", from: 1, as: 2)
            _ = world.said
            world.conferences.release(connection(1))
            world.settle()
            #expect(world.said == ["2/1: went: [alice]"])
            #expect(world.conferences.load == 1)
            #expect(world.janusHandle(of: 1, 1) == nil)
            #expect(world.janusHandle(of: 1, 2) == nil)
            #expect(world.janus.rooms.count == 1)
            world.conferences.release(connection(2))
            world.settle()
            #expect(world.said == [])
            #expect(world.conferences.isEmpty)
            #expect(world.janus.rooms.isEmpty, "an empty room is destroyed however its last user went (D11)")
            #expect(try world.rooms() == [])
        }
    }

    @Test func `rows of what was released wait for nobody`() throws {
        try SlotWorld.run { world in
            try world.join("alice", 1)
            world.conferences.release(connection(1))
            world.settle()
            #expect(try world.sessions() == [])
        }
    }

    @Test(arguments: ["message create", "attach", "message joinandconfigure"])
    func `B08 a connection that closes during its join leaves nothing behind`(step: String) throws {
        try SlotWorld.run { world throws in
            world.janus.interfere = { $0.name == step ? .hold : .proceed }
            world.submit(.join(joining("alice")), 1, 1)
            world.conferences.release(connection(1))
            world.settle()
            world.janus.interfere = { _ in .proceed }
            world.janus.releaseHeld()
            world.settle()
            #expect(world.said == [])
            #expect(world.conferences.isEmpty)
            #expect(world.janus.handles.count == 1, "the rooms' own")
            #expect(world.janus.rooms.isEmpty)
            #expect(try world.rooms() == [])
        }
    }

    @Test func `one session can be released, and still answers a pending terminate`() throws {
        try SlotWorld.run { world in
            try world.join("alice", 1)
            world.janus.interfere = { $0.name == "message leave" ? .hold : .proceed }
            world.submit(terminate, 1, 2)
            world.conferences.release(session(1))
            world.janus.releaseHeld()
            world.settle()
            #expect(world.said == ["1/2 ack"])
            #expect(world.conferences.isEmpty)
        }
    }

    @Test func `only the sessions that are gone are released`() throws {
        try SlotWorld.run { world in
            for (number, name) in ["alice", "bob", "carol"].enumerated() { try world.join(name, UInt64(number) + 1) }
            world.conferences.release { $0.connection.number == 2 }
            world.settle()
            #expect(world.conferences.load == 2)
            #expect(world.janusHandle(of: 2, 1) == nil)
        }
    }

    // MARK: Accounts (R02)

    @Test func `R02 B19 a removed account ends its sessions on that connection, after the ack`() throws {
        try SlotWorld.run { world in
            try world.join("alice", 1)
            try world.join("alice", 2, in: "other@x.com")
            try world.join("bob", 3)
            _ = world.said
            world.submit(.releaseAccount(account("alice@example.com")), 1, 9)
            #expect(world.said.filter { $0.hasPrefix("1/") } == ["1/9 ack", "1/1: terminated"])
            #expect(world.conferences.load == 2)
            #expect(world.janus.count("message leave") == 0, "there is no way back")
            world.submit(.releaseAccount(account("nobody@example.com")), 3, 9)
            #expect(world.said == ["3/9 ack"])
        }
    }

    // MARK: Rooms (D38, B24)

    @Test func `B24 a join during the destruction waits and gets a new room with the configuration of now`() throws {
        try SlotWorld.run { world in
            try world.join("alice", 1)
            let first = try #require(try world.rooms().first).janusRoom
            world.janus.interfere = { $0.name == "message destroy" ? .hold : .proceed }
            world.submit(terminate, 1, 2)
            #expect(try world.rooms().first?.state == .destroying)
            _ = world.said
            _ = world.janus.requests()
            world.submit(.join(joining("bob")), 2, 1)
            #expect(world.said == [])
            #expect(world.janus.requests() == [])
            _ = try world.directory.file("rooms.ini", "[room@conference.example.com]\nmax_publishers = 2\n")
            world.janus.releaseHeld()
            world.settle()
            #expect(world.said.first == "2/1 ack")
            let second = try #require(try world.rooms().first)
            #expect(second.janusRoom != first)
            #expect(second.configuration.contains(#""max_publishers":2"#))
            #expect(world.janus.rooms.keys.map(\.self) == [second.janusRoom.rawValue])
        }
    }

    @Test(arguments: [426, 499])
    func `B24 a destroy that Janus refuses is done with, too`(code: Int) throws {
        try SlotWorld.run { world in
            try world.join("alice", 1)
            world.janus.interfere = { $0.name == "message destroy" ? .refuseByPlugin(code, "no") : .proceed }
            world.submit(terminate, 1, 2)
            #expect(world.conferences.isEmpty)
            #expect(try world.rooms() == [])
        }
    }

    @Test func `B24 a leaver does not destroy a room that another is joining (D38)`() throws {
        try SlotWorld.run { world in
            try world.join("alice", 1)
            world.janus.interfere = { $0.name == "attach" ? .hold : .proceed }
            world.submit(.join(joining("bob")), 2, 1)
            world.submit(terminate, 1, 2)
            #expect(world.janus.count("message destroy") == 0)
            world.janus.releaseHeld()
            world.settle()
            #expect(world.said.contains("2/1: accepted answer"))
        }
    }

    // MARK: Losing Janus, losing the slot

    @Test func `losing the connection to Janus tells nobody anything and undoes nothing: a successor goes on`() throws {
        try SlotWorld.run { world in
            try world.join("alice", 1)
            try world.join("bob", 2)
            try world.watch("bob", from: 1, as: 2)
            world.submit(.join(joining("carol", "other@x.com")), 3, 1)
            _ = world.said
            let before = (try world.sessions(), try world.rooms())
            world.loseJanus()
            world.advance(by: .seconds(60))
            #expect(world.said == [])
            #expect(try world.sessions() == before.0)
            #expect(try world.rooms() == before.1)
            #expect(world.janus.handles.count == 5)
        }
    }

    @Test(arguments: [
        "message create", "attach", "message joinandconfigure", "message leave", "message configure", "detach",
    ])
    func `losing Janus in the middle answers nothing and writes nothing more`(step: String) throws {
        try SlotWorld.run { world in
            try world.join("alice", 1)
            world.janus.interfere = { $0.name == step ? .hold : .proceed }
            world.submit(.update(session: sequence(1), audio: true, video: nil, bitrate: nil), 1, 2)
            world.submit(.join(joining("bob", "other@x.com")), 2, 1)
            world.submit(.trickle(session: sequence(1), candidates: []), 2, 2)
            world.submit(terminate, 1, 3)
            _ = world.said
            let before = (try world.sessions(), try world.rooms())
            world.loseJanus()
            world.advance(by: .seconds(60))
            #expect(world.said == [])
            #expect(try world.sessions() == before.0)
            #expect(try world.rooms() == before.1)
        }
    }

    @Test func `a write that is refused because another has the slot stops everything`() throws {
        try SlotWorld.run { world in
            try world.join("alice", 1)
            _ = try takeSlot(slot, world.registry)
            world.submit(.join(joining("bob", "other@x.com")), 2, 1)
            #expect(world.wasSuperseded)
            #expect(world.said == [], "nothing more is said")
        }
    }
}
