import Sylkrtc
import Testing

@testable import Frontdoor

@Suite struct ConfigureRoomTests {
    private func configured(_ version: Int64, by originator: String? = nil, _ active: String...) -> WorkerEvent {
        .roomConfigured(
            version: version, originator: originator.map { client($0) }, activeParticipants: active.map { client($0) })
    }

    private func event(by originator: String?, _ active: String...) -> [Action] {
        [
            .event(
                "pub-a",
                .configureRoom(
                    originator: originator.map { client($0) }, activeParticipants: active.map { client($0) }))
        ]
    }

    @Test func `R11 The room's worker decides: whoever is named, the request is passed on in its order`() {
        var connection = Transcript()
        let join = connection.join()
        #expect(
            connection.ask(.configure("pub-a", "pub-z", "pub-b", "pub-z"))
                == forwarded(3, .configureRoom(session: request(join), activeParticipants: ["pub-z", "pub-b"])))
        #expect(connection.answered() == [.ack("t")])
        #expect(
            connection.ask(.configure("pub-a"))
                == forwarded(4, .configureRoom(session: request(join), activeParticipants: [])))
        let text = "configure-room: unknown participant session id: pub-z"
        #expect(connection.answered(4, .error(text)) == refused("configure-room", text))
    }

    @Test func `R11 Only a publisher session can be asked about, and it may turn out not to be in the room`() {
        var connection = Transcript()
        let unknown = refused("configure-room", "configure-room: unknown video room session: pub-a")
        #expect(connection.ask(.configure("pub-a")) == unknown)
        _ = connection.join()
        _ = connection.attach("sub-1")
        #expect(
            connection.ask(.configure("sub-1"))
                == refused("configure-room", "configure-room: unknown video room session: sub-1"), "a feed")
        _ = connection.ask(.configure("pub-a"))
        #expect(connection.answered(nil, .unknownSession) == unknown)
    }

    @Test func `R11 While the room is being located, or its worker out of sync, it is held, and its deadline runs`() {
        var connection = Transcript()
        _ = connection.ask(.join("pub-a"))
        #expect(connection.ask(.configure("pub-a", "pub-a")) == [.startDeadline(request(3))])
        let configure = WorkerRequest.configureRoom(session: request(2), activeParticipants: ["pub-a"])
        #expect(connection.located(2).last == .forward(request(3), configure, to: slot(1)))
        connection.linkLost()
        #expect(connection.resync().repeats == ["2 again", "3 again"])
        #expect(connection.deadlinePassed(3) == refused("configure-room", "request timed out"))
    }

    @Test func `E13 Every change is told once, whether the list differs or not`() {
        var connection = Transcript()
        let join = connection.join()
        _ = connection.told(join, .initialPublishers([]))
        #expect(connection.told(join, configured(1, by: "pub-b", "pub-b")) == event(by: "pub-b", "pub-b"))
        #expect(connection.told(join, configured(2, by: "pub-a", "pub-b")) == event(by: "pub-a", "pub-b"))
        #expect(
            connection.told(join, configured(2, by: "pub-a", "pub-b"))
                == [.note(.unexpected("configuration 2 again, of session 2"))])
        #expect(connection.told(join, configured(1, by: "pub-b")).count == 1, "nor backwards")
        #expect(connection.told(join, configured(4)) == event(by: nil), "the last one has left")
        #expect(connection.told(99, configured(5)).isEmpty, "of nobody")
    }

    @Test func `E13 Who comes when nobody is prominent is not told so, and hears of what follows`() {
        var connection = Transcript()
        let join = connection.join()
        _ = connection.told(join, .initialPublishers([]))
        #expect(connection.told(join, configured(7)).isEmpty)
        #expect(connection.told(join, configured(8, by: "pub-b")) == event(by: "pub-b"), "somebody said so")
        #expect(connection.told(join, configured(9)) == event(by: nil))
    }

    @Test func `E13 What the client was told of the room stands in the list`() {
        var connection = Transcript()
        let join = connection.join()
        func told() -> Int64? {
            guard case .publisher(let told) = connection.resync().told(join) else { return nil }
            return told.configuration
        }
        #expect(told() == nil)
        _ = connection.told(join, configured(7))
        #expect(told() == 7)
        _ = connection.told(join, configured(8, by: "pub-a", "pub-a"))
        #expect(told() == 8)
    }
}
