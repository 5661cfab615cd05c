import Identity
import Sylkrtc
import Testing

@testable import Worker

/// A front door's new link finds sessions that are over.
@Suite struct EndedSessionsTests {
    private func resync(
        _ ending: EndedSession?, _ told: Told, _ requests: [WorkerRequest] = []
    ) throws -> [String] {
        var said: [String] = []
        try SlotWorld.run { world throws in
            if let ending { world.conferences.ended.insert(session(1), ending) }
            var listing = Listing()
            listing.sessions[session(1)] = told
            for (index, request) in requests.enumerated() {
                let number: UInt64
                switch request {
                case .join, .feedAttach: number = 1
                default: number = UInt64(index) + 20
                }
                listing.requests.append(
                    ListedRequest(connection: connection(1), sequence: sequence(number), request: request))
            }
            world.conferences.resync(listing, of: frontdoor)
            world.settle()
            said = world.said
        }
        return said
    }

    private let over = EndedSession(base: nil, creation: .ack, reason: "ICE failed")

    private func told(_ stage: ToldState.Stage, acked: Bool = true) -> Told {
        .publisher(ToldState(isAcked: acked, stage: stage))
    }

    @Test func `a client that does not know is told the end with its reason`() throws {
        for stage in [ToldState.Stage.nothing, .progress, .accepted, .established] {
            #expect(try resync(over, told(stage)) == ["1/1: terminated ICE failed", "1/1 resynced"])
        }
        #expect(try resync(over, told(.terminated)) == ["1/1 resynced"])
    }

    @Test func `what waits is answered: teardowns with an ack, everything else finds nobody`() throws {
        #expect(
            try resync(
                over, told(.established),
                [
                    .update(session: sequence(1), audio: true, video: nil, bitrate: nil),
                    .terminate(session: sequence(1)),
                ]) == ["1/20 unknown session", "1/21 ack", "1/1: terminated", "1/1 resynced"])
    }

    @Test func `an unanswered join is answered as it was, and told its end only when that was an ack`() throws {
        #expect(
            try resync(over, told(.nothing, acked: false), [.join(joining("a"))]) == [
                "1/1 ack", "1/1: terminated ICE failed", "1/1 resynced",
            ])
        let refused = EndedSession(base: nil, creation: .error("full"), reason: "full")
        #expect(
            try resync(refused, told(.nothing, acked: false), [.join(joining("a"))]) == [
                "1/1 error full", "1/1 resynced",
            ])
    }

    @Test func `a session that nobody remembers has been lost`() throws {
        #expect(try resync(nil, told(.established)) == ["1/1: terminated 500 Session lost", "1/1 resynced"])
        let feed = Told.feed(base: sequence(7), ToldFeed(isAcked: true))
        #expect(try resync(nil, feed) == ["1/7: feed 1 ended", "1/1 resynced"])
        #expect(try resync(nil, feed, [.feedDetach(feed: sequence(1))]) == ["1/20 ack", "1/1 resynced"])
    }

    @Test func `an ended session is forgotten when its front door has taken the end, or does not list it`() throws {
        for isListed in [true, false] {
            try SlotWorld.run { world throws in
                world.conferences.ended.insert(session(1), over)
                var listing = Listing()
                if isListed { listing.sessions[session(1)] = told(.established) }
                world.conferences.resync(listing, of: frontdoor)
                #expect((world.conferences.ended[session(1)] != nil) == isListed)
                world.outbox.acknowledge()
                world.settle()
                #expect(world.conferences.ended[session(1)] == nil)
                #expect(world.said == (isListed ? ["1/1: terminated ICE failed", "1/1 resynced"] : []))
            }
        }
    }
}
