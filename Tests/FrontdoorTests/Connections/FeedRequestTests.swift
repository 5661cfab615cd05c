import JSONText
import Sylkrtc
import Testing

@testable import Frontdoor

@Suite struct FeedRequestTests {
    // MARK: feed-attach

    @Test func `R12 A feed is attached by the worker of its base session`() {
        var connection = Transcript()
        let base = connection.join(at: 2)
        #expect(
            connection.ask(.attach("sub-1", to: "pub-b"))
                == forwarded(3, .attaching("sub-1", to: "pub-b", under: base), to: 2))
        #expect(connection.answered(by: 2) == [.ack("t")])
        #expect(connection.machine.sessions(at: slot(2)) == [.test(base), .test(3)])
    }

    @Test func `R12 An id in use comes before an unknown base session`() {
        var connection = Transcript()
        _ = connection.join()
        _ = connection.attach("sub-1")
        #expect(
            connection.ask(.attach("sub-1", to: "pub-b", under: "nobody"))
                == refused("feed-attach", "feed-attach: video room session ID sub-1 already in use"))
        #expect(
            connection.ask(.attach("sub-2", to: "pub-b", under: "nobody"))
                == refused("feed-attach", "feed-attach: unknown video room session: nobody"))
        #expect(
            connection.ask(.attach("sub-2", to: "pub-b", under: "sub-1"))
                == refused("feed-attach", "feed-attach: unknown video room session: sub-1"), "D44: under a feed")
    }

    @Test func `R12 A refused feed leaves nothing behind`() {
        var connection = Transcript()
        _ = connection.join()
        _ = connection.ask(.attach("sub-1", to: "pub-a"))
        let text = "feed-attach: unknown publisher video room session to attach to: pub-a"
        #expect(connection.answered(nil, .error(text)) == refused("feed-attach", text))
        #expect(
            connection.ask(.trickle(feed: "sub-1"))
                == refused("trickle", "trickle: unknown video room session: sub-1"))
        #expect(connection.ask(.attach("sub-1", to: "pub-b")).count == 2)
    }

    // MARK: feed-answer

    @Test func `R13 D45 An answer is for a feed of the session it names`() {
        var connection = Transcript()
        _ = connection.join("pub-a")
        _ = connection.join("pub-x", at: 2)
        let feed = connection.attach("sub-1")
        for (feed, session) in [("sub-2", "pub-a"), ("sub-1", "pub-x"), ("pub-a", "pub-a"), ("sub-1", "nobody")] {
            #expect(
                connection.ask(.answer(feed, under: session))
                    == refused("feed-answer", "feed-answer: unknown video room session: \(feed)"))
        }
        let number = connection.last + 1
        #expect(
            connection.ask(.answer("sub-1"))
                == forwarded(number, .feedAnswer(feed: request(feed), answer: sdp("answer"))))
        let text = "feed-answer: video room session sub-1 has no pending offer"
        #expect(connection.answered(nil, .error(text)) == refused("feed-answer", text))
        #expect(connection.ask(.answer("sub-1")).count == 2, "the feed is still there")
        #expect(connection.answered() == [.ack("t")])
    }

    // MARK: feed-detach

    @Test func `R14 What is no session is unknown, what is no feed of the session is not attached`() {
        var connection = Transcript()
        _ = connection.join("pub-a")
        _ = connection.join("pub-x", at: 2)
        _ = connection.attach("sub-1")
        #expect(
            connection.ask(.detach("sub-2"))
                == refused("feed-detach", "feed-detach: unknown video room session to detach: sub-2"))
        #expect(
            connection.ask(.detach("pub-a"))
                == refused("feed-detach", "feed-detach: pub-a is not an attached feed of pub-a"))
        #expect(
            connection.ask(.detach("sub-1", under: "pub-x"))
                == refused("feed-detach", "feed-detach: sub-1 is not an attached feed of pub-x"))
        #expect(
            connection.ask(.detach("sub-1", under: "nobody"))
                == refused("feed-detach", "feed-detach: sub-1 is not an attached feed of nobody"))
    }

    @Test func `R14 A detached feed is gone with its acknowledgement, without an event, and can be attached again`() {
        var connection = Transcript()
        let base = connection.join()
        let feed = connection.attach("sub-1")
        let number = connection.last + 1
        #expect(connection.ask(.detach("sub-1")) == forwarded(number, .feedDetach(feed: request(feed))))
        #expect(connection.ask(.trickle(feed: "sub-1")).count == 2, "until then it is there")
        #expect(connection.answered(number) == [.ack("t")])
        #expect(
            connection.ask(.detach("sub-1"))
                == refused("feed-detach", "feed-detach: unknown video room session to detach: sub-1"))
        #expect(connection.told(base, .feedEnded(feed: request(feed))).isEmpty)
        #expect(connection.told(base, .feedOffered(feed: request(feed), offer: sdp("offer"))).isEmpty)
        let again = connection.attach("sub-1")
        #expect(again != feed)
        #expect(
            connection.told(base, .feedEstablished(feed: request(again)))
                == [.event("pub-a", .feedEstablished(subscription: client("sub-1")))])
    }

    @Test func `R14 A feed that cannot be detached stays`() {
        var connection = Transcript()
        _ = connection.join()
        _ = connection.attach("sub-1")
        _ = connection.ask(.detach("sub-1"))
        #expect(connection.answered(nil, .error("Unauthorized")) == refused("feed-detach", "Unauthorized"))
        #expect(connection.ask(.trickle(feed: "sub-1")).count == 2)
    }

    // MARK: trickle and update

    @Test func `R16 Candidates are for the session itself or for a feed of it`() {
        var connection = Transcript()
        let base = connection.join("pub-a")
        _ = connection.join("pub-x", at: 2)
        let feed = connection.attach("sub-1")
        #expect(connection.ask(.trickle()) == forwarded(5, .trickling(base)))
        #expect(connection.ask(.trickle(feed: "")) == forwarded(6, .trickling(base)))
        #expect(connection.ask(.trickle(feed: "pub-a")) == forwarded(7, .trickling(base)))
        #expect(connection.ask(.trickle(feed: "sub-1")) == forwarded(8, .trickling(feed)))
        for (session, feed, unknown) in [
            ("nobody", nil, "nobody"), ("pub-a", "sub-2", "sub-2"), ("pub-x", "sub-1", "sub-1"),
            ("nobody", "sub-1", "sub-1"), ("sub-1", nil, "sub-1"), ("pub-a", "pub-x", "pub-x"),
        ] {
            #expect(
                connection.ask(.trickle(session, feed: feed))
                    == refused("trickle", "trickle: unknown video room session: \(unknown)"))
        }
    }

    @Test func `R16 Candidates are passed on as they came`() {
        var connection = Transcript()
        let base = connection.join()
        let candidates = #"[{"candidate":"c\u0031","sdpMLineIndex":2,"sdpMid":"audio","extra":1}]"#
        let actions = connection.ask(Ask.control("pub-a", "trickle", #""candidates":\#(candidates)"#))
        guard case .forward(_, .trickle(let session, let passed), _) = actions.last else {
            Issue.record("\(actions)")
            return
        }
        #expect(session == request(base))
        #expect(passed.map(\.lineIndex) == [2])
        #expect(passed.map(\.candidate.description) == [#""c\u0031""#])
        #expect(passed.map(\.mid.description) == [#""audio""#])
    }

    @Test func `R17 Publishers and feeds can be updated`() {
        var connection = Transcript()
        let base = connection.join()
        let feed = connection.attach("sub-1")
        #expect(
            connection.ask(.update("pub-a", #""audio":true,"bitrate":64000"#))
                == forwarded(
                    4, .update(session: request(base), audio: true, video: nil, bitrate: 64000)))
        #expect(connection.ask(.update("sub-1")) == forwarded(5, .pausing(feed)))
        #expect(
            connection.ask(.update("sub-1", ""))
                == forwarded(6, .update(session: request(feed), audio: nil, video: nil, bitrate: nil)))
        #expect(
            connection.ask(.update("nobody")) == refused("update", "update: unknown video room session: nobody"))
        #expect(connection.answered(4) == [.ack("t")] && connection.answered(5) == [.ack("t")])
        #expect(
            connection.answered(6, .error("update: unknown video room session: sub-1"))
                == refused("update", "update: unknown video room session: sub-1"))
    }

    // MARK: videoroom-terminate

    @Test func `R18 A session is terminated by its worker, and the event comes after the acknowledgement`() {
        var connection = Transcript()
        let base = connection.join()
        _ = connection.attach("sub-1")
        #expect(connection.ask(.terminate("pub-a"), as: "one") == forwarded(4, .terminate(session: request(base))))
        #expect(connection.ask(.terminate("pub-a"), as: "two") == forwarded(5, .terminate(session: request(base))))
        #expect(connection.answered(4) == [.ack("one")])
        #expect(connection.answered(5) == [.ack("two")])
        #expect(connection.told(base, .state(.terminated(reason: nil))) == [.terminated("pub-a", nil)])
        #expect(
            connection.ask(.terminate("pub-a"))
                == refused("videoroom-terminate", "Unknown video room session: pub-a"))
    }

    @Test func `R18 A feed, a stranger's session and a failed one`() {
        var connection = Transcript()
        _ = connection.join()
        _ = connection.attach("sub-1")
        for name in ["sub-1", "nobody", ""] {
            #expect(
                connection.ask(.terminate(name))
                    == refused("videoroom-terminate", "Unknown video room session: \(name)"))
        }
        _ = connection.ask(.terminate("pub-a"))
        #expect(connection.answered(nil, .error("Unauthorized")) == refused("videoroom-terminate", "Unauthorized"))
        #expect(connection.ask(.trickle()).count == 2, "nothing else has happened")
    }

    @Test func `A session that its worker does not know is unknown in the words of the request`() {
        var connection = Transcript()
        _ = connection.join()
        _ = connection.attach("sub-1")
        for (ask, name, text) in [
            (Ask.trickle(), "trickle", "trickle: unknown video room session: pub-a"),
            (.trickle(feed: "sub-1"), "trickle", "trickle: unknown video room session: sub-1"),
            (.update("sub-1"), "update", "update: unknown video room session: sub-1"),
            (.answer("sub-1"), "feed-answer", "feed-answer: unknown video room session: sub-1"),
            (.detach("sub-1"), "feed-detach", "feed-detach: unknown video room session to detach: sub-1"),
            (.attach("sub-2", to: "x"), "feed-attach", "feed-attach: unknown video room session: pub-a"),
            (.terminate("pub-a"), "videoroom-terminate", "Unknown video room session: pub-a"),
        ] {
            _ = connection.ask(ask)
            #expect(connection.answered(nil, .unknownSession) == refused(name, text))
        }
        #expect(!connection.ask(.attach("sub-2", to: "pub-b")).isEmpty)
    }

    // MARK: Answers

    @Test func `Only the worker that was asked can answer, and once`() {
        var connection = Transcript()
        _ = connection.join()
        _ = connection.ask(.trickle())
        #expect(connection.answered(by: 2) == [.note(.unexpected("an answer from host1/2"))])
        #expect(connection.answered() == [.ack("t")])
        #expect(connection.answered().isEmpty)
        #expect(connection.answered(nil, .error("internal error")).isEmpty)
        #expect(connection.answered(99).isEmpty)
        #expect(connection.machine.unansweredCount == 0)
    }
}
