import Identity
import Sylkrtc
import Testing

@testable import Frontdoor

@Suite struct SlotAbandonedTests {
    @Test func `An abandoned slot's requests are answered in order, then its sessions end`() {
        var connection = Transcript()
        _ = connection.join("pub-a", at: 1)
        _ = connection.join("pub-x", at: 2)
        _ = connection.join("pub-b", at: 1)
        _ = connection.attach("sub-1")
        _ = connection.ask(.update(), as: "update")
        _ = connection.ask(.trickle("pub-x"), as: "elsewhere")
        _ = connection.ask(.attach("sub-2", to: "pub-b"), as: "attach")
        _ = connection.ask(.detach("sub-1"), as: "detach")
        _ = connection.ask(.terminate("pub-b"), as: "terminate")
        _ = connection.ask(.join("pub-c"), as: "join") + connection.located(at: 1)
        #expect(
            connection.slotAbandoned(1)
                == refused("update", "worker lost", as: "update")
                + refused("feed-attach", "worker lost", as: "attach")
                + refused("feed-detach", "worker lost", as: "detach")
                + refused("videoroom-terminate", "worker lost", as: "terminate")
                + refused("videoroom-join", "worker lost", as: "join")
                + [.terminated("pub-a", "500 Worker lost"), .terminated("pub-b", "500 Worker lost")])
        #expect(connection.slotAbandoned(1).isEmpty)
        #expect(connection.machine.sessions(at: slot(1)).isEmpty)
        #expect(connection.machine.unansweredCount == 1)
        #expect(connection.answered(7, by: 2) == [.ack("elsewhere")])
        #expect(connection.ask(.join("pub-a")).count == 2, "its ids are free")
    }

    @Test func `A session whose join was not acknowledged does not end, its join fails`() {
        var connection = Transcript()
        _ = connection.ask(.join("pub-a"), as: "join") + connection.located()
        _ = connection.ask(.trickle(), as: "trickle")
        #expect(
            connection.slotAbandoned(1)
                == refused("videoroom-join", "worker lost", as: "join")
                + refused("trickle", "trickle: unknown video room session: pub-a", as: "trickle"))
        #expect(connection.machine.unansweredCount == 0)
    }

    @Test func `A join that is still being located outlives every worker`() {
        var connection = Transcript()
        _ = connection.ask(.join("pub-a"))
        #expect(connection.slotAbandoned(1).isEmpty)
        #expect(connection.located(2, at: 2).count == 1)
    }

    @Test func `What is said afterwards in the name of the slot is not heard`() {
        var connection = Transcript()
        let base = connection.join()
        _ = connection.ask(.trickle())
        _ = connection.slotAbandoned()
        #expect(connection.answered().isEmpty)
        #expect(connection.told(base, .state(.established)).isEmpty)
    }

    // MARK: The client is lost

    @Test func `B08 A closed connection is told to every worker it has sessions on, once`() {
        var connection = Transcript()
        _ = connection.join("pub-a", at: 1)
        _ = connection.join("pub-b", at: 1)
        _ = connection.join("pub-c", at: 2)
        _ = connection.attach("sub-1")
        _ = connection.ask(.join("pub-d"))
        let gone = connection.closed()
        #expect(gone.count == 2)
        #expect(gone.contains(.gone(from: slot(1))) && gone.contains(.gone(from: slot(2))))
        #expect(connection.closed().isEmpty)
    }

    @Test func `B08 A join under way is among what a worker is told`() {
        var connection = Transcript()
        _ = connection.ask(.join("pub-a")) + connection.located(at: 2)
        #expect(connection.closed() == [.gone(from: slot(2))])
    }

    @Test func `D12 After the close nothing happens any more, whatever comes`() {
        var connection = Transcript()
        let base = connection.join()
        let feed = connection.attach("sub-1")
        for _ in 0..<63 { _ = connection.ask(.trickle()) }
        #expect(connection.ask(.join("pub-b")).last == .pauseReading)
        let join = connection.last
        _ = connection.closed()
        let late = [
            connection.located(join), connection.notLocated(join, "no worker is available"), connection.answered(5),
            connection.told(base, .state(.established)), connection.told(base, .feedEstablished(feed: request(feed))),
            connection.deadlinePassed(5), connection.slotAbandoned(1), connection.undeliverable(6),
            connection.ask(.join("pub-c")), connection.say(#"{"transaction":"1"}"#), connection.say("{"),
        ]
        #expect(late.flatMap { $0 } == [])
    }
}
