import Sylkrtc
import Testing

/// B36: each limit at its value and just beyond it.
@Suite struct LimitTests {
    private func text(_ count: Int) -> String { String(repeating: "x", count: count) }

    private func isAccepted(_ json: String) -> Bool {
        guard case .request = decoded(json) else { return false }
        return true
    }

    @Test(arguments: [
        ("account-add", #""account":"a@b","#, "password", 9999),
        ("account-add", #""account":"a@b","password":"x","#, "display_name", 128),
        ("account-add", #""account":"a@b","password":"x","#, "user_agent", 255),
        ("account-devicetoken", #""account":"a@b","#, "old_token", 4096),
        ("account-devicetoken", #""account":"a@b","#, "new_token", 4096),
        ("session-create", #""account":"a@b","uri":"b@c","sdp":"","#, "session", 128),
        ("session-create", #""account":"a@b","session":"c","uri":"b@c","#, "sdp", 131_072),
        ("session-answer", #""sdp":"","#, "session", 128), ("session-answer", #""session":"c","#, "sdp", 131_072),
        ("session-trickle", "", "session", 128), ("session-terminate", "", "session", 128),
        ("videoroom-join", #""account":"a@b","uri":"b@c","sdp":"","#, "session", 128),
        ("videoroom-join", #""account":"a@b","session":"c","uri":"b@c","#, "sdp", 131_072),
        ("videoroom-terminate", "", "session", 128),
        ("videoroom-ctl", #""option":"update","update":{},"#, "session", 128),
    ])
    func `B36 Strings have a length in bytes`(type: String, rest: String, field: String, limit: Int) {
        #expect(isAccepted(envelope(type, "\(rest)\"\(field)\":\"\(text(limit))\"")))
        let error = "\(field): must have at most \(limit) bytes"
        #expect(refusal(envelope(type, "\(rest)\"\(field)\":\"\(text(limit + 1))\"")) == error)
        let wide = String(repeating: "é", count: limit / 2)
        #expect(isAccepted(envelope(type, "\(rest)\"\(field)\":\"\(wide)\"")))
        #expect(refusal(envelope(type, "\(rest)\"\(field)\":\"\(wide)é\"")) == error)
    }

    @Test(arguments: [
        ("feed-attach", "feed_attach", #""publisher":"p","#, "session", 128),
        ("feed-attach", "feed_attach", #""session":"f","#, "publisher", 128),
        ("feed-answer", "feed_answer", #""sdp":"","#, "session", 128),
        ("feed-answer", "feed_answer", #""session":"f","#, "sdp", 131_072),
        ("feed-detach", "feed_detach", "", "session", 128), ("trickle", "trickle", "", "session", 128),
    ])
    func `B36 Strings in objects have a length in bytes`(
        option: String, object: String, rest: String, field: String, limit: Int
    ) {
        #expect(isAccepted(control(option, "\"\(object)\":{\(rest)\"\(field)\":\"\(text(limit))\"}")))
        #expect(
            refusal(control(option, "\"\(object)\":{\(rest)\"\(field)\":\"\(text(limit + 1))\"}"))
                == "\(object).\(field): must have at most \(limit) bytes")
    }

    @Test func `B36 Escapes count as what they stand for`() {
        let lines = String(repeating: #"\r\n"#, count: 65_536)
        #expect(isAccepted(envelope("session-answer", #""session":"c","sdp":"\#(lines)""#)))
        #expect(
            refusal(envelope("session-answer", #""session":"c","sdp":"\#(lines)x""#))
                == "sdp: must have at most 131072 bytes")
        let name = String(repeating: #"\u0041"#, count: 128)
        #expect(isAccepted(envelope("session-terminate", #""session":"\#(name)""#)))
        #expect(
            refusal(envelope("session-terminate", #""session":"\#(name)A""#)) == "session: must have at most 128 bytes")
    }

    @Test func `B36 The strings of a candidate have at most 1024 bytes`() {
        func list(_ candidate: String, _ mid: String) -> String {
            envelope(
                "session-trickle",
                #""session":"s","candidates":[{"candidate":"\#(candidate)","sdpMLineIndex":0,"sdpMid":"\#(mid)"}]"#)
        }
        #expect(isAccepted(list(text(1024), text(1024))))
        #expect(refusal(list(text(1025), "")) == "candidates[0].candidate: must have at most 1024 bytes")
        #expect(refusal(list("", text(1025))) == "candidates[0].sdpMid: must have at most 1024 bytes")
        #expect(isAccepted(list(String(repeating: #"\/"#, count: 1024), "")))
    }

    @Test func `B36 A request has at most 64 candidates`() {
        func list(_ count: Int, of candidate: String = #"{"candidate":"c","sdpMLineIndex":0,"sdpMid":"m"}"#) -> String {
            "\"candidates\":[" + Array(repeating: candidate, count: count).joined(separator: ",") + "]"
        }
        #expect(isAccepted(envelope("session-trickle", "\"session\":\"s\"," + list(64))))
        #expect(
            refusal(envelope("session-trickle", "\"session\":\"s\"," + list(65)))
                == "candidates: must have at most 64 elements")
        #expect(isAccepted(control("trickle", "\"trickle\":{\(list(64))}")))
        #expect(
            refusal(
                control(
                    "trickle",
                    "\"trickle\":{\(list(65))}")) == "trickle.candidates: must have at most 64 elements")
        #expect(
            refusal(control("trickle", "\"trickle\":{\(list(65, of: "0"))}"))
                == "trickle.candidates: must have at most 64 elements")
    }

    @Test func `R11 At most two different participants are active`() {
        func configure(_ ids: [String]) -> String {
            control(
                "configure-room",
                "\"configure_room\":{\"active_participants\":[\(ids.map { "\"\($0)\"" }.joined(separator: ","))]}")
        }
        #expect(isAccepted(configure(["a", "b"])))
        #expect(isAccepted(configure(["a", "b", "a", "b", "b"])))
        #expect(
            refusal(configure(["a", "b", "c"]))
                == "configure_room.active_participants: must have at most 2 elements")
    }

    @Test func `R15 At most 100 different accounts are invited`() {
        func invite(_ addresses: [String]) -> String {
            control(
                "invite-participants",
                "\"invite_participants\":{\"participants\":[\(addresses.map { "\"\($0)\"" }.joined(separator: ","))]}")
        }
        let hundred = (1...100).map { "user\($0)@example.com" }
        #expect(isAccepted(invite(hundred)))
        #expect(isAccepted(invite(hundred + hundred)))
        #expect(isAccepted(invite(hundred + hundred.map { "sip:\($0):5060" })))
        #expect(
            refusal(invite(hundred + ["user101@example.com"]))
                == "invite_participants.participants: must have at most 100 elements")
    }

    @Test func `B36 Addresses and destinations have at most 255 bytes`() {
        let longest = text(243) + "@example.com"
        let rest = #""session":"s","sdp":"""#
        #expect(isAccepted(envelope("account-remove", "\"account\":\"\(longest)\"")))
        #expect(isAccepted(envelope("session-create", #""account":"a@b","uri":"\#(longest)",\#(rest)"#)))
        let error = "invalid URI: \(text(64))…"
        #expect(refusal(envelope("account-remove", "\"account\":\"x\(longest)\"")) == error)
        #expect(refusal(envelope("session-create", #""account":"a@b","uri":"x\#(longest)",\#(rest)"#)) == error)
        #expect(refusal(envelope("videoroom-join", #""account":"a@b","uri":"x\#(longest)",\#(rest)"#)) == error)
    }

    @Test func `D46 A bitrate is 64000 or more`() {
        #expect(isAccepted(control("update", "\"update\":{\"bitrate\":64000}")))
        #expect(isAccepted(control("update", "\"update\":{\"bitrate\":9223372036854775807}")))
        #expect(
            refusal(control("update", "\"update\":{\"bitrate\":63999}")) == "update.bitrate: must be at least 64000")
    }
}
