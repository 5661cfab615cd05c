import Identity
import Sylkrtc
import Testing

@testable import Worker

@Suite struct ListingTests {
    @Test func `parts add up, and releases with them`() {
        var listing = Listing()
        let told = Told.publisher(ToldState(isAcked: true))
        listing.add(ConnectionList(sessions: [.init(session: session(1), told: told)], isLast: false))
        listing.add(
            ConnectionList(
                sessions: [.init(session: session(2), told: told)], releases: [session(3)], isLast: true))
        #expect(listing.sessions == [session(1): told, session(2): told])
        #expect(listing.releases == [session(3)])
    }

    @Test func `a request is about the session it creates or names`() {
        let requests: [(WorkerRequest, UInt64?)] = [
            (.join(joining("a")), 9), (.feedAttach(base: sequence(1), feed: client("f"), publisher: "b"), 9),
            (.feedAnswer(feed: sequence(2), answer: sdp("x")), 2), (.feedDetach(feed: sequence(2)), 2),
            (.trickle(session: sequence(1), candidates: []), 1), (.terminate(session: sequence(1)), 1),
            (.update(session: sequence(1), audio: nil, video: nil, bitrate: nil), 1),
            (.configureRoom(session: sequence(3), activeParticipants: []), 3),
            (.invite(session: sequence(1), participants: []), 1), (.releaseAccount(account("a@x.com")), nil),
        ]
        for (request, about) in requests {
            let listed = ListedRequest(connection: connection(5), sequence: sequence(9), request: request)
            #expect(listed.session == about.map { session(5, request: $0) })
        }
    }
}
