import Identity
import NIOCore
import Sylkrtc
import Testing

@testable import Frontdoor

/// A link is lost and another comes up: the client notices nothing.
@Suite struct ResyncTests {
    // MARK: The loss

    @Test func `A lost link ends nothing and answers nothing`() {
        var connection = Transcript()
        let base = connection.join()
        _ = connection.ask(.trickle(), as: "trickle")
        connection.linkLost()
        #expect(connection.machine.unansweredCount == 1)
        #expect(connection.machine.sessions(at: slot(1)) == [.test(base)])
        #expect(connection.deadlinePassed() == refused("trickle", "request timed out", as: "trickle"))
    }

    @Test func `Requests about a session that is out of sync are held, of another worker's they are not`() {
        var connection = Transcript()
        _ = connection.join("pub-a", at: 1)
        let other = connection.join("pub-x", at: 2)
        connection.linkLost(1)
        #expect(connection.ask(.trickle()) == [.startDeadline(request(4))])
        #expect(connection.ask(.update()) == [.startDeadline(request(5))])
        #expect(connection.ask(.attach("sub-1", to: "pub-b")) == [.startDeadline(request(6))])
        #expect(connection.ask(.trickle(feed: "sub-1")) == [.startDeadline(request(7))])
        #expect(connection.ask(.trickle("pub-x")) == forwarded(8, .trickling(other), to: 2))
        #expect(connection.ask(.terminate("pub-a")) == [.startDeadline(request(9))])
    }

    @Test func `A request that meets no link has not arrived, and is held with what comes behind it`() {
        var connection = Transcript()
        _ = connection.join()
        #expect(connection.ask(.trickle()) == forwarded(3, .trickling(2)))
        connection.notSent(3)
        #expect(connection.ask(.trickle()) == [.startDeadline(request(4))])
        #expect(connection.resync().repeats == ["3", "4"])
    }

    @Test func `A join that meets no link is held, and goes with the list`() {
        var connection = Transcript()
        _ = connection.ask(.join("pub-a")) + connection.located()
        connection.notSent(2)
        #expect(connection.ask(.trickle()) == [.startDeadline(request(3))])
        let resync = connection.resync()
        #expect(resync.sessions == [2] && resync.repeats == ["2", "3"])
        #expect(connection.answered(2) == [.ack("t")])
        #expect(connection.ask(.trickle()) == [.startDeadline(request(4))], "it was in the list")
        #expect(connection.resynced(2) == [.forward(request(4), .trickling(2), to: slot(1))])
    }

    @Test func `A join that is located at a worker without a link goes with the list`() {
        var connection = Transcript()
        _ = connection.join()
        connection.linkLost()
        _ = connection.ask(.join("pub-b"))
        #expect(connection.located().isEmpty)
        #expect(connection.resync().repeats == ["3"])
    }

    @Test func `B36 With 64 requests held the client is not read until they are answered`() {
        var connection = Transcript()
        _ = connection.join()
        connection.linkLost()
        for _ in 0..<63 { #expect(connection.ask(.trickle()).count == 1) }
        #expect(connection.ask(.trickle()).last == .pauseReading)
        #expect(connection.resync().requests.count == 64)
        #expect(connection.answered(3) == [.ack("t"), .resumeReading])
    }

    @Test func `An answer to what is not on the link is none`() {
        var connection = Transcript()
        _ = connection.join()
        _ = connection.ask(.trickle())
        connection.linkLost()
        #expect(connection.answered() == [.note(.unexpected("an answer from host1/1"))])
        _ = connection.resync()
        #expect(connection.answered() == [.ack("t")])
    }

    // MARK: The list

    @Test func `The list repeats every unanswered request in order, and says which of them were sent before`() {
        var connection = Transcript()
        let base = connection.join("pub-a")
        let feed = connection.attach("sub-1")
        _ = connection.join("pub-x", at: 2)
        _ = connection.ask(.trickle()) + connection.ask(.answer("sub-1")) + connection.ask(.trickle("pub-x"))
        _ = connection.ask(.join("pub-b")) + connection.located()
        connection.linkLost()
        _ = connection.ask(.update()) + connection.ask(.join("pub-c"))
        let resync = connection.resync()
        #expect(resync.repeats == ["5 again", "6 again", "8 again", "9"])
        #expect(resync.requests.first?.request == .trickling(base))
        #expect(resync.sessions == [base, feed, 8])
        #expect(connection.machine.deadline(of: request(5)) == .uptimeNanoseconds(5), "its own")
        connection.linkLost()
        #expect(connection.resync().repeats == ["5 again", "6 again", "8 again", "9 again"])
    }

    @Test func `The list says what the client was told`() {
        var connection = Transcript()
        _ = connection.ask(.join("pub-a")) + connection.located()
        #expect(connection.resync().told(2) == .publisher(ToldState()))
        _ = connection.answered() + connection.resynced(2)
        _ = connection.told(2, .state(.progress)) + connection.told(2, .state(.accepted(answer: sdp("answer"))))
        _ = connection.told(2, .initialPublishers([publisher("pub-b"), publisher("pub-c")]))
        _ = connection.told(2, .publishersJoined([publisher("pub-d")]))
        _ = connection.told(2, .publishersLeft([client("pub-b")]))
        _ = connection.ask(.update("pub-a", #""bitrate":64000"#))
        #expect(
            connection.resync().told(2)
                == .publisher(
                    ToldState(
                        isAcked: true, stage: .accepted, hasInitialPublishers: true,
                        announced: [client("pub-c"): publisherID("pub-c"), client("pub-d"): publisherID("pub-d")])))
        _ = connection.answered()
        guard case .publisher(let told) = connection.resync().told(2) else {
            Issue.record("no publisher")
            return
        }
        #expect(told.bitrateCap == 64000, "only what was acknowledged")
    }

    @Test func `The list says what the client was told of its feeds`() {
        var connection = Transcript()
        let base = connection.join()
        _ = connection.ask(.attach("sub-1", to: "pub-b"))
        func told() -> ToldFeed? {
            guard case .feed(request(base), let told) = connection.resync().told(3) else { return nil }
            return told
        }
        #expect(told() == ToldFeed())
        _ = connection.answered()
        #expect(told() == ToldFeed(isAcked: true))
        _ = connection.told(base, .feedOffered(feed: request(3), offer: sdp("offer")))
        _ = connection.resynced(3)
        _ = connection.ask(.answer("sub-1"))
        #expect(told() == ToldFeed(isAcked: true, isOffered: true))
        _ = connection.answered() + connection.told(base, .feedEstablished(feed: request(3)))
        #expect(told() == ToldFeed(isAcked: true, isOffered: true, isAnswered: true, isEstablished: true))
        _ = connection.resynced(3) + connection.ask(.update("sub-1", #""bitrate":64000"#)) + connection.answered()
        #expect(told() == ToldFeed(isAcked: true, isOffered: true, isAnswered: true, isEstablished: true))
    }

    @Test func `An account's removal is repeated to every worker that still owes it`() {
        var connection = Transcript()
        _ = connection.join("pub-a", at: 1)
        _ = connection.join("pub-b", at: 2)
        _ = connection.join("pub-c", at: 3)
        _ = connection.ask(.removeAccount())
        let removal = connection.last
        _ = connection.answered(by: 3)
        connection.linkLost(1)
        connection.linkLost(3)
        #expect(connection.resync(3).requests.isEmpty)
        #expect(connection.resync(1).repeats == ["\(removal) again"])
        #expect(connection.answered(removal, by: 2).isEmpty)
        #expect(connection.answered(removal, by: 1) == [.ack("t")])
    }

    @Test func `What is over for the client is not in the list`() {
        var connection = Transcript()
        let base = connection.join()
        _ = connection.attach("sub-1")
        _ = connection.ask(.detach("sub-1")) + connection.answered()
        #expect(connection.resync().sessions == [base])
        _ = connection.told(base, .state(.terminated(reason: nil)))
        #expect(connection.resync() == Resync(entries: [], requests: []))
        _ = connection.closed()
        #expect(connection.resync() == Resync(entries: [], requests: []))
    }

    // MARK: In sync again

    @Test func `What came behind the list leaves in order when its session is in sync`() {
        var connection = Transcript()
        let base = connection.join()
        connection.linkLost()
        #expect(connection.resync().repeats == [])
        #expect(connection.ask(.trickle()) == [.startDeadline(request(3))])
        #expect(connection.ask(.update()) == [.startDeadline(request(4))])
        #expect(
            connection.resynced(base)
                == [
                    .forward(request(3), .trickling(base), to: slot(1)),
                    .forward(request(4), .pausing(base), to: slot(1)),
                ])
        #expect(connection.ask(.trickle()) == forwarded(5, .trickling(base)))
        #expect(connection.resynced(base).isEmpty, "once more is nothing new")
    }

    @Test func `A feed is in sync on its own, and so is its base`() {
        var connection = Transcript()
        let base = connection.join()
        let feed = connection.attach("sub-1")
        connection.linkLost()
        _ = connection.resync()
        _ = connection.ask(.trickle(feed: "sub-1")) + connection.ask(.trickle())
        #expect(connection.resynced(feed) == [.forward(request(4), .trickling(feed), to: slot(1))])
        #expect(connection.ask(.detach("sub-1")).count == 2)
        #expect(connection.resynced(base) == [.forward(request(5), .trickling(base), to: slot(1))])
    }

    @Test func `A feed that is attached behind the list waits for its base, and is in sync at once`() {
        var connection = Transcript()
        let base = connection.join()
        connection.linkLost()
        _ = connection.resync()
        _ = connection.ask(.attach("sub-1", to: "pub-b"))
        _ = connection.ask(.trickle(feed: "sub-1"))
        #expect(
            connection.resynced(base)
                == [
                    .forward(request(3), .attaching("sub-1", to: "pub-b", under: base), to: slot(1)),
                    .forward(request(4), .trickling(3), to: slot(1)),
                ])
        #expect(connection.ask(.trickle(feed: "sub-1")) == forwarded(5, .trickling(3)))
    }

    @Test func `A feed that is attached before the list is in sync when the worker says so`() {
        var connection = Transcript()
        let base = connection.join()
        connection.linkLost()
        _ = connection.ask(.attach("sub-1", to: "pub-b"))
        #expect(connection.resync().repeats == ["3"])
        #expect(connection.resynced(base).isEmpty)
        #expect(connection.ask(.trickle(feed: "sub-1")) == [.startDeadline(request(4))])
        #expect(connection.answered(3) == [.ack("t")])
        #expect(connection.resynced(3) == [.forward(request(4), .trickling(3), to: slot(1))])
    }

    @Test func `Sessions that are created on a link that is up need no resync`() {
        var connection = Transcript()
        _ = connection.join("pub-a")
        connection.linkLost()
        _ = connection.resync()
        let join = connection.join("pub-b")
        #expect(connection.ask(.trickle("pub-b")) == forwarded(4, .trickling(join)))
        #expect(connection.ask(.attach("sub-1", to: "pub-c", under: "pub-b")).count == 2)
        #expect(connection.ask(.trickle("pub-b", feed: "sub-1")).count == 2)
    }

    @Test func `Only the session's own worker can say that it is in sync, and only on a link`() {
        var connection = Transcript()
        let base = connection.join()
        connection.linkLost()
        #expect(connection.resynced(base).isEmpty)
        _ = connection.ask(.trickle())
        _ = connection.resync()
        #expect(connection.resynced(base, by: 2).isEmpty && connection.resynced(99).isEmpty)
        #expect(connection.ask(.trickle()) == [.startDeadline(request(4))])
        #expect(connection.resynced(base) == [.forward(request(4), .trickling(base), to: slot(1))])
    }

    @Test func `A link that is lost during the resync starts it anew`() {
        var connection = Transcript()
        let base = connection.join()
        _ = connection.ask(.trickle())
        connection.linkLost()
        _ = connection.resync()
        _ = connection.ask(.update())
        connection.linkLost()
        #expect(connection.resynced(base).isEmpty)
        #expect(connection.resync().repeats == ["3 again", "4"])
        #expect(connection.answered(3) == [.ack("t")])
        #expect(connection.resynced(base).isEmpty)
        #expect(connection.answered(4) == [.ack("t")])
    }

    @Test func `A session that is over before it is in sync takes what is held for it with it`() {
        var connection = Transcript()
        let base = connection.join()
        _ = connection.attach("sub-1")
        _ = connection.ask(.trickle(), as: "sent")
        connection.linkLost()
        _ = connection.resync()
        _ = connection.ask(.trickle(), as: "trickle") + connection.ask(.detach("sub-1"), as: "detach")
        _ = connection.ask(.attach("sub-2", to: "pub-b"), as: "attach") + connection.ask(.terminate("pub-a"), as: "end")
        #expect(
            connection.told(base, .state(.terminated(reason: "kicked")))
                == [.terminated("pub-a", "kicked")]
                + refused("trickle", "trickle: unknown video room session: pub-a", as: "trickle")
                + refused("feed-detach", "feed-detach: unknown video room session to detach: sub-1", as: "detach")
                + refused("feed-attach", "feed-attach: unknown video room session: pub-a", as: "attach")
                + refused("videoroom-terminate", "Unknown video room session: pub-a", as: "end"))
        #expect(connection.answered(4) == [.ack("sent")], "the worker has that one")
        #expect(connection.resynced(base).isEmpty)
    }

    @Test func `An account's removal waits until everything before it has left`() {
        var connection = Transcript()
        let first = connection.join("pub-a")
        let second = connection.join("pub-b")
        connection.linkLost()
        _ = connection.resync()
        _ = connection.ask(.trickle("pub-b"))
        let trickle = connection.last
        #expect(connection.ask(.removeAccount(), as: "remove").count == 2)
        let removal = connection.last
        #expect(connection.resynced(first).isEmpty)
        #expect(
            connection.resynced(second)
                == [
                    .forward(request(trickle), .trickling(second), to: slot(1)),
                    .forward(request(removal), .releaseAccount(account(alice)), to: slot(1)),
                ])
    }

    @Test func `A repeated join that finds its room elsewhere is as new there`() {
        var connection = Transcript()
        _ = connection.ask(.join("pub-a"), as: "join") + connection.located()
        _ = connection.ask(.trickle(), as: "trickle")
        connection.linkLost()
        _ = connection.resync()
        #expect(connection.answered(2, .notOwner(slot(2))) == [.locate(request(2), roomURI())])
        #expect(connection.resynced(2).isEmpty)
        #expect(
            connection.located(2, at: 2)
                == [
                    .forward(request(2), .joining("pub-a"), to: slot(2)),
                    .forward(request(3), .trickling(2), to: slot(2)),
                ])
        #expect(connection.answered(2, by: 2) == [.ack("join")])
        #expect(connection.ask(.trickle()).count == 2)
    }

    // MARK: Deadlines meanwhile

    @Test func `A join that times out without ever having been sent owes nothing, one that was sent owes a release`() {
        var connection = Transcript()
        _ = connection.ask(.join("pub-a")) + connection.located()
        connection.notSent(2)
        #expect(connection.deadlinePassed(2) == refused("videoroom-join", "request timed out"))
        _ = connection.resync()
        _ = connection.ask(.join("pub-a")) + connection.located()
        connection.linkLost()
        #expect(
            connection.deadlinePassed(3)
                == refused("videoroom-join", "request timed out") + [.release(.test(3), at: slot(1))])
        #expect(connection.resync() == Resync(entries: [], requests: []))
    }

    @Test func `A teardown that times out while it is held becomes a release`() {
        var connection = Transcript()
        let base = connection.join()
        let feed = connection.attach("sub-1")
        connection.linkLost()
        _ = connection.ask(.detach("sub-1"))
        #expect(
            connection.deadlinePassed()
                == refused("feed-detach", "request timed out") + [.release(.test(feed), at: slot(1))])
        _ = connection.ask(.terminate("pub-a"))
        #expect(
            connection.deadlinePassed()
                == refused("videoroom-terminate", "request timed out")
                + [.terminated("pub-a", "408 Request Timeout"), .release(.test(base), at: slot(1))])
    }

    @Test func `A slot that is abandoned while it had no link ends what waited for it`() {
        var connection = Transcript()
        _ = connection.join()
        connection.linkLost()
        _ = connection.ask(.trickle(), as: "trickle")
        #expect(
            connection.slotAbandoned()
                == refused("trickle", "worker lost", as: "trickle") + [.terminated("pub-a", "500 Worker lost")])
        _ = connection.resync()
        #expect(connection.join() == 4, "and is there again")
    }
}
