import Identity
import Sylkrtc
import Testing

@testable import Frontdoor

@Suite struct JoinTests {
    @Test func `R10 A join is located, forwarded to the room's worker and acknowledged`() {
        var connection = Transcript()
        #expect(connection.ask(.join("pub-a")) == [.startDeadline(request(2)), .locate(request(2), roomURI())])
        #expect(connection.located(2, at: 3) == [.forward(request(2), .joining("pub-a"), to: slot(3))])
        #expect(connection.answered(2, by: 3) == [.ack("t")])
        #expect(connection.machine.sessions(at: slot(3)) == [.test(2)])
        #expect(connection.machine.sessions(at: slot(1)).isEmpty)
    }

    @Test func `R10 An id in use comes first, then the account, then the number of sessions`() {
        var connection = Transcript()
        _ = connection.join()
        #expect(
            connection.ask(.join("pub-a", as: bob))
                == refused("videoroom-join", "Session ID pub-a already in use"))
        #expect(
            connection.ask(.join("pub-b", as: "Bob@Example.ORG"))
                == refused("videoroom-join", "Unknown account specified: Bob@Example.ORG"))
        for number in 1..<Limits().sessions { _ = connection.attach("sub-\(number)") }
        #expect(
            connection.ask(.join("pub-b", as: bob)) == refused("videoroom-join", "Unknown account specified: \(bob)"))
        let limit = [Action.note(.limit(.sessions))]
        #expect(connection.ask(.join("pub-b")) == limit + refused("videoroom-join", "too many sessions"))
        #expect(
            connection.ask(.attach("sub-128", to: "pub-b")) == limit + refused("feed-attach", "too many sessions"))
        #expect(connection.ask(.detach("sub-1")).count == 2 && connection.answered() == [.ack("t")])
        #expect(connection.ask(.join("pub-b")).count == 2)
    }

    @Test func `D42 B28 An id is in use from the request on, by publishers and feeds alike, and free after the end`() {
        var connection = Transcript()
        _ = connection.ask(.join("pub-a"))
        let join = connection.last
        let inUse = refused("videoroom-join", "Session ID pub-a already in use")
        #expect(connection.ask(.join("pub-a")) == inUse)
        _ = connection.located(join) + connection.answered(join)
        #expect(connection.ask(.join("pub-a")) == inUse)
        #expect(
            connection.ask(.attach("pub-a", to: "pub-b"))
                == refused("feed-attach", "feed-attach: video room session ID pub-a already in use"))
        _ = connection.attach("sub-1")
        #expect(connection.ask(.join("sub-1")) == refused("videoroom-join", "Session ID sub-1 already in use"))
        _ = connection.told(join, .state(.terminated(reason: nil)))
        #expect(connection.ask(.join("sub-1")).count == 2, "feeds end with their base session")
        #expect(connection.ask(.join("pub-a")).count == 2)
    }

    @Test func `D42 B28 An id is free again when its join failed`() {
        var connection = Transcript()
        _ = connection.ask(.join("pub-a"))
        #expect(
            connection.notLocated(connection.last, "no worker is available")
                == refused("videoroom-join", "no worker is available"))
        _ = connection.ask(.join("pub-a")) + connection.located()
        #expect(
            connection.answered(nil, .error("room \(room) is full"))
                == refused("videoroom-join", "room \(room) is full"))
        _ = connection.ask(.join("pub-a"))
        #expect(connection.undeliverable(connection.last).count == 1, "it was not sent anywhere")
        _ = connection.located()
        #expect(
            connection.undeliverable(connection.last) == refused("videoroom-join", "no worker is available"))
        #expect(connection.ask(.join("pub-a")).count == 2)
    }

    // MARK: Another worker's room

    @Test func `A join follows its room three times, and then gives up`() {
        var connection = Transcript()
        _ = connection.ask(.join("pub-a")) + connection.located(at: 1)
        for place in 2...4 {
            #expect(
                connection.answered(nil, .notOwner(slot(place)), by: place - 1) == [.locate(request(2), roomURI())])
            #expect(connection.located(at: place) == [.forward(request(2), .joining("pub-a"), to: slot(place))])
        }
        #expect(
            connection.answered(nil, .notOwner(slot(5)), by: 4)
                == refused("videoroom-join", "the room cannot be found"))
        #expect(connection.machine.unansweredCount == 0)
        #expect(connection.machine.sessions(at: slot(4)).isEmpty)
    }

    @Test func `A join that followed is acknowledged by the worker it came to`() {
        var connection = Transcript()
        _ = connection.ask(.join("pub-a")) + connection.located(at: 1)
        _ = connection.answered(nil, .notOwner(slot(2)), by: 1)
        #expect(connection.machine.sessions(at: slot(1)).isEmpty)
        #expect(connection.slotAbandoned(1).isEmpty, "that worker has nothing to do with it any more")
        _ = connection.located(at: 2)
        #expect(connection.answered(by: 1) == [.note(.unexpected("an answer from host1/1"))])
        #expect(connection.answered(by: 2) == [.ack("t")])
        #expect(connection.machine.sessions(at: slot(2)) == [.test(2)])
    }

    @Test func `Only a join can be sent elsewhere`() {
        var connection = Transcript()
        _ = connection.join()
        _ = connection.ask(.trickle())
        #expect(connection.answered(nil, .notOwner(slot(2))) == refused("trickle", "the room cannot be found"))
    }

    @Test func `R16 What was sent behind a join follows it, and is answered by the worker it came to`() {
        var connection = Transcript()
        _ = connection.ask(.join("pub-a"), as: "join") + connection.located(at: 1)
        #expect(connection.ask(.trickle(), as: "first") == forwarded(3, .trickling(2)))
        #expect(connection.ask(.update(), as: "second") == forwarded(4, .pausing(2)))
        #expect(connection.answered(4) == [.ack("second")])
        #expect(connection.answered(2, .notOwner(slot(2))) == [.locate(request(2), roomURI())])
        let early = WorkerAnswer.error("trickle: unknown video room session: it has ended")
        #expect(connection.answered(3, early, by: 1) == [.note(.unexpected("an answer from host1/1"))])
        #expect(connection.ask(.trickle(), as: "third") == [.startDeadline(request(5))])
        #expect(
            connection.located(2, at: 2)
                == [
                    .forward(request(2), .joining("pub-a"), to: slot(2)),
                    .forward(request(3), .trickling(2), to: slot(2)),
                    .forward(request(5), .trickling(2), to: slot(2)),
                ])
        #expect(connection.answered(3, early, by: 1) == [.note(.unexpected("an answer from host1/1"))])
        #expect(connection.answered(2, by: 2) == [.ack("join")])
        #expect(connection.answered(3, by: 2) == [.ack("first")])
        #expect(connection.answered(5, by: 2) == [.ack("third")])
    }

    // MARK: Waiting for the worker to be known

    @Test func `Requests about a session that is still being located wait, and follow in their order`() {
        var connection = Transcript()
        _ = connection.ask(.join("pub-a"), as: "join")
        #expect(connection.ask(.trickle(), as: "3") == [.startDeadline(request(3))])
        #expect(connection.ask(.attach("sub-1", to: "pub-b"), as: "4") == [.startDeadline(request(4))])
        #expect(connection.ask(.trickle(), as: "5") == [.startDeadline(request(5))])
        #expect(connection.ask(.trickle(feed: "sub-1"), as: "6") == [.startDeadline(request(6))])
        #expect(connection.ask(.update(), as: "7") == [.startDeadline(request(7))])
        _ = connection.deadlinePassed(5)
        #expect(
            connection.located(2, at: 2)
                == [
                    .forward(request(2), .joining("pub-a"), to: slot(2)),
                    .forward(request(3), .trickling(2), to: slot(2)),
                    .forward(request(4), .attaching("sub-1", to: "pub-b", under: 2), to: slot(2)),
                    .forward(request(6), .trickling(4), to: slot(2)),
                    .forward(request(7), .pausing(2), to: slot(2)),
                ])
        #expect(connection.machine.sessions(at: slot(2)) == [.test(2), .test(4)])
        for (number, transaction) in zip(UInt64(2)...7, ["join", "3", "4", nil, "6", "7"]) {
            #expect(connection.answered(number, by: 2) == (transaction.map { [.ack($0)] } ?? []))
        }
    }

    @Test func `What waited for a join that failed is told in its own words that the session is unknown`() {
        var connection = Transcript()
        _ = connection.ask(.join("pub-a"), as: "join")
        _ = connection.ask(.attach("sub-1", to: "pub-b"), as: "attach")
        _ = connection.ask(.trickle(), as: "trickle")
        _ = connection.ask(.trickle(feed: "sub-1"), as: "trickle feed")
        _ = connection.ask(.answer("sub-1"), as: "answer")
        _ = connection.ask(.detach("sub-1"), as: "detach")
        _ = connection.ask(.update("sub-1"), as: "update")
        _ = connection.ask(.terminate("pub-a"), as: "terminate")
        #expect(
            connection.notLocated(2, "no worker is available").filter { if case .send = $0 { true } else { false } }
                == [
                    .error("join", "no worker is available"),
                    .error("attach", "feed-attach: unknown video room session: pub-a"),
                    .error("trickle", "trickle: unknown video room session: pub-a"),
                    .error("trickle feed", "trickle: unknown video room session: sub-1"),
                    .error("answer", "feed-answer: unknown video room session: sub-1"),
                    .error("detach", "feed-detach: unknown video room session to detach: sub-1"),
                    .error("update", "update: unknown video room session: sub-1"),
                    .error("terminate", "Unknown video room session: pub-a"),
                ])
        #expect(connection.machine.unansweredCount == 0)
        #expect(connection.ask(.join("sub-1")).count == 2)
    }

    @Test func `A refusal answers what was sent behind the join once, whatever the worker says of it later`() {
        var connection = Transcript()
        _ = connection.ask(.join("pub-a"), as: "join") + connection.located()
        _ = connection.ask(.trickle(), as: "trickle")
        let text = "alice@example.org is not allowed to join room \(room)"
        #expect(
            connection.answered(2, .error(text))
                == refused("videoroom-join", text, as: "join")
                + refused("trickle", "trickle: unknown video room session: pub-a", as: "trickle"))
        #expect(connection.answered(3, .error("trickle: unknown video room session: it has ended")).isEmpty)
    }

    @Test func `A room found too late is of no use`() {
        var connection = Transcript()
        _ = connection.ask(.join("pub-a"))
        #expect(connection.deadlinePassed(2) == refused("videoroom-join", "request timed out"))
        #expect(connection.located(2).isEmpty)
        #expect(connection.notLocated(2, "no worker is available").isEmpty)
        #expect(connection.deadlinePassed(2).isEmpty)
    }
}
