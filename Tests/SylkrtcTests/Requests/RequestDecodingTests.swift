import Identity
import JSONText
import Testing

@testable import Sylkrtc

@Suite struct RequestDecodingTests {
    @Test(arguments: RequestFixture.all)
    func `Every request of the protocol is decoded`(fixture: RequestFixture) throws {
        #expect(try request(fixture.json) == fixture.request())
    }

    @Test(arguments: RequestFixture.all)
    func `Members that nobody knows are ignored`(fixture: RequestFixture) throws {
        let json = #"{"unknown":{"sylkrtc":1,"nested":[null]},"# + fixture.json.dropFirst().dropLast() + #","x":false}"#
        #expect(try request(json) == fixture.request())
    }

    @Test func `A client is answered with its own transaction`() {
        #expect(
            decoded(#"{"sylkrtc":"videoroom-terminate","transaction":"\u00e9 1","session":"s"}"#)
                == .request(transaction: "é 1", .videoroomTerminate(VideoroomTerminate(session: "s"))))
    }

    @Test func `D25 Addresses are normalised, and remembered as they were sent`() throws {
        guard case .accountRemove(let remove) = try request(envelope("account-remove", #""account":"SIP:A@B.c:1;lr""#))
        else {
            Issue.record("not an account-remove")
            return
        }
        #expect(remove.account.sent == "SIP:A@B.c:1;lr")
        #expect(remove.account.address.description == "A@b.c")
    }

    @Test func `D06 Null equals absent, but in sets`() throws {
        #expect(
            try request(
                envelope("account-add", #""account":"a@b","password":"x","display_name":null,"user_agent":null"#))
                == .accountAdd(
                    AccountAdd(account: address("a@b"), password: "x", displayName: nil, userAgent: nil)))
        #expect(
            try request(envelope("account-devicetoken", #""account":"a@b","old_token":null,"new_token":null"#))
                == .accountDeviceToken(AccountDeviceToken(account: address("a@b"), oldToken: nil, newToken: nil)))
        #expect(
            try request(envelope("session-trickle", #""session":"s","candidates":null"#))
                == .sessionTrickle(SessionTrickle(session: "s", candidates: [])))
        #expect(
            try request(control("trickle", #""trickle":{"session":null,"candidates":null}"#))
                == .videoroomTrickle(VideoroomTrickle(session: "pub-a", feed: nil, candidates: [])))
        #expect(
            try request(
                control(
                    "update",
                    #""update":{"audio":null,"video":null,"bitrate":null},"trickle":null,"feed_attach":null"#))
                == .videoroomUpdate(VideoroomUpdate(session: "pub-a", audio: nil, video: nil, bitrate: nil)))
    }

    @Test func `R08 Extra members of candidates are removed before forwarding`() throws {
        let json = envelope(
            "session-trickle",
            #""session":"s","candidates":[{"usernameFragment":"x","sdpMid":"0","foundation":{"a":1},"#
                + #""candidate":"c\u00e9","sdpMLineIndex":2,"completed":true}]"#)
        guard case .sessionTrickle(let trickle) = try request(json) else {
            Issue.record("not a session-trickle")
            return
        }
        let candidate = try #require(trickle.candidates.first)
        #expect(
            RawJSON { candidate.write(to: &$0) }.description
                == #"{"candidate":"c\u00e9","sdpMLineIndex":2,"sdpMid":"0"}"#)
    }

    @Test func `R06 An SDP is kept byte by byte, and becomes ASCII otherwise`() throws {
        for (text, kept) in [
            (#""v=0\r\n\u000D\/""#, #""v=0\r\n\u000D\/""#), (#""s=é😀\n""#, #""s=\u00e9\ud83d\ude00\n""#),
            (#""""#, #""""#),
        ] {
            let message = try request(envelope("session-answer", #""session":"s","sdp":\#(text)"#))
            guard case .sessionAnswer(let answer) = message else {
                Issue.record("not a session-answer")
                return
            }
            #expect(answer.answer.text.description == kept)
        }
    }

    @Test func `Names of existing sessions may be anything, even empty or the server's own`() throws {
        #expect(
            try request(envelope("session-terminate", #""session":"""#))
                == .sessionTerminate(SessionTerminate(session: "")))
        #expect(
            try request(envelope("videoroom-terminate", #""session":"videoroom""#))
                == .videoroomTerminate(VideoroomTerminate(session: "videoroom")))
    }

    @Test func `Of two members of one name the last counts`() throws {
        #expect(
            try request(#"{"sylkrtc":"x","transaction":"t","session":1,"session":"s","sylkrtc":"session-terminate"}"#)
                == .sessionTerminate(SessionTerminate(session: "s")))
    }

    @Test func `A name may be written with escapes`() throws {
        #expect(
            try request(#"{"sylkrt\u0063":"session-terminate","\u0074ransaction":"t","session":"\u0073"}"#)
                == .sessionTerminate(SessionTerminate(session: "s")))
    }

    @Test func `Every kind of request has the name that the protocol gives it`() throws {
        let names = try Set(RequestFixture.all.map { try $0.request().name })
        #expect(
            names == [
                "account-add", "account-remove", "account-register", "account-unregister", "account-devicetoken",
                "session-create", "session-answer", "session-trickle", "session-terminate", "videoroom-join",
                "configure-room", "feed-attach", "feed-answer", "feed-detach", "invite-participants", "trickle",
                "update",
                "videoroom-terminate",
            ])
        for fixture in RequestFixture.all {
            let name = try fixture.request().name
            #expect(fixture.title.contains(name))
            #expect(fixture.json.contains("\"\(name)\""))
        }
    }
}
