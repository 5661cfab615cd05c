import Identity
import JSONText
import NIOCore
import Registry
import Sylkrtc
import Testing

@testable import Worker

/// R12, R13, R14 and feeds' share of R16 and R17, end to end. Alice (connection 1) watches Bob (connection 2).
@Suite struct ConferencesFeedTests {
    private func run(_ test: (SlotWorld) throws -> Void) throws {
        try SlotWorld.run { world in
            try world.join("alice", 1)
            try world.join("bob", 2)
            world.advance(by: .milliseconds(20))
            _ = world.janus.requests()
            _ = world.said
            try test(world)
        }
    }

    private func attach(_ publisher: String, called feed: String = "feed") -> WorkerRequest {
        .feedAttach(base: sequence(1), feed: client(feed), publisher: publisher)
    }
    private func answer(_ feed: UInt64) -> WorkerRequest {
        .feedAnswer(feed: sequence(feed), answer: sdp("feed answer"))
    }
    private func detach(_ feed: UInt64) -> WorkerRequest { .feedDetach(feed: sequence(feed)) }

    // MARK: The good case

    @Test func `R12 R13 E11 E12 attach, offer, answer, established, in order`() throws {
        try run { world in
            world.submit(attach("bob"), 1, 2)
            #expect(world.janus.requests() == ["attach", "message join"])
            #expect(world.said == ["1/2 ack", "1/1: feed 2 offers offer"])
            world.submit(answer(2), 1, 3)
            #expect(world.janus.requests() == ["message start"])
            #expect(world.said == ["1/3 ack"])
            world.janus.mediaUp(try #require(world.janusHandle(of: 1, 2)))
            world.settle()
            #expect(world.said == ["1/1: feed 2 established"])
            #expect(world.conferences.load == 3)
        }
    }

    @Test func `B06 B15 events before their acks change no order`() throws {
        try run { world in
            world.janus.eventsOvertake = true
            world.submit(attach("bob"), 1, 2)
            world.submit(answer(2), 1, 3)
            #expect(world.said == ["1/2 ack", "1/1: feed 2 offers offer", "1/3 ack"])
        }
    }

    @Test func `R12 R13 the bodies are those of the protocol`() throws {
        try run { world in
            world.submit(attach("bob"), 1, 2)
            world.submit(answer(2), 1, 3)
            let room = try #require(try world.rooms().first).janusRoom
            let bob = PublisherID.of(session(2), in: deployment)
            let log = world.janus.log
            #expect(
                log.first { $0.name == "message join" }?.body?.raw.description
                    == #"{"request":"join","room":\#(room),"ptype":"subscriber","feed":\#(bob)}"#)
            let start = try #require(log.first { $0.name == "message start" })
            #expect(start.body?.raw.description == #"{"request":"start","room":\#(room)}"#)
            #expect(start.root["jsep"]?.raw.description == #"{"type":"answer","sdp":"feed answer"}"#)
        }
    }

    @Test func `a feed is recorded before it is attached, with its base session and whom it shows`() throws {
        try run { world in
            var recorded: [SessionRow] = []
            world.janus.interfere = { request in
                if request.name == "attach" { recorded = (try? world.sessions()) ?? [] }
                return .proceed
            }
            world.submit(attach("bob"), 1, 2)
            let row = try #require(recorded.first { $0.id == session(1, request: 2) })
            #expect(row.role == .subscriber)
            #expect(row.parent == session(1))
            #expect(row.clientSession == client("feed"))
            #expect(row.feedTarget == PublisherID.of(session(2), in: deployment))
        }
    }

    // MARK: Preconditions

    @Test func `R12 a base session that has not joined is unknown`() throws {
        try run { world in
            world.janus.interfere = { $0.name == "message joinandconfigure" ? .hold : .proceed }
            world.submit(.join(joining("carol")), 3, 1)
            world.submit(attach("bob"), 3, 2)
            #expect(world.said == ["3/2 unknown session"])
            world.submit(.feedAttach(base: sequence(7), feed: client("x"), publisher: "bob"), 3, 3)
            #expect(world.said == ["3/3 unknown session"])
        }
    }

    @Test func `R12 oneself, strangers and members of other rooms are unknown publishers (D44)`() throws {
        try run { world in
            try world.join("dave", 4, in: "other@x.com")
            _ = world.janus.requests()
            for (number, name) in ["alice", "nobody", "dave"].enumerated() {
                world.submit(attach(name), 1, UInt64(number) + 10)
                #expect(
                    world.said == [
                        "1/\(number + 10) error feed-attach: unknown publisher video room session to attach to: \(name)"
                    ])
            }
            #expect(world.janus.requests() == [])
        }
    }

    @Test func `R12 R14 a publisher is watched once at a time (D44)`() throws {
        try run { world in
            world.submit(attach("bob"), 1, 2)
            _ = world.said
            _ = world.janus.requests()
            world.submit(attach("bob", called: "again"), 1, 3)
            #expect(world.said == ["1/3 error feed-attach: already attached to publisher video room session: bob"])
            #expect(world.janus.requests() == [])
            world.submit(detach(2), 1, 4)
            world.submit(attach("bob", called: "again"), 1, 5)
            #expect(world.said.contains("1/5 ack"))
        }
    }

    @Test func `R12 the same attach repeated joins the step under way`() throws {
        try run { world in
            world.janus.interfere = { $0.name == "message join" ? .hold : .proceed }
            world.submit(attach("bob"), 1, 2)
            world.submit(attach("bob"), 1, 2)
            world.janus.releaseHeld()
            world.settle()
            #expect(world.said == ["1/2 ack", "1/1: feed 2 offers offer"])
        }
    }

    @Test func `R13 an answer without a pending offer is refused`() throws {
        try run { world in
            world.janus.interfere = { request in
                request.name == "message join"
                    ? .say(#"{"janus":"ack","transaction":"\#(request.transaction)"}"#) : .proceed
            }
            world.submit(attach("bob"), 1, 2)
            world.submit(answer(2), 1, 3)
            #expect(
                world.said == ["1/2 ack", "1/3 error feed-answer: video room session feed has no pending offer"])
        }
    }

    @Test func `R13 an offer is answered once`() throws {
        try run { world in
            world.submit(attach("bob"), 1, 2)
            world.submit(answer(2), 1, 3)
            world.submit(answer(2), 1, 4)
            #expect(
                world.said.suffix(2) == [
                    "1/3 ack", "1/4 error feed-answer: video room session feed has no pending offer",
                ])
        }
    }

    @Test func `R14 R18 feeds are unknown to terminate (D51), and a publisher session is no feed`() throws {
        try run { world in
            world.submit(attach("bob"), 1, 2)
            world.submit(.terminate(session: sequence(2)), 1, 3)
            #expect(world.said.last == "1/3 unknown session")
            world.submit(.feedDetach(feed: sequence(1)), 1, 4)
            #expect(world.said == ["1/4 unknown session"])
            #expect(world.conferences.load == 3)
        }
    }

    // MARK: Failures

    @Test func `R12 B13 a publisher whose media is not up cannot be watched, and can be tried again (428)`() throws {
        try run { world in
            world.submit(.join(joining("carol")), 3, 1)
            _ = world.said
            world.submit(attach("carol"), 1, 2)
            let carol = PublisherID.of(session(3), in: deployment)
            #expect(world.said == ["1/2 ack", "1/1: feed 2 ended"])
            #expect(world.janusHandle(of: 1, 2) == nil)
            world.janus.mediaUp(try #require(world.janusHandle(of: 3, 1)))
            world.settle()
            _ = world.said
            world.submit(attach("carol"), 1, 3)
            #expect(world.said == ["1/3 ack", "1/1: feed 3 offers offer"], "\(carol)")
        }
    }

    @Test func `R12 a refused attach is undone and answered`() throws {
        try run { world in
            world.janus.interfere = { $0.name == "attach" ? .refuse(460, "No such plugin") : .proceed }
            world.submit(attach("bob"), 1, 2)
            #expect(world.said == ["1/2 error No such plugin"])
            #expect(world.conferences.load == 2)
        }
    }

    @Test func `R12 a subscription refused at once is undone and answered`() throws {
        try run { world in
            world.janus.interfere = { $0.name == "message join" ? .refuse(459, "No such handle") : .proceed }
            world.submit(attach("bob"), 1, 2)
            #expect(world.said == ["1/2 error No such handle"])
            #expect(world.janus.requests() == ["attach", "message join", "detach"])
        }
    }

    @Test(arguments: [#""videoroom":"attached","id":1"#, #""videoroom":"joined""#])
    func `B18 an attached that cannot be used fails the feed (D31)`(data: String) throws {
        try run { world in
            world.janus.interfere = { request in
                guard request.name == "message join" else { return .proceed }
                world.janus.later { world.janus.pluginEvent(request.handle, data, transaction: request.transaction) }
                return .say(#"{"janus":"ack","transaction":"\#(request.transaction)"}"#)
            }
            world.submit(attach("bob"), 1, 2)
            #expect(
                Set(world.said).isSubset(of: [
                    "1/2 ack", "1/1: feed 2 ended", "1/2 error the media server sent no offer",
                ]))
            #expect(world.conferences.load == 2)
            #expect(world.janusHandle(of: 1, 2) == nil)
        }
    }

    @Test func `an offer that never comes ends the feed after thirty seconds`() throws {
        try run { world in
            world.janus.interfere = { request in
                request.name == "message join"
                    ? .say(#"{"janus":"ack","transaction":"\#(request.transaction)"}"#) : .proceed
            }
            world.submit(attach("bob"), 1, 2)
            world.advance(by: .seconds(29))
            #expect(world.said == ["1/2 ack"])
            world.advance(by: .seconds(1))
            #expect(world.said == ["1/1: feed 2 ended"])
        }
    }

    @Test func `R13 a refused start is answered, and a better answer may follow`() throws {
        try run { world in
            world.submit(attach("bob"), 1, 2)
            world.janus.interfere = { $0.name == "message start" ? .refuse(465, "Invalid SDP") : .proceed }
            world.submit(answer(2), 1, 3)
            world.janus.interfere = { _ in .proceed }
            world.submit(answer(2), 1, 4)
            #expect(world.said.suffix(2) == ["1/3 error Invalid SDP", "1/4 ack"])
        }
    }

    @Test func `R13 B13 a start refused by an event ends the feed`() throws {
        try run { world in
            world.submit(attach("bob"), 1, 2)
            world.janus.interfere = { $0.name == "message start" ? .refuseByPlugin(437, "Invalid SDP") : .proceed }
            world.submit(answer(2), 1, 3)
            #expect(world.said.suffix(2) == ["1/3 ack", "1/1: feed 2 ended"])
        }
    }

    @Test func `a registry that cannot be asked fails the attach`() throws {
        try run { world in
            try world.loseRegistry()
            world.submit(attach("bob"), 1, 2)
            #expect(world.said == ["1/2 error the registry is not available"])
            #expect(world.janus.requests() == [])
        }
    }

    // MARK: Updates

    @Test func `R17 a feed's video is paused through its own id, and its bitrate never exceeds the room's`() throws {
        try run { world in
            try world.watch("bob", from: 1, as: 2)
            _ = world.janus.requests()
            world.submit(.update(session: sequence(2), audio: nil, video: false, bitrate: 4_000_000), 1, 3)
            #expect(world.said == ["1/3 ack"])
            let body = try #require(world.janus.log.last?.body)
            #expect(body["video"]?.bool == false)
            #expect(body["audio"] == nil)
            #expect(body["bitrate"]?.integer() == 2_016_000)
            world.submit(.update(session: sequence(2), audio: nil, video: nil, bitrate: nil), 1, 4)
            #expect(world.said == ["1/4 ack"])
            #expect(world.janus.count("message configure") == 1)
        }
    }

    @Test func `R16 candidates go to the feed's own handle`() throws {
        try run { world in
            world.submit(attach("bob"), 1, 2)
            world.submit(.trickle(session: sequence(2), candidates: []), 1, 3)
            #expect(world.janus.log.last?.handle == world.janusHandle(of: 1, 2))
            #expect(world.said.last == "1/3 ack")
        }
    }

    // MARK: Ends

    @Test func `R14 a detach leaves, detaches and is acked, and nothing is told`() throws {
        try run { world in
            try world.watch("bob", from: 1, as: 2)
            _ = world.janus.requests()
            world.submit(detach(2), 1, 3)
            #expect(world.janus.requests() == ["message leave", "detach"])
            #expect(world.said == ["1/3 ack"])
            #expect(world.conferences.load == 2)
            world.submit(detach(2), 1, 4)
            #expect(world.said == ["1/4 unknown session"])
        }
    }

    @Test func `R14 a detach whose leave is refused detaches all the same`() throws {
        try run { world in
            try world.watch("bob", from: 1, as: 2)
            world.janus.interfere = { $0.name == "message leave" ? .refuse(499, "no") : .proceed }
            world.submit(detach(2), 1, 3)
            #expect(world.said == ["1/3 ack"])
            #expect(world.janusHandle(of: 1, 2) == nil)
        }
    }

    @Test func `R14 a detach that arrives while one is under way is acked with it`() throws {
        try run { world in
            try world.watch("bob", from: 1, as: 2)
            world.janus.interfere = { $0.name == "detach" ? .hold : .proceed }
            world.submit(detach(2), 1, 3)
            world.submit(detach(2), 1, 4)
            world.submit(answer(2), 1, 5)
            #expect(world.said == ["1/5 unknown session"])
            world.janus.releaseHeld()
            world.settle()
            #expect(world.said == ["1/3 ack", "1/4 ack"])
        }
    }

    @Test func `B26 E10 a publisher's departure ends the feeds that watch it (D48), told once (D47)`() throws {
        try run { world in
            try world.watch("bob", from: 1, as: 2)
            world.submit(.terminate(session: sequence(1)), 2, 2)
            let alice = world.said.filter { $0.hasPrefix("1/") }
            #expect(alice.sorted() == ["1/1: feed 2 ended", "1/1: went: [bob]"])
            #expect(world.janusHandle(of: 1, 2) == nil)
            #expect(world.conferences.load == 1)
        }
    }

    @Test func `B26 a publisher whose peer closes ends the feeds that watch it`() throws {
        try run { world in
            try world.watch("bob", from: 1, as: 2)
            world.janus.closePeer(try #require(world.janusHandle(of: 2, 1)))
            world.settle()
            #expect(
                world.said.sorted() == ["1/1: feed 2 ended", "1/1: went: [bob]", "2/1: terminated DTLS alert"])
            #expect(world.conferences.load == 1)
        }
    }

    @Test func `R12 B26 a publisher that leaves while its feed is being attached fails that`() throws {
        try run { world in
            world.janus.interfere = { $0.name == "attach" ? .hold : .proceed }
            world.submit(attach("bob"), 1, 2)
            world.submit(.terminate(session: sequence(1)), 2, 2)
            #expect(world.said.contains("1/1: went: [bob]"))
            world.janus.releaseHeld()
            world.settle()
            #expect(world.said == ["1/2 error the publisher has left"])
            #expect(world.janusHandle(of: 1, 2) == nil)
        }
    }

    @Test func `B26 the end of the base session ends its feeds`() throws {
        try run { world in
            try world.watch("bob", from: 1, as: 2)
            world.submit(.terminate(session: sequence(1)), 1, 3)
            #expect(world.said.contains("1/1: feed 2 ended"))
            #expect(world.conferences.load == 1)
            #expect(world.janus.handles.count == 2, "the rooms' own and Bob's")
        }
    }

    @Test func `B14 a hangup, a removed handle and a renegotiation without streams end the feed`() throws {
        let ends: [(SlotWorld, UInt64) -> Void] = [
            { $0.janus.event("hangup", $1, #","reason":"ICE failed""#) }, { $0.janus.removeHandle($1) },
            { $0.janus.pluginEvent($1, #""videoroom":"updated","streams":[{"active":false}]"#, jsep: "offer") },
            { $0.janus.pluginEvent($1, #""videoroom":"destroyed","room":1"#) },
        ]
        for end in ends {
            try run { world in
                end(world, try world.watch("bob", from: 1, as: 2))
                world.settle()
                #expect(world.said == ["1/1: feed 2 ended"])
                #expect(world.conferences.load == 2)
                #expect(world.janusHandle(of: 1, 2) == nil)
            }
        }
    }

    @Test func `B15 a renegotiation that still shows something, and what is unknown, change nothing`() throws {
        try run { world in
            let feed = try world.watch("bob", from: 1, as: 2)
            world.janus.pluginEvent(feed, #""videoroom":"updated","streams":[{"active":true}]"#, jsep: "offer")
            world.janus.pluginEvent(feed, #""videoroom":"updated""#)
            world.janus.pluginEvent(feed, #""videoroom":"news""#)
            world.janus.pluginEvent(feed, #""videoroom":"event","leaving":7"#)
            world.janus.event("event", feed, #","plugindata":{"plugin":"janus.plugin.sip","data":{}}"#)
            world.janus.event("slowlink", feed, #","uplink":true"#)
            world.janus.event("media", feed)
            world.janus.event("news", feed)
            world.settle()
            #expect(world.said == [])
            #expect(world.conferences.load == 3)
        }
    }
}
