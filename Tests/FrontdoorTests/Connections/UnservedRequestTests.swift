import Sylkrtc
import Testing

@testable import Frontdoor

/// What is about nothing that is there, and what is no request at all.
@Suite struct UnservedRequestTests {
    @Test(arguments: [
        Ask("session-answer", #""session":"c","sdp":"answer""#), Ask("session-trickle", #""session":"c""#),
        Ask("session-terminate", #""session":"c""#),
    ])
    func `R07 R08 R09 Without calls every call is unknown`(ask: Ask) {
        var connection = Transcript()
        #expect(connection.ask(ask) == refused(ask.type, "Unknown session specified: c"))
    }

    @Test func `R07 R08 R09 A conference session is no call`() {
        var connection = Transcript()
        _ = connection.join()
        #expect(
            connection.ask(Ask("session-terminate", #""session":"pub-a""#))
                == refused("session-terminate", "Unknown session specified: pub-a"))
    }

    @Test func `R15 Before accepted was told nobody is joined`() {
        var connection = Transcript()
        _ = connection.ask(.join("pub-a"))
        let join = connection.last
        let unknown = refused("invite-participants", "invite-participants: unknown video room session: pub-a")
        #expect(connection.ask(.invite()) == unknown)
        _ = connection.located(join) + connection.answered(join)
        #expect(connection.ask(.invite()) == unknown)
        _ = connection.told(join, .state(.progress))
        #expect(connection.ask(.invite()) == unknown)
        _ = connection.told(join, .state(.accepted(answer: sdp("answer"))))
        #expect(connection.ask(.invite()) != unknown)
        _ = connection.told(join, .state(.established))
        #expect(connection.ask(.invite()) != unknown)
        _ = connection.told(join, .state(.terminated(reason: nil)))
        #expect(connection.ask(.invite()) == unknown)
    }

    @Test func `R19 B02 What is wrong with a message is answered at once if there is somebody to answer`() {
        var connection = Transcript()
        #expect(
            connection.say(#"{"transaction":"1"}"#)
                == refused("request", "missing request type", as: "1"))
        #expect(
            connection.say(#"{"sylkrtc":"dance","transaction":"1"}"#)
                == refused("dance", "unknown request type: dance", as: "1"))
        #expect(
            connection.say(#"{"sylkrtc":"videoroom-ctl","transaction":"1","session":"pub-a","option":"feed-attach"}"#)
                == refused("videoroom-ctl", "missing 'feed_attach' field in request", as: "1"))
        for text in ["", "{", "[]", "null", "7", #"{"sylkrtc":"account-remove"}"#, #"{"transaction":7}"#] {
            let actions = connection.say(text)
            guard actions.count == 1, case .note(.unanswerable) = actions.first else {
                Issue.record("\(text): \(actions)")
                continue
            }
        }
        #expect(connection.machine.unansweredCount == 0)
    }
}
