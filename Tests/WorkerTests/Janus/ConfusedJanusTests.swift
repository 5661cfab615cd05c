import Bus
import Identity
import NIOCore
import Sylkrtc
import TestSupport
import Testing

@testable import Worker

/// A Janus that says anything at all: every request is answered all the same, and when it is in its right mind again, so
/// is the worker.
@Suite struct ConfusedJanusTests {
    @Test(arguments: UInt64(1)...8)
    func `whatever Janus says, every request is answered once, and a new Janus is served`(seed: UInt64) throws {
        let world = try CoreWorld()
        defer { world.end() }
        try world.serve()
        try world.join("alice", 1)
        let session = try #require(world.janus.sessions.keys.first)
        var random = SeededGenerator(seed: seed)
        var texts = Mutator(Corpus("janus"), seed: seed)
        world.janus.interfere = { request in
            switch random.next() % 12 {
            case 0: .drop
            case 1: .hold
            case 2: .refuse(Int(random.next() % 500), "no")
            case 3: .refuseByPlugin(Int(random.next() % 500), "no")
            case 4: .say(Self.addressed(texts.next(), to: request.transaction))
            default: .proceed
            }
        }
        for step in UInt64(0)..<60 {
            let number = 2 + step
            switch random.next() % 4 {
            case 0: world.door.request(.join(joining("p\(step)", "room\(step % 5)@example.com")), number, 1)
            case 1:
                world.door.request(
                    .update(session: sequence(1), audio: true, video: nil, bitrate: nil), 1, 1000 + number)
            case 2: world.door.request(.trickle(session: sequence(1), candidates: [candidate("c")]), 1, 1000 + number)
            default: world.door.request(.terminate(session: sequence(1)), random.next() % number, 1000 + number)
            }
            let sender = world.janus.handles.keys.randomElement(using: &random) ?? .max
            world.janus.say(Self.addressed(texts.next(), to: "t", sender: sender), to: session)
            if random.next() % 3 == 0 { world.settle() }
            if random.next() % 10 == 0 { world.elapse(.milliseconds(Int64(random.next() % 3000))) }
        }
        world.janus.interfere = { _ in .proceed }
        world.janus.releaseHeld()
        for _ in 0..<30 { world.elapse(.seconds(1)) }
        #expect(world.door.book.waiting.map { "\($0.connection.number)/\($0.sequence)" } == [], "seed \(seed)")
        #expect(world.ends == [], "seed \(seed)")
        world.janus.restart()
        for _ in 0..<5 { world.elapse(.seconds(1)) }
        _ = world.said
        world.request(.join(joining("zoe", "new@example.com")), 900, 1)
        #expect(world.said.first == "900/1 ack", "seed \(seed)")
    }

    /// A text of the corpus with this transaction and this sender, as far as it has any.
    private static func addressed(_ text: [UInt8], to transaction: String, sender: UInt64 = 7) -> String {
        String(decoding: text, as: UTF8.self).replacing(
            #""transaction":"t""#, with: #""transaction":"\#(transaction)""#
        )
        .replacing(#""sender":7"#, with: #""sender":\#(sender)"#)
    }

    @Test func `replies that come twice, or to nobody, change nothing`() throws {
        try CoreWorld.run { world in
            try world.join("alice", 1)
            let session = try #require(world.janus.sessions.keys.first)
            let transactions = world.janus.log.map(\.transaction)
            for transaction in transactions + ["", "t", String(repeating: "x", count: 100_000)] {
                for type in ["ack", "success", "error", "server_info", "pong"] {
                    world.janus.say(
                        #"{"janus":"\#(type)","session_id":\#(session),"transaction":"\#(transaction)","data":{"id":18446744073709551615}}"#,
                        to: session)
                }
            }
            for sender in [0, 1, UInt64.max] {
                for type in ["event", "webrtcup", "hangup", "detached", "media", "slowlink", "nonsense"] {
                    world.janus.say(#"{"janus":"\#(type)","session_id":\#(session),"sender":\#(sender)}"#, to: session)
                }
            }
            world.janus.say(#"{"janus":"event","session_id":\#(session)}"#, to: session)
            world.janus.say(#"{"janus":"timeout","session_id":1}"#, to: session)
            world.settle()
            #expect(world.said == [])
            world.request(.update(session: sequence(1), audio: true, video: nil, bitrate: nil), 1, 9)
            #expect(world.said == ["1/9 ack"])
        }
    }

    @Test func `a long message is read, or passed over, and its words are cut`() throws {
        try CoreWorld.run { world in
            try world.join("alice", 1)
            let session = try #require(world.janus.sessions.keys.first)
            let long = String(repeating: "x", count: 1 << 18)
            world.janus.say(#"{"janus":"\#(long)","session_id":\#(session),"sender":7}"#, to: session)
            world.janus.say(long, to: session)
            world.janus.interfere = { $0.name == "message configure" ? .refuse(400, long) : .proceed }
            world.request(.update(session: sequence(1), audio: true, video: nil, bitrate: nil), 1, 9)
            let told = try #require(world.said.first)
            #expect(told.hasPrefix("1/9 error xxx") && told.utf8.count < 300)
        }
    }
}
