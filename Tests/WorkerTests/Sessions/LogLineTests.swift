import Identity
import Sylkrtc
import Testing

@testable import Worker

/// What the worker's log says (protocol page, section 8.4).
struct LogLineTests {
    @Test func `B15 Events of handles that are not ours, and of kinds nobody knows, are a warning and change nothing`()
        throws
    {
        let book = LogBook()
        try SlotWorld.run(logger: book.logger) { world in
            let alice = try world.join("alice", 1)
            world.gateway.dropKeptEvents()
            world.janus.say(
                #"{"janus":"event","sender":4711,"plugindata":{"plugin":"p","data":{}}}"#, to: world.sessionID.rawValue)
            world.janus.event("news", alice)
            world.janus.pluginEvent(alice, #""videoroom":"news""#)
            world.settle()
            #expect(book.lines("event of an unknown handle") == ["warning"])
            #expect(book.lines("unknown event") == ["warning alice", "warning alice"])
            #expect(world.said == [])
            #expect(world.conferences.load == 1)
        }
    }

    @Test func `B15 What Janus still says of a handle that was given up is no warning`() throws {
        let book = LogBook()
        try SlotWorld.run(logger: book.logger) { world in
            let alice = try world.join("alice", 1)
            world.gateway.dropKeptEvents()
            world.submit(.terminate(session: sequence(1)), 1, 2)
            world.janus.say(#"{"janus":"detached","sender":\#(alice)}"#, to: world.sessionID.rawValue)
            world.settle()
            #expect(book.lines("event of an unknown handle") == [])
        }
    }

    @Test func `B33 A room and its sessions say what becomes of them, with account, session and room`() throws {
        let book = LogBook()
        try SlotWorld.run(logger: book.logger) { world in
            try world.join("alice", 1)
            try world.join("bob", 2)
            // The third is the first with whom the others have to share.
            try world.join("carol", 3)
            try world.watch("bob", from: 1, as: 2)
            world.submit(.update(session: sequence(1), audio: false, video: nil, bitrate: nil), 1, 3)
            world.submit(.terminate(session: sequence(1)), 1, 4)
            world.submit(.terminate(session: sequence(1)), 2, 5)
            world.submit(.terminate(session: sequence(1)), 3, 6)
            for (message, count) in [
                ("session created", 2), ("created", 1), ("joined", 2), ("media established", 3), ("feed created", 1),
                ("updated", 1), ("participant bitrate", 2), ("termination requested", 2), ("left", 2),
                ("destroyed", 1),
            ] {
                let lines = book.lines(message)
                #expect(lines.count >= count && lines.allSatisfy { $0.hasPrefix("info") }, "\(message): \(lines)")
                #expect(book.rooms(message) == ["room@conference.example.com"], "\(message)")
            }
            #expect(book.accounts("joined").count == 3)
        }
    }
}
