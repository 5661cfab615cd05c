import Identity
import Sylkrtc
import Testing

@testable import Frontdoor

@Suite struct ConferenceEventTests {
    @Test func `E07 Every state is told under the client's own name for the session`() {
        var connection = Transcript()
        _ = connection.ask(.join("pub-a")) + connection.located() + connection.answered()
        for state in [
            ConferenceState.progress, .accepted(answer: sdp("answer")), .established, .terminated(reason: "kicked"),
        ] {
            #expect(connection.told(2, .state(state)) == [.event("pub-a", .state(state))])
        }
        #expect(connection.told(2, .state(.terminated(reason: "kicked"))).isEmpty, "once")
        #expect(connection.told(2, .state(.progress)).isEmpty)
    }

    @Test func `E08 E09 E10 Publishers are told as they come and go`() {
        var connection = Transcript()
        let join = connection.join()
        #expect(
            connection.told(join, .initialPublishers([])) == [.event("pub-a", .initialPublishers([]))],
            "E08 is sent even when empty")
        #expect(
            connection.told(join, .publishersJoined([publisher("pub-b")]))
                == [.event("pub-a", .publishersJoined([publisher("pub-b")]))])
        #expect(
            connection.told(join, .publishersLeft([client("pub-b")]))
                == [.event("pub-a", .publishersLeft([client("pub-b")]))])
    }

    @Test func `E11 E12 Feeds are told on their base session, under the client's name for the subscription`() {
        var connection = Transcript()
        let base = connection.join("pub-a")
        let other = connection.join("pub-x")
        let feed = connection.attach("sub-1")
        let offered = WorkerEvent.feedOffered(feed: request(feed), offer: sdp("offer"))
        #expect(
            connection.told(base, offered)
                == [.event("pub-a", .feedAttached(subscription: client("sub-1"), offer: sdp("offer")))])
        #expect(
            connection.told(base, .feedEstablished(feed: request(feed)))
                == [.event("pub-a", .feedEstablished(subscription: client("sub-1")))])
        #expect(connection.told(other, offered).isEmpty, "it is no feed of that session")
        #expect(connection.told(other, .feedEstablished(feed: request(feed))).isEmpty)
        #expect(connection.told(base, .feedEstablished(feed: request(base))).isEmpty, "a publisher is no feed")
        #expect(connection.told(base, .feedEstablished(feed: request(99))).isEmpty)
    }

    @Test func `The end of a feed is not told, and frees its id`() {
        var connection = Transcript()
        let base = connection.join("pub-a")
        let other = connection.join("pub-x")
        let feed = connection.attach("sub-1")
        #expect(connection.told(other, .feedEnded(feed: request(feed))).isEmpty)
        #expect(connection.ask(.trickle(feed: "sub-1")).count == 2, "another session cannot end it")
        #expect(connection.told(base, .feedEnded(feed: request(feed))).isEmpty)
        #expect(
            connection.ask(.trickle(feed: "sub-1"))
                == refused("trickle", "trickle: unknown video room session: sub-1"))
        #expect(connection.told(base, .feedEnded(feed: request(base))).isEmpty)
        #expect(connection.ask(.trickle("pub-a")).count == 2, "a publisher is no feed")
        #expect(connection.attach("sub-1") != feed)
    }

    @Test func `D48 B26 A terminated base session takes its feeds with it, and no others`() {
        var connection = Transcript()
        let base = connection.join("pub-a")
        let other = connection.join("pub-x")
        let feed = connection.attach("sub-1")
        let kept = connection.attach("sub-2", under: "pub-x")
        #expect(connection.told(base, .state(.terminated(reason: nil))) == [.terminated("pub-a", nil)])
        #expect(connection.told(base, .feedOffered(feed: request(feed), offer: sdp("offer"))).isEmpty)
        #expect(connection.machine.sessions(at: slot(1)) == [.test(other), .test(kept)])
        #expect(
            connection.ask(.detach("sub-1"))
                == refused("feed-detach", "feed-detach: unknown video room session to detach: sub-1"))
        #expect(
            connection.told(other, .feedEstablished(feed: request(kept)))
                == [.event("pub-x", .feedEstablished(subscription: client("sub-2")))])
    }

    // MARK: Twice or backwards

    @Test func `E07 A state that does not advance is not told`() {
        var connection = Transcript()
        let join = connection.join()
        #expect(
            connection.told(join, .state(.progress)) == [
                .note(.unexpected("progress after accepted, of session \(join)"))
            ])
        #expect(connection.told(join, .state(.accepted(answer: sdp("again")))).count == 1)
        #expect(connection.told(join, .state(.established)) == [.event("pub-a", .state(.established))])
        #expect(
            connection.told(join, .state(.established)) == [
                .note(.unexpected("established after established, of session \(join)"))
            ])
        #expect(
            connection.told(join, .state(.terminated(reason: nil))) == [.terminated("pub-a", nil)])
    }

    @Test func `E08 Initial publishers are told once, even when there were none`() {
        var connection = Transcript()
        let join = connection.join()
        _ = connection.told(join, .initialPublishers([]))
        #expect(
            connection.told(join, .initialPublishers([publisher("pub-b")])) == [
                .note(.unexpected("initial publishers again, of session \(join)"))
            ])
        #expect(connection.told(join, .publishersJoined([publisher("pub-b")])).count == 1)
    }

    @Test func `E09 E10 Who is there does not join again, and who is not there does not leave`() {
        var connection = Transcript()
        let join = connection.join()
        _ = connection.told(join, .initialPublishers([publisher("pub-b")]))
        #expect(
            connection.told(join, .publishersJoined([publisher("pub-b"), publisher("pub-c"), publisher("pub-c")])) == [
                .note(.unexpected("pub-b joined again, of session \(join)")),
                .note(.unexpected("pub-c joined again, of session \(join)")),
                .event("pub-a", .publishersJoined([publisher("pub-c")])),
            ])
        #expect(
            connection.told(join, .publishersJoined([publisher("pub-c")])) == [
                .note(.unexpected("pub-c joined again, of session \(join)"))
            ])
        #expect(
            connection.told(join, .publishersLeft([client("pub-d"), client("pub-b"), client("pub-b")])) == [
                .note(.unexpected("pub-d left without having been there, of session \(join)")),
                .note(.unexpected("pub-b left without having been there, of session \(join)")),
                .event("pub-a", .publishersLeft([client("pub-b")])),
            ])
        #expect(connection.told(join, .publishersLeft([client("pub-b")])).count == 1)
        #expect(
            connection.told(join, .publishersJoined([publisher("pub-b")]))
                == [.event("pub-a", .publishersJoined([publisher("pub-b")]))])
    }

    @Test func `Somebody else under a name that is announced: the one who had it has left`() {
        var connection = Transcript()
        let join = connection.join()
        _ = connection.told(join, .initialPublishers([publisher("pub-b"), publisher("pub-c")]))
        let other = Publisher(
            id: publisherID("other"), session: client("pub-b"), account: account(bob), displayName: "Bob")
        #expect(
            connection.told(join, .publishersJoined([other])) == [
                .note(.unexpected("pub-b joined in another's place, of session \(join)")),
                .event("pub-a", .publishersLeft([client("pub-b")])),
                .event("pub-a", .publishersJoined([other])),
            ])
        #expect(connection.told(join, .publishersJoined([other])).count == 1, "and is there now")
    }

    @Test func `E11 E12 A feed is offered and established once`() {
        var connection = Transcript()
        let join = connection.join()
        let feed = connection.attach("sub-1")
        let other = connection.attach("sub-2")
        let offered = WorkerEvent.feedOffered(feed: request(feed), offer: sdp("offer"))
        let established = WorkerEvent.feedEstablished(feed: request(feed))
        #expect(connection.told(join, offered).count == 1)
        #expect(
            connection.told(join, offered) == [
                .note(.unexpected("another offer for feed \(feed), of session \(join)"))
            ])
        #expect(connection.told(join, established).count == 1)
        #expect(
            connection.told(join, established) == [
                .note(.unexpected("feed \(feed) established again, of session \(join)"))
            ])
        #expect(
            connection.told(join, .feedEstablished(feed: request(other))) == [
                .event("pub-a", .feedEstablished(subscription: client("sub-2")))
            ])
        #expect(
            connection.told(join, .feedOffered(feed: request(other), offer: sdp("offer"))) == [
                .note(.unexpected("another offer for feed \(other), of session \(join)"))
            ], "too late")
    }

    // MARK: Not for the client

    @Test func `B18 Events of another worker, of unknown sessions and of feeds by themselves are ignored`() {
        var connection = Transcript()
        let base = connection.join()
        let feed = connection.attach("sub-1")
        #expect(connection.told(base, .state(.established), by: 2).isEmpty)
        #expect(connection.told(99, .state(.established)).isEmpty)
        #expect(connection.told(base, .state(.established)) == [.event("pub-a", .state(.established))])
        #expect(connection.ask(.join("pub-b")).count == 2)
        #expect(connection.told(connection.last, .state(.progress)).isEmpty, "its worker is not known yet")
        _ = feed
    }

    @Test func `Answers to requests under way still come after the session has ended`() {
        var connection = Transcript()
        let base = connection.join()
        _ = connection.ask(.trickle())
        _ = connection.told(base, .state(.terminated(reason: "ICE failed")))
        #expect(connection.answered() == [.ack("t")])
    }
}
