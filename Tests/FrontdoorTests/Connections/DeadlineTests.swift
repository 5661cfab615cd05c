import Identity
import Sylkrtc
import Testing

@testable import Frontdoor

@Suite struct DeadlineTests {
    @Test func `A join that was not answered in time is released, so that it does not come about`() {
        var connection = Transcript()
        _ = connection.ask(.join("pub-a"), as: "join") + connection.located(at: 2)
        _ = connection.ask(.trickle(), as: "trickle")
        #expect(
            connection.deadlinePassed(2)
                == refused("videoroom-join", "request timed out", as: "join")
                + refused("trickle", "trickle: unknown video room session: pub-a", as: "trickle")
                + [.release(.test(2), at: slot(2))])
        #expect(connection.answered(2, by: 2).isEmpty)
        #expect(connection.told(2, .state(.progress), by: 2).isEmpty)
        #expect(connection.machine.sessions(at: slot(2)).isEmpty)
        #expect(connection.ask(.join("pub-a")).count == 2)
    }

    @Test func `A join that was never sent is not released`() {
        var connection = Transcript()
        _ = connection.ask(.join("pub-a"))
        #expect(connection.deadlinePassed() == refused("videoroom-join", "request timed out"))
    }

    @Test func `A feed that was not attached in time is released`() {
        var connection = Transcript()
        let base = connection.join()
        _ = connection.ask(.attach("sub-1", to: "pub-b"))
        #expect(
            connection.deadlinePassed()
                == refused("feed-attach", "request timed out") + [.release(.test(3), at: slot(1))])
        #expect(connection.told(base, .feedOffered(feed: request(3), offer: sdp("offer"))).isEmpty)
        #expect(connection.ask(.attach("sub-1", to: "pub-b")).count == 2)
    }

    @Test func `A teardown that was not answered in time becomes a release`() {
        var connection = Transcript()
        let base = connection.join()
        let feed = connection.attach("sub-1")
        let kept = connection.attach("sub-2")
        _ = connection.ask(.detach("sub-1"))
        #expect(
            connection.deadlinePassed()
                == refused("feed-detach", "request timed out") + [.release(.test(feed), at: slot(1))])
        #expect(connection.machine.sessions(at: slot(1)) == [.test(base), .test(kept)])
        _ = connection.ask(.terminate("pub-a"), as: "one") + connection.ask(.terminate("pub-a"), as: "two")
        let second = connection.last
        #expect(
            connection.deadlinePassed(second - 1)
                == refused("videoroom-terminate", "request timed out", as: "one")
                + [.terminated("pub-a", "408 Request Timeout"), .release(.test(base), at: slot(1))])
        #expect(
            connection.deadlinePassed(second) == refused("videoroom-terminate", "request timed out", as: "two"))
        #expect(connection.told(base, .state(.terminated(reason: nil))).isEmpty, "it was told already")
        #expect(connection.machine.sessions(at: slot(1)).isEmpty)
    }

    @Test func `Other requests just fail`() {
        var connection = Transcript()
        _ = connection.join()
        _ = connection.attach("sub-1")
        for (name, ask) in [
            ("trickle", Ask.trickle()), ("update", .update()), ("feed-answer", .answer("sub-1")),
            ("trickle", .trickle(feed: "sub-1")),
        ] {
            _ = connection.ask(ask)
            #expect(connection.deadlinePassed() == refused(name, "request timed out"))
            #expect(connection.answered().isEmpty)
        }
        #expect(connection.machine.sessions(at: slot(1)).count == 2)
    }

    @Test func `A deadline that passes after the answer means nothing`() {
        var connection = Transcript()
        let base = connection.join()
        #expect(connection.deadlinePassed(base).isEmpty)
        #expect(connection.deadlinePassed(99).isEmpty)
        #expect(connection.machine.sessions(at: slot(1)) == [.test(base)])
    }
}
