import NIOCore
import NIOEmbedded
import Sylkrtc
import Testing

@testable import Frontdoor

/// Each limit of a connection at its configured value, and just beyond it.
@Suite struct ConfiguredLimitsTests {
    private func client(_ settings: String) throws -> (TestDoor, TestClient) {
        let door = try TestDoor("[Limits]\n" + settings)
        try door.addWorker()
        let client = try TestClient(door)
        #expect(try client.frames() == [TestClient.ready])
        return (door, client)
    }

    @Test func `B36 A message of the configured size is read, and one byte more closes`() throws {
        let (door, client) = try client("message_size = 1024")
        try client.say(String(repeating: " ", count: 1024))
        #expect(try client.frames().isEmpty)
        try client.say(String(repeating: " ", count: 1025))
        #expect(try client.frames() == [TestClient.closing(1009, "message too large")])
        #expect(door.door.hits.count(of: .messageSize) == 1)
    }

    @Test func `B36 What follows a frame that is too long does not take the close frame along`() throws {
        let (_, client) = try client("message_size = 1024")
        try client.say(String(repeating: " ", count: 1025))
        for _ in 0..<10 { try client.say(String(repeating: " ", count: 1000)) }
        #expect(try client.frames() == [TestClient.closing(1009, "message too large")])
        #expect(client.channel.isActive, "until the closing handshake is over")
    }

    @Test func `B36 Accounts end at their configured number`() throws {
        let (door, client) = try client("accounts = 2")
        for name in ["a", "b"] {
            try client.ask(.addAccount("\(name)@example.org"))
            #expect(try client.frames() == [TestClient.ack()])
        }
        try client.ask(.addAccount("c@example.org"))
        #expect(try client.frames() == [TestClient.error("too many accounts")])
        #expect(door.door.hits.count(of: .accounts) == 1)
    }

    @Test func `B36 Sessions and unanswered requests end at their configured number`() {
        var limits = Limits()
        limits.sessions = 2
        limits.unansweredRequests = 2
        var connection = Transcript(limits: limits)
        _ = connection.join()
        _ = connection.attach("sub-1")
        #expect(connection.ask(.join("pub-b")).contains(.error("t", "too many sessions")))
        #expect(!connection.ask(.trickle()).contains(.pauseReading))
        #expect(connection.ask(.trickle()).contains(.pauseReading))
    }

    @Test func `B36 Candidates and invitees end at their configured number`() throws {
        let (door, client) = try client("candidates = 1\ninvitees = 1")
        let candidate = #"{"candidate":"c","sdpMLineIndex":0,"sdpMid":"0"}"#
        func trickle(_ count: Int) -> Ask {
            let all = Array(repeating: candidate, count: count).joined(separator: ",")
            return Ask("videoroom-ctl", #""session":"s","option":"trickle","trickle":{"candidates":[\#(all)]}"#)
        }
        func invite(_ people: String) -> Ask {
            Ask(
                "videoroom-ctl",
                #""session":"s","option":"invite-participants","invite_participants":{"participants":[\#(people)]}"#)
        }
        try client.ask(trickle(1))
        #expect(try client.frames() == [TestClient.error("trickle: unknown video room session: s")])
        try client.ask(trickle(2))
        #expect(try client.frames() == [TestClient.error("trickle.candidates: must have at most 1 elements")])
        try client.ask(invite(#""a@example.org""#))
        #expect(try client.frames() == [TestClient.error("invite-participants: unknown video room session: s")])
        try client.ask(invite(#""a@example.org","b@example.org""#))
        #expect(
            try client.frames() == [TestClient.error("invite_participants.participants: must have at most 1 elements")])
        #expect(door.door.hits.count(of: .requestField) == 2)
    }

    @Test func `B36 The closing handshake has its configured time`() throws {
        let (door, client) = try client("closing_time = 3")
        client.handler.close(code: 1001, reason: "")
        door.pass(.milliseconds(2999))
        #expect(client.channel.isActive)
        door.pass(.milliseconds(1))
        #expect(!client.channel.isActive)
        #expect(door.door.hits.count(of: .closingTime) == 1)
    }

    @Test func `B36 The opening handshake has its configured time`() throws {
        let door = try TestDoor("[Limits]\nhandshake_time = 2")
        let visitor = try TestVisitor(door)
        door.pass(.milliseconds(1999))
        #expect(visitor.channel.isActive)
        door.pass(.milliseconds(1))
        #expect(!visitor.channel.isActive)
        #expect(door.door.hits.count(of: .handshakeTime) == 1)
        #expect(door.gate.withCensus { $0.count } == 0)
    }

    @Test func `B36 So many bytes wait for a client, and so long`() throws {
        let (door, client) = try client("unsent_bytes = 65536\nunwritable_time = 2")
        client.channel.isWritable = false
        client.handler.send([UInt8](repeating: 0x20, count: 65536 - 10))
        #expect(client.channel.isActive)
        client.handler.send([UInt8](repeating: 0x20, count: 100))
        #expect(!client.channel.isActive)
        #expect(door.door.hits.count(of: .unsentBytes) == 1)
        let slow = try TestClient(door)
        slow.channel.isWritable = false
        slow.channel.pipeline.fireChannelWritabilityChanged()
        door.pass(.milliseconds(1999))
        #expect(slow.channel.isActive)
        door.pass(.milliseconds(1))
        #expect(!slow.channel.isActive)
        #expect(door.door.hits.count(of: .unwritableTime) == 1)
    }

    @Test func `B36 A request has its configured time`() async throws {
        let scene = try await Scene(settings: "[Limits]\nrequest_time = 2")
        try await scene.join()
        #expect(try await scene.ask(.trickle()) == [])
        try await scene.hall.pass(.milliseconds(1750))
        #expect(try await scene.told() == [])
        try await scene.hall.pass(.milliseconds(500))
        #expect(try await scene.told() == ["error t: request timed out"])
    }

    @Test func `B36 B01 WebSockets of one address are bounded, and the check comes last`() throws {
        let door = try TestDoor("[Limits]\nconnections_per_address = 1\nhandshakes_per_address = 2")
        let worker = try door.addWorker()
        let first = try TestClient(door)
        let refused = try TestVisitor(door)
        try refused.say(TestVisitor.upgrade)
        #expect(try refused.heard().hasPrefix("HTTP/1.1 429 Too Many Requests\r\n"))
        #expect(!refused.channel.isActive)
        let other = try TestVisitor(door, from: "192.0.2.2")
        try other.say(TestVisitor.upgrade)
        #expect(try other.heard().hasPrefix("HTTP/1.1 101 "))
        worker.isJanusUp = false
        door.pass(.seconds(6))
        let unserved = try TestVisitor(door)
        try unserved.say(TestVisitor.upgrade)
        #expect(try unserved.heard().hasPrefix("HTTP/1.1 503 "))
        worker.isJanusUp = true
        door.pass(.seconds(1))
        first.channel.close(promise: nil)
        door.loop.run()
        _ = try TestClient(door)
        #expect(door.door.hits.count(of: .connectionsPerAddress) == 1)
    }

    @Test func `B36 Sockets that are no WebSockets yet are bounded per address`() throws {
        let door = try TestDoor("[Limits]\nhandshakes_per_address = 1")
        try door.addWorker()
        let first = try TestVisitor(door)
        #expect(throws: TestVisitor.NotAdmitted.self) { try TestVisitor(door) }
        _ = try TestVisitor(door, from: "192.0.2.2")
        try first.say(TestVisitor.upgrade)
        _ = try TestVisitor(door)
    }

    @Test func `B33 A client is known by what its proxy says`() throws {
        let door = try TestDoor(
            "[Frontdoor]\ntrusted_proxies = 192.0.2.1\n[Limits]\nconnections_per_address = 1\nhandshakes_per_address = 1"
        )
        try door.addWorker()
        func come(_ client: String, through proxy: String = "192.0.2.1") throws -> String {
            let visitor = try TestVisitor(door, from: proxy)
            try visitor.say(TestVisitor.upgrade.replacing("Host:", with: "X-Forwarded-For: \(client)\r\nHost:"))
            return String(try visitor.heard().prefix(12))
        }
        #expect(try come("203.0.113.1") == "HTTP/1.1 101")
        #expect(try come("203.0.113.1") == "HTTP/1.1 429")
        #expect(try come("203.0.113.2") == "HTTP/1.1 101")
        #expect(try come("203.0.113.1", through: "192.0.2.9") == "HTTP/1.1 101", "it speaks for itself")
        #expect(try come("203.0.113.7", through: "192.0.2.9") == "HTTP/1.1 429")
    }
}
