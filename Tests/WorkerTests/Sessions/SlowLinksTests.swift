import Logging
import NIOCore
import Sylkrtc
import Testing

@testable import Worker

struct SlowLinksTests {
    private func at(_ seconds: Int64) -> NIODeadline { .uptimeNanoseconds(0) + .seconds(seconds) }

    @Test func `B16 Janus's uplink is the client's download, and the other way round`() {
        var links = SlowLinks()
        #expect(links.reported(uplink: true, at: at(0)) == .download)
        #expect(links.reported(uplink: false, at: at(0)) == .upload)
    }

    @Test func `B16 What is known to be poor is no news, until nothing was said of it for more than 30 s`() {
        var links = SlowLinks()
        #expect(links.reported(uplink: true, at: at(0)) == .download)
        #expect(links.reported(uplink: true, at: at(30)) == nil)
        #expect(links.reported(uplink: true, at: at(60)) == nil, "each report renews what is known")
        #expect(links.reported(uplink: true, at: at(91)) == .download)
        #expect(links.reported(uplink: false, at: at(91)) == .upload, "the two directions know nothing of each other")
    }

    @Test func `B16 A publisher's and a feed's slow link is one line each, and the client is told nothing`() throws {
        let book = LogBook()
        try SlotWorld.run(logger: book.logger) { world in
            let alice = try world.join("alice", 1)
            try world.join("bob", 2)
            let feed = try world.watch("bob", from: 1, as: 2)
            _ = world.said
            func report(_ handle: UInt64, _ uplink: Bool) {
                world.janus.event("slowlink", handle, #","uplink":\#(uplink)"#)
                world.settle()
            }
            for _ in 0..<3 {
                report(alice, true)
                report(feed, false)
            }
            #expect(book.lines("slow link") == ["info alice download", "info feed-2 upload"])
            world.advance(by: .seconds(31))
            report(alice, true)
            #expect(book.lines("slow link").last == "info alice download")
            #expect(book.lines("slow link").count == 3)
            #expect(world.said == [])
        }
    }
}
