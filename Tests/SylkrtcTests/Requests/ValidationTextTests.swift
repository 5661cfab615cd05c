import Identity
import Sylkrtc
import Testing

/// A text that is refused, and the error that answers it (protocol page, section 2.3).
struct Refused: Sendable, CustomTestStringConvertible {
    let json: String
    let error: String

    var testDescription: String { "\(error) ← \(json)" }

    init(_ type: String, _ members: String, _ error: String) {
        json = envelope(type, members)
        self.error = error
    }

    init(option: String, _ members: String, _ error: String) {
        json = control(option, members)
        self.error = error
    }
}

@Suite struct ValidationTextTests {
    // MARK: Required members

    static let required = [
        Refused("account-add", #""password":"x""#, "account: required"),
        Refused("account-add", #""account":null,"password":"x""#, "account: required"),
        Refused("account-add", #""account":"a@b""#, "password: required"),
        Refused("account-add", #""account":"a@b","password":null"#, "password: required"),
        Refused("account-remove", "", "account: required"), Refused("account-register", "", "account: required"),
        Refused("account-unregister", "", "account: required"),
        Refused("account-devicetoken", #""new_token":"B""#, "account: required"),
        Refused("session-create", #""session":"c","uri":"b@c","sdp":"""#, "account: required"),
        Refused("session-create", #""account":"a@b","uri":"b@c","sdp":"""#, "session: required"),
        Refused("session-create", #""account":"a@b","session":"c","sdp":"""#, "uri: required"),
        Refused("session-create", #""account":"a@b","session":"c","uri":"b@c""#, "sdp: required"),
        Refused("session-answer", #""sdp":"""#, "session: required"),
        Refused("session-answer", #""session":"c","sdp":null"#, "sdp: required"),
        Refused("session-trickle", #""candidates":[]"#, "session: required"),
        Refused("session-terminate", #""session":null"#, "session: required"),
        Refused("videoroom-join", #""session":"s","uri":"r@c","sdp":"""#, "account: required"),
        Refused("videoroom-join", #""account":"a@b","uri":"r@c","sdp":"""#, "session: required"),
        Refused("videoroom-join", #""account":"a@b","session":"s","sdp":"""#, "uri: required"),
        Refused("videoroom-join", #""account":"a@b","session":"s","uri":"r@c""#, "sdp: required"),
        Refused("videoroom-terminate", "", "session: required"),
        Refused("videoroom-ctl", #""option":"update","update":{}"#, "session: required"),
        Refused("videoroom-ctl", #""session":"s","update":{}"#, "option: required"),
        Refused("videoroom-ctl", #""session":"s","option":null"#, "option: required"),
        Refused(option: "feed-attach", #""feed_attach":{"publisher":"p"}"#, "feed_attach.session: required"),
        Refused(option: "feed-attach", #""feed_attach":{"session":"f"}"#, "feed_attach.publisher: required"),
        Refused(option: "feed-answer", #""feed_answer":{"sdp":""}"#, "feed_answer.session: required"),
        Refused(option: "feed-answer", #""feed_answer":{"session":"f"}"#, "feed_answer.sdp: required"),
        Refused(option: "feed-detach", #""feed_detach":{"session":null}"#, "feed_detach.session: required"),
    ]

    @Test(arguments: required)
    func `A required member that is absent or null is named`(refused: Refused) {
        #expect(refusal(refused.json) == refused.error)
    }

    // MARK: Types

    static let notStrings = ["1", "1.5", "true", "false", "[]", "{}", "[\"a@b\"]"]

    @Test(arguments: notStrings)
    func `D06 Nothing but a string is a string`(value: String) {
        for (type, rest, field) in [
            ("account-add", #""password":"x""#, "account"), ("account-add", #""account":"a@b""#, "password"),
            ("account-add", #""account":"a@b","password":"x""#, "display_name"),
            ("account-add", #""account":"a@b","password":"x""#, "user_agent"),
            ("account-devicetoken", #""account":"a@b""#, "old_token"),
            ("account-devicetoken", #""account":"a@b""#, "new_token"),
            ("session-create", #""account":"a@b","uri":"b@c","sdp":"""#, "session"),
            ("session-create", #""account":"a@b","session":"c","sdp":"""#, "uri"),
            ("session-create", #""account":"a@b","session":"c","uri":"b@c""#, "sdp"),
            ("session-terminate", "\"x\":0", "session"), ("videoroom-ctl", #""session":"s""#, "option"),
            ("videoroom-join", #""account":"a@b","session":"s","sdp":"""#, "uri"),
        ] {
            #expect(
                refusal(envelope(type, rest + ",\"\(field)\":\(value)")) == "\(field): must be a string",
                "\(type) \(field)")
        }
        for (option, object, rest, field) in [
            ("feed-attach", "feed_attach", #""publisher":"p""#, "session"),
            ("feed-attach", "feed_attach", #""session":"f""#, "publisher"),
            ("feed-answer", "feed_answer", #""session":"f""#, "sdp"),
            (
                "feed-detach", "feed_detach", "\"x\":0",
                "session"
            ),
            ("trickle", "trickle", "\"x\":0", "session"),
        ] {
            #expect(
                refusal(control(option, "\"\(object)\":{\(rest),\"\(field)\":\(value)}"))
                    == "\(object).\(field): must be a string", "\(option) \(field)")
        }
    }

    @Test(arguments: ["\"false\"", "\"true\"", "\"\"", "0", "1", "[]", "{}", "1.0"])
    func `D06 Nothing but true and false is a boolean`(value: String) {
        #expect(refusal(control("update", "\"update\":{\"audio\":\(value)}")) == "update.audio: must be a boolean")
        #expect(refusal(control("update", "\"update\":{\"video\":\(value)}")) == "update.video: must be a boolean")
    }

    @Test(arguments: [
        "true", "false", "1.0", "64000.0", "64000.5", "64e3", "6.4e4", "\"64000\"", "[]", "{}", "9223372036854775808",
        "123456789012345678901234567890", "1e400",
    ])
    func `D06 Nothing but a whole number is an integer`(value: String) {
        #expect(refusal(control("update", "\"update\":{\"bitrate\":\(value)}")) == "update.bitrate: must be an integer")
        let candidate = "{\"candidate\":\"c\",\"sdpMid\":\"m\",\"sdpMLineIndex\":\(value)}"
        #expect(
            refusal(envelope("session-trickle", "\"session\":\"s\",\"candidates\":[\(candidate)]"))
                == "candidates[0].sdpMLineIndex: must be an integer")
    }

    static let names = [
        "configure_room", "feed_attach", "feed_answer", "feed_detach", "invite_participants", "trickle", "update",
    ]

    @Test(arguments: names)
    func `D06 Nothing but an object is an object`(name: String) {
        for value in ["true", "0", "\"\"", "[]", "[{}]"] {
            #expect(
                refusal(control(name.replacing("_", with: "-"), "\"\(name)\":\(value)"))
                    == "\(name): must be an object")
        }
    }

    @Test(arguments: [
        "null", "true", "1", "\"pub-b\"", "{}", "{\"0\":\"a\"}", "[1]", "[\"a@b\",null]",
        "[[\"a@b\"]]",
    ])
    func `D06 A set is an array of strings, and null is none`(value: String) {
        #expect(
            refusal(control("configure-room", "\"configure_room\":{\"active_participants\":\(value)}"))
                == "configure_room.active_participants: must be an array of strings")
        #expect(
            refusal(control("invite-participants", "\"invite_participants\":{\"participants\":\(value)}"))
                == "invite_participants.participants: must be an array of strings")
    }

    @Test(arguments: ["true", "0", "\"\"", "{}", "{\"candidate\":\"c\",\"sdpMLineIndex\":0,\"sdpMid\":\"m\"}"])
    func `D06 Candidates are an array`(value: String) {
        #expect(
            refusal(envelope("session-trickle", "\"session\":\"s\",\"candidates\":\(value)"))
                == "candidates: must be an array of candidates")
        #expect(
            refusal(control("trickle", "\"trickle\":{\"candidates\":\(value)}"))
                == "trickle.candidates: must be an array of candidates")
    }

    // MARK: Candidates

    static let candidates = [
        ("null", ": must be an object"), ("1", ": must be an object"), ("\"c\"", ": must be an object"),
        ("[]", ": must be an object"), ("{}", ".candidate: required"),
        (
            "{\"completed\":true}",
            ".candidate: required"
        ),
        (#"{"candidate":null,"sdpMLineIndex":0,"sdpMid":"m"}"#, ".candidate: required"),
        (#"{"candidate":1,"sdpMLineIndex":0,"sdpMid":"m"}"#, ".candidate: must be a string"),
        (#"{"candidate":"\u0000","sdpMLineIndex":0,"sdpMid":"m"}"#, ".candidate: must not contain a null character"),
        (#"{"candidate":"c","sdpMid":"m"}"#, ".sdpMLineIndex: required"),
        (#"{"candidate":"c","sdpMLineIndex":null,"sdpMid":"m"}"#, ".sdpMLineIndex: required"),
        (#"{"candidate":"c","sdpMLineIndex":-1,"sdpMid":"m"}"#, ".sdpMLineIndex: must be at least 0"),
        (#"{"candidate":"c","sdpMLineIndex":0}"#, ".sdpMid: required"),
        (#"{"candidate":"c","sdpMLineIndex":0,"sdpMid":null}"#, ".sdpMid: required"),
        (#"{"candidate":"c","sdpMLineIndex":0,"sdpMid":0}"#, ".sdpMid: must be a string"),
    ]

    @Test(arguments: candidates)
    func `R08 R16 An incomplete candidate is named by its place`(candidate: String, problem: String) {
        let good = #"{"candidate":"c","sdpMLineIndex":0,"sdpMid":"m"}"#
        let list = "\"candidates\":[\(good),\(good),\(good),\(candidate),\(good)]"
        #expect(refusal(envelope("session-trickle", "\"session\":\"s\",\(list)")) == "candidates[3]\(problem)")
        #expect(refusal(control("trickle", "\"trickle\":{\(list)}")) == "trickle.candidates[3]\(problem)")
        #expect(refusal(control("trickle", "\"trickle\":{\"candidates\":[\(candidate)]}"))?.contains("[0]") == true)
    }

    // MARK: Contents

    static let contents = [
        Refused("account-add", #""account":"a@b","password":"""#, "password: must not be empty"),
        Refused("session-create", #""account":"a@b","session":"","uri":"b@c","sdp":"""#, "session: must not be empty"),
        Refused("videoroom-join", #""account":"a@b","session":"","uri":"r@c","sdp":"""#, "session: must not be empty"),
        Refused(
            option: "feed-attach", #""feed_attach":{"session":"","publisher":"p"}"#,
            "feed_attach.session: must not be empty"),
        Refused(
            "session-create", #""account":"a@b","session":"videoroom","uri":"b@c","sdp":"""#,
            #"session: must not be "videoroom""#),
        Refused(
            "videoroom-join", #""account":"a@b","session":"videoroom","uri":"r@c","sdp":"""#,
            #"session: must not be "videoroom""#),
        Refused(
            option: "feed-attach", #""feed_attach":{"session":"videoroom","publisher":"p"}"#,
            #"feed_attach.session: must not be "videoroom""#),
        Refused(option: "update", #""update":{"bitrate":63999}"#, "update.bitrate: must be at least 64000"),
        Refused(option: "update", #""update":{"bitrate":0}"#, "update.bitrate: must be at least 64000"),
        Refused(option: "update", #""update":{"bitrate":-64000}"#, "update.bitrate: must be at least 64000"),
    ]

    @Test(arguments: contents)
    func `R17 B28 D42 D46 Contents that are not allowed are named`(refused: Refused) {
        #expect(refusal(refused.json) == refused.error)
    }

    static let nullCharacters = [
        Refused("account-remove", #""account":"a\u0000@b""#, "account"),
        Refused("account-add", #""account":"a@b","password":"\u0000""#, "password"),
        Refused("account-add", #""account":"a@b","password":"x","display_name":"a\u0000b""#, "display_name"),
        Refused("account-devicetoken", #""account":"a@b","new_token":"\u0000""#, "new_token"),
        Refused("session-create", #""account":"a@b","session":"\u0000","uri":"b@c","sdp":"""#, "session"),
        Refused("session-create", #""account":"a@b","session":"c","uri":"b@c\u0000","sdp":"""#, "uri"),
        Refused("session-create", #""account":"a@b","session":"c","uri":"b@c","sdp":"v=0\u0000""#, "sdp"),
        Refused("session-terminate", #""session":"s\u0000""#, "session"),
        Refused("videoroom-ctl", #""session":"s","option":"update\u0000""#, "option"),
        Refused(option: "trickle", #""trickle":{"session":"\u0000"}"#, "trickle.session"),
        Refused(
            option: "configure-room", #""configure_room":{"active_participants":["\u0000"]}"#,
            "configure_room.active_participants"),
        Refused(
            option: "invite-participants", #""invite_participants":{"participants":["a@b\u0000"]}"#,
            "invite_participants.participants"),
    ]

    @Test(arguments: nullCharacters)
    func `A null character is in no string`(refused: Refused) {
        #expect(refusal(refused.json) == "\(refused.error): must not contain a null character")
    }

    // MARK: Addresses

    static let badAddresses = [
        "", "alice", "sip:", "example.com", "sip:example.com", "@example.com", "alice@", "alice@home@example.com",
        "sip:sip:alice@example.com", "alice example.com", "al ice@example.com", "älice@example.com",
        "alice@example.com:0", "http://alice@example.com", "<sip:alice@example.com>", "*", "*@example.com ",
    ]

    @Test(arguments: [
        ("sip:alice:s3cret@", "sip:alice:[redacted]@"), ("alice:s3cret@exa mple.com", "alice:[redacted]@exa mple.com"),
        ("sip:sip:alice:s3cret@x.com", "sip:sip:alice:[redacted]@x.com"),
        ("alice:s3 cret@x.com", "alice:[redacted]@x.com"), ("alice:s3:cr@et@x.com", "alice:[redacted]@x.com"),
    ])
    func `D56 A password in a bad address is not repeated`(text: String, repeated: String) {
        #expect(refusal(envelope("account-remove", "\"account\":\"\(text)\"")) == "invalid URI: \(repeated)")
    }

    @Test func `D56 A password in a good address is not repeated either`() throws {
        let address = try #require(SentAddress("sip:Alice:s3cret@Example.com;transport=tls"))
        #expect(address.sent == "sip:Alice@Example.com;transport=tls")
        #expect(address.address.description == "Alice@example.com")
        #expect(SentAddress("sip:Alice@Example.com:5060")?.sent == "sip:Alice@Example.com:5060")
    }

    @Test(arguments: badAddresses)
    func `A bad address is repeated, whichever member it is in`(text: String) {
        let error = "invalid URI: \(text)"
        for type in [
            "account-add", "account-remove", "account-register", "account-unregister",
            "account-devicetoken",
        ] {
            #expect(refusal(envelope(type, "\"account\":\"\(text)\",\"password\":\"x\"")) == error)
        }
        let rest = #""session":"s","sdp":"""#
        #expect(refusal(envelope("session-create", #""account":"\#(text)","uri":"b@c",\#(rest)"#)) == error)
        // A call's destination may be a host alone.
        let isHost = ["alice", "example.com", "sip:example.com"].contains(text)
        #expect(
            refusal(envelope("session-create", #""account":"a@b","uri":"\#(text)",\#(rest)"#)) == (isHost ? nil : error)
        )
        #expect(refusal(envelope("videoroom-join", #""account":"\#(text)","uri":"b@c",\#(rest)"#)) == error)
        #expect(refusal(envelope("videoroom-join", #""account":"a@b","uri":"\#(text)",\#(rest)"#)) == error)
        #expect(
            refusal(
                control("invite-participants", "\"invite_participants\":{\"participants\":[\"a@b\",\"\(text)\"]}"))
                == error)
    }

    @Test func `A long bad value is repeated in part only`() {
        let bad = "al ice@" + String(repeating: "b", count: 248)
        #expect(bad.utf8.count == 255)
        #expect(refusal(envelope("account-remove", "\"account\":\"\(bad)\"")) == "invalid URI: \(bad)")
        #expect(
            refusal(envelope("account-remove", "\"account\":\"\(bad)b\"")) == "invalid URI: \(bad.prefix(64))…")
        let wide = String(repeating: "é", count: 128)
        #expect(
            refusal(envelope("account-remove", "\"account\":\"\(wide)\"")) == "invalid URI: \(wide.prefix(64))…")
        let marks = "a" + String(repeating: "\u{301}", count: 100_000)
        #expect(refusal(envelope("account-remove", "\"account\":\"\(marks)\""))?.utf8.count ?? .max < 255)
    }

    // MARK: videoroom-ctl

    static let knownOptions =
        "field value should be one of: 'configure-room', 'feed-answer', 'feed-attach', 'feed-detach', "
        + "'invite-participants', 'trickle', 'update'"

    @Test(arguments: ["", "x", "Update", "configure_room", "feed-attach ", "videoroom-join", "é"])
    func `R19 An unknown option is answered with those that are known`(option: String) {
        #expect(refusal(control(option, "")) == Self.knownOptions)
        #expect(refusal(control(option, #""update":{}"#)) == Self.knownOptions)
    }

    @Test(arguments: names)
    func `R19 Each option needs its object`(name: String) throws {
        let option = name.replacing("_", with: "-")
        let missing = "missing '\(name)' field in request"
        #expect(refusal(control(option, "")) == missing)
        #expect(refusal(control(option, "\"\(name)\":null")) == missing)
        #expect(refusal(control(option, "\"\(option)-\":{}")) == missing)
        let other = name == "update" ? "trickle" : "update"
        #expect(refusal(control(option, "\"\(other)\":{}")) == missing)
    }

    static let others = [
        (
            #""configure_room":{"active_participants":[1]}"#,
            "configure_room.active_participants: must be an array of strings"
        ),
        (#""feed_attach":{"session":"f"}"#, "feed_attach.publisher: required"),
        (#""feed_answer":{"session":"f","sdp":1}"#, "feed_answer.sdp: must be a string"),
        (#""feed_detach":{}"#, "feed_detach.session: required"),
        (#""invite_participants":{"participants":["bob"]}"#, "invite_participants.participants: invalid URI"),
        (#""trickle":{"candidates":[{}]}"#, "trickle.candidates[0].candidate: required"),
        (#""update":{"bitrate":1}"#, "update.bitrate: must be at least 64000"),
        (#""feed_attach":[]"#, "feed_attach: must be an object"),
    ]

    @Test(arguments: others)
    func `D06 All objects present are validated, not only the one the option names`(object: String, problem: String) {
        let error = problem.hasSuffix("invalid URI") ? "invalid URI: bob" : problem
        for (option, name) in [("update", "update"), ("trickle", "trickle"), ("feed-detach", "feed_detach")] {
            guard !object.hasPrefix("\"\(name)\"") else { continue }
            let own = name == "feed_detach" ? #"{"session":"f"}"# : "{}"
            #expect(refusal(control(option, "\"\(name)\":\(own),\(object)")) == error)
            #expect(refusal(control(option, "\(object),\"\(name)\":\(own)")) == error)
        }
    }

    // MARK: Secrets

    @Test func `R01 No text holds the password`() throws {
        let secret = "5ecre7-5ecre7"
        let long = String(repeating: secret, count: 1000)
        for members in [
            #""account":"bob","password":"\#(secret)""#, #""account":"a@b","password":"\#(long)""#,
            #""account":"a@b","password":["\#(secret)"]"#, #""account":"a@b","password":{"\#(secret)":1}"#,
            #""account":"a@b","password":"\#(secret)\u0000""#,
            #""account":"a@b","password":"\#(secret)","user_agent":1"#,
            #""account":"a@b","password":"\#(secret)","display_name":["\#(secret)"]"#,
        ] {
            let error = try #require(refusal(envelope("account-add", members)))
            #expect(!error.contains("5ecre7"))
        }
        guard case .unanswerable(let error) = decoded(#"{"sylkrtc":"account-add","password":"\#(secret)"x}"#) else {
            Issue.record("it was answered")
            return
        }
        #expect(!error.description.contains("5ecre7"))
    }
}
