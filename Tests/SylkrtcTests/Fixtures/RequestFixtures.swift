import JSONText
import Testing

@testable import Sylkrtc

/// One request as a client writes it, and what it means.
struct RequestFixture: Sendable, CustomTestStringConvertible {
    /// The protocol page's number and what is special about this one.
    let title: String
    let json: String
    let request: @Sendable () throws -> Request

    var testDescription: String { title }

    init(_ title: String, _ json: String, _ request: @escaping @Sendable () throws -> Request) {
        (self.title, self.json, self.request) = (title, json, request)
    }

    static let all = accounts + calls + conferences + feeds

    static let accounts = [
        RequestFixture(
            "R01 account-add",
            #"{"sylkrtc":"account-add","transaction":"1","account":"alice@example.com","password":"9f1c","#
                + #""display_name":"Alice","user_agent":"SylkRTC (Chrome 60 on Linux)"}"#
        ) {
            .accountAdd(
                AccountAdd(
                    account: try address("alice@example.com"), password: "9f1c", displayName: "Alice",
                    userAgent: "SylkRTC (Chrome 60 on Linux)"))
        },
        RequestFixture(
            "R01 account-add, only what is required, the address spelled at length",
            #"{"sylkrtc":"account-add","transaction":"1","account":"sip:Alice@Example.COM:5060","password":"x"}"#
        ) {
            .accountAdd(
                AccountAdd(
                    account: try address("sip:Alice@Example.COM:5060"), password: "x", displayName: nil, userAgent: nil)
            )
        },
        RequestFixture(
            "R01 account-add, an empty display name is one",
            envelope("account-add", #""account":"a@b","password":"x","display_name":"","user_agent":"\u00e9\n""#)
        ) {
            .accountAdd(AccountAdd(account: try address("a@b"), password: "x", displayName: "", userAgent: "é\n"))
        },
        RequestFixture(
            "R02 account-remove",
            #"{"sylkrtc":"account-remove","transaction":"2","account":"alice@example.com"}"#
        ) { .accountRemove(AccountName(account: try address("alice@example.com"))) },
        RequestFixture(
            "R03 account-register",
            #"{"sylkrtc":"account-register","transaction":"3","account":"alice@example.com"}"#
        ) { .accountRegister(AccountName(account: try address("alice@example.com"))) },
        RequestFixture(
            "R04 account-unregister",
            #"{"sylkrtc":"account-unregister","transaction":"4","account":"alice@example.com"}"#
        ) { .accountUnregister(AccountName(account: try address("alice@example.com"))) },
        RequestFixture(
            "R05 account-devicetoken",
            #"{"sylkrtc":"account-devicetoken","transaction":"5","account":"alice@example.com","old_token":"AAA","#
                + #""new_token":"BBB"}"#
        ) {
            .accountDeviceToken(
                AccountDeviceToken(account: try address("alice@example.com"), oldToken: "AAA", newToken: "BBB"))
        },
        RequestFixture("R05 account-devicetoken, neither token", envelope("account-devicetoken", #""account":"a@b""#)) {
            .accountDeviceToken(AccountDeviceToken(account: try address("a@b"), oldToken: nil, newToken: nil))
        },
    ]

    static let calls = [
        RequestFixture(
            "R06 session-create",
            #"{"sylkrtc":"session-create","transaction":"6","account":"alice@example.com","session":"c0ffee","#
                + #""uri":"bob@example.org","sdp":"v=0\r\n"}"#
        ) {
            .sessionCreate(
                SessionCreate(
                    account: try address("alice@example.com"), session: try client("c0ffee"), uri: "bob@example.org",
                    offer: sdp("v=0\r\n")))
        },
        RequestFixture(
            "R06 session-create, the destination loses its scheme and nothing else",
            envelope(
                "session-create",
                #""account":"a@b","session":"c","uri":"SIPS:Bob@Example.ORG:5061;transport=tls?x=y","sdp":"""#)
        ) {
            .sessionCreate(
                SessionCreate(
                    account: try address("a@b"), session: try client("c"),
                    uri: "Bob@Example.ORG:5061;transport=tls?x=y",
                    offer: sdp("")))
        },
        RequestFixture(
            "R07 session-answer", #"{"sylkrtc":"session-answer","transaction":"7","session":"8c5d","sdp":"v=0"}"#
        ) { .sessionAnswer(SessionAnswer(session: "8c5d", answer: sdp("v=0"))) },
        RequestFixture(
            "R08 session-trickle",
            #"{"sylkrtc":"session-trickle","transaction":"8","session":"c0ffee","candidates":[{"candidate":"#
                + #""candidate:1 1 UDP 2122 192.0.2.1 40000 typ host","sdpMLineIndex":0,"sdpMid":"audio"}]}"#
        ) {
            .sessionTrickle(
                SessionTrickle(
                    session: "c0ffee",
                    candidates: [
                        Candidate(
                            candidate: RawJSON(string: "candidate:1 1 UDP 2122 192.0.2.1 40000 typ host"), lineIndex: 0,
                            mid: RawJSON(string: "audio"))
                    ]))
        },
        RequestFixture("R08 session-trickle, end of candidates", envelope("session-trickle", #""session":"c0ffee""#)) {
            .sessionTrickle(SessionTrickle(session: "c0ffee", candidates: []))
        },
        RequestFixture(
            "R09 session-terminate", #"{"sylkrtc":"session-terminate","transaction":"10","session":"c0ffee"}"#
        ) { .sessionTerminate(SessionTerminate(session: "c0ffee")) },
    ]

    static let conferences = [
        RequestFixture(
            "R10 videoroom-join",
            #"{"sylkrtc":"videoroom-join","transaction":"11","account":"alice@example.com","session":"pub-a","#
                + #""uri":"room1@conference.example.com","sdp":"v=0\r\n"}"#
        ) {
            .videoroomJoin(
                VideoroomJoin(
                    account: try address("alice@example.com"), session: try client("pub-a"),
                    room: try address("room1@conference.example.com"), offer: sdp("v=0\r\n")))
        },
        RequestFixture(
            "R11 configure-room",
            #"{"sylkrtc":"videoroom-ctl","transaction":"12","session":"pub-a","option":"configure-room","#
                + #""configure_room":{"active_participants":["pub-b"]}}"#
        ) { .configureRoom(ConfigureRoom(session: "pub-a", activeParticipants: ["pub-b"])) },
        RequestFixture(
            "R11 configure-room, duplicates removed in order",
            control("configure-room", #""configure_room":{"active_participants":["b","a","b","a","b"]}"#)
        ) { .configureRoom(ConfigureRoom(session: "pub-a", activeParticipants: ["b", "a"])) },
        RequestFixture("R11 configure-room, nobody", control("configure-room", #""configure_room":{}"#)) {
            .configureRoom(ConfigureRoom(session: "pub-a", activeParticipants: []))
        },
        RequestFixture(
            "R15 invite-participants",
            #"{"sylkrtc":"videoroom-ctl","transaction":"16","session":"pub-a","option":"invite-participants","#
                + #""invite_participants":{"participants":["bob@example.org","carol@example.org"]}}"#
        ) {
            .inviteParticipants(
                InviteParticipants(
                    session: "pub-a", participants: [try address("bob@example.org"), try address("carol@example.org")]))
        },
        RequestFixture(
            "R15 invite-participants, spellings of one address are one, the first is kept",
            control(
                "invite-participants",
                #""invite_participants":{"participants":["sip:bob@B","a@b","bob@b:5060","bob@b"]}"#)
        ) {
            .inviteParticipants(
                InviteParticipants(session: "pub-a", participants: [try address("sip:bob@B"), try address("a@b")]))
        },
        RequestFixture(
            "R15 invite-participants, nobody",
            control("invite-participants", #""invite_participants":{"participants":[]}"#)
        ) { .inviteParticipants(InviteParticipants(session: "pub-a", participants: [])) },
        RequestFixture(
            "R17 update",
            #"{"sylkrtc":"videoroom-ctl","transaction":"18","session":"sub-1","option":"update","#
                + #""update":{"audio":true,"video":false,"bitrate":64000}}"#
        ) {
            .videoroomUpdate(VideoroomUpdate(session: "sub-1", audio: true, video: false, bitrate: 64_000))
        },
        RequestFixture("R17 update, nothing", control("update", #""update":{}"#)) {
            .videoroomUpdate(VideoroomUpdate(session: "pub-a", audio: nil, video: nil, bitrate: nil))
        },
        RequestFixture(
            "R18 videoroom-terminate", #"{"sylkrtc":"videoroom-terminate","transaction":"19","session":"pub-a"}"#
        ) { .videoroomTerminate(VideoroomTerminate(session: "pub-a")) },
    ]

    static let feeds = [
        RequestFixture(
            "R12 feed-attach",
            #"{"sylkrtc":"videoroom-ctl","transaction":"13","session":"pub-a","option":"feed-attach","#
                + #""feed_attach":{"session":"sub-1","publisher":"pub-b"}}"#
        ) { .feedAttach(FeedAttach(session: "pub-a", feed: try client("sub-1"), publisher: "pub-b")) },
        RequestFixture(
            "R13 feed-answer",
            #"{"sylkrtc":"videoroom-ctl","transaction":"14","session":"pub-a","option":"feed-answer","#
                + #""feed_answer":{"session":"sub-1","sdp":"v=0\r\n"}}"#
        ) { .feedAnswer(FeedAnswer(session: "pub-a", feed: "sub-1", answer: sdp("v=0\r\n"))) },
        RequestFixture(
            "R14 feed-detach",
            #"{"sylkrtc":"videoroom-ctl","transaction":"15","session":"pub-a","option":"feed-detach","#
                + #""feed_detach":{"session":"sub-1"}}"#
        ) { .feedDetach(FeedDetach(session: "pub-a", feed: "sub-1")) },
        RequestFixture(
            "R16 trickle",
            #"{"sylkrtc":"videoroom-ctl","transaction":"17","session":"pub-a","option":"trickle","#
                + #""trickle":{"session":"sub-1","candidates":[]}}"#
        ) { .videoroomTrickle(VideoroomTrickle(session: "pub-a", feed: "sub-1", candidates: [])) },
        RequestFixture("R16 trickle, of the outer session", control("trickle", #""trickle":{}"#)) {
            .videoroomTrickle(VideoroomTrickle(session: "pub-a", feed: nil, candidates: []))
        },
        RequestFixture(
            "R16 trickle, an empty session is the outer one, candidates in order",
            control(
                "trickle",
                #""trickle":{"session":"","candidates":[{"candidate":"a","sdpMLineIndex":1,"sdpMid":"m"},"#
                    + #"{"candidate":"","sdpMLineIndex":0,"sdpMid":""}]}"#)
        ) {
            .videoroomTrickle(
                VideoroomTrickle(
                    session: "pub-a", feed: nil,
                    candidates: [
                        Candidate(candidate: RawJSON(string: "a"), lineIndex: 1, mid: RawJSON(string: "m")),
                        Candidate(candidate: RawJSON(string: ""), lineIndex: 0, mid: RawJSON(string: "")),
                    ]))
        },
    ]
}
