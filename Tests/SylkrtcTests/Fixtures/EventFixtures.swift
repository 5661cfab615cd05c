import Identity
import Sylkrtc
import Testing

/// One message to a client, and its exact text.
struct EventFixture: Sendable, CustomTestStringConvertible {
    let title: String
    let json: String
    let message: @Sendable () throws -> ServerMessage

    var testDescription: String { title }

    init(_ title: String, _ json: String, _ message: @escaping @Sendable () throws -> ServerMessage) {
        (self.title, self.json, self.message) = (title, json, message)
    }

    private static func ofPublisher(
        _ title: String, _ rest: String, _ event: @escaping @Sendable () throws -> VideoroomEvent
    ) -> EventFixture {
        EventFixture(title, #"{"sylkrtc":"videoroom_event","session":"pub-a","# + rest + "}") {
            .videoroom(session: try client("pub-a"), try event())
        }
    }

    static let all = answers + phones + invitations + states + publishers + feeds + configurations

    private static func ofAccount(
        _ title: String, _ rest: String, _ message: @escaping @Sendable () throws -> ServerMessage
    ) -> EventFixture {
        EventFixture(
            title, #"{"sylkrtc":"account_event","account":"sip:Alice@Example.com","# + rest + "}", message)
    }

    private static func ofCall(_ title: String, _ data: String, _ state: CallState) -> EventFixture {
        EventFixture(
            title, #"{"sylkrtc":"session_event","session":"c0ffee","event":"state","data":{"# + data + "}}"
        ) { .session(session: try client("c0ffee"), state) }
    }

    private static let alice = "sip:Alice@Example.com"
    private static let bob = Caller(uri: "bob@example.org", displayName: "Böb")

    static let phones = [
        ofAccount("E02 registering", #""event":"registration_state","data":{"state":"registering"}"#) {
            .registrationState(account: alice, .registering)
        },
        ofAccount("E02 registered", #""event":"registration_state","data":{"state":"registered"}"#) {
            .registrationState(account: alice, .registered)
        },
        ofAccount(
            "E02 failed", #""event":"registration_state","data":{"state":"failed","reason":"403 Forbidden"}"#
        ) { .registrationState(account: alice, .failed(reason: "403 Forbidden")) },
        ofAccount(
            "E03 incoming_session",
            #""session":"8c5d","event":"incoming_session","data":{"#
                + #""originator":{"uri":"bob@example.org","display_name":"B\u00f6b"},"sdp":"v=0\r\n"}"#
        ) {
            .incomingSession(account: alice, session: try client("8c5d"), caller: bob, offer: sdp("v=0\r\n"))
        },
        ofAccount(
            "E04 missed_session, by somebody without a name",
            #""event":"missed_session","data":{"originator":{"uri":"b@c","display_name":""}}"#
        ) { .missedSession(account: alice, caller: Caller(uri: "b@c", displayName: "")) },
        ofCall("E06 progress", #""state":"progress""#, .progress),
        ofCall("E06 accepted of who has called", #""state":"accepted","sdp":"v=0""#, .accepted(answer: sdp("v=0"))),
        ofCall("E06 accepted of who was called", #""state":"accepted""#, .accepted(answer: nil)),
        ofCall("E06 established", #""state":"established""#, .established),
        ofCall(
            "E06 terminated", #""state":"terminated","reason":"486 Busy Here""#,
            .terminated(reason: "486 Busy Here")),
        ofCall(
            "E06 terminated, a call that was missed", #""state":"terminated","reason":"487 Request Terminated""#,
            .terminated(reason: "487 Request Terminated", missed: bob)),
    ]

    static let answers = [
        EventFixture("E01 ready", #"{"sylkrtc":"event","event":"ready"}"#) { .ready },
        EventFixture("ack", #"{"sylkrtc":"ack","transaction":"41f0"}"#) { .ack(transaction: "41f0") },
        EventFixture(
            "error", #"{"sylkrtc":"error","transaction":"41f0","error":"Unknown account specified: alice@example.com"}"#
        ) { .error(transaction: "41f0", text: "Unknown account specified: alice@example.com") },
        EventFixture(
            "error, everything escaped",
            #"{"sylkrtc":"error","transaction":"\"\\\u0007\u00e9","error":"\r\n\u2026\ud83d\ude00\u007f"}"#
        ) { .error(transaction: "\"\\\u{7}é", text: "\r\n…😀\u{7F}") },
    ]

    static let invitations = [
        EventFixture(
            "E05 conference_invite",
            #"{"sylkrtc":"account_event","account":"sip:Bob@Example.ORG","event":"conference_invite","data":"#
                + #"{"originator":{"uri":"alice@example.com","display_name":"Al\u00efce"},"#
                + #""room":"room1@conference.example.com"}}"#
        ) {
            .conferenceInvite(
                account: "sip:Bob@Example.ORG",
                originator: Originator(account: try account("sip:alice@Example.com"), displayName: "Alïce"),
                room: try #require(RoomURI("sip:room1@Conference.example.com:5060")))
        },
        EventFixture(
            "E05 conference_invite, by somebody without a name",
            #"{"sylkrtc":"account_event","account":"bob@example.org","event":"conference_invite","data":"#
                + #"{"originator":{"uri":"alice@example.com","display_name":null},"room":"r@example.com"}}"#
        ) {
            .conferenceInvite(
                account: "bob@example.org",
                originator: Originator(account: try account("alice@example.com"), displayName: nil),
                room: try #require(RoomURI("r@example.com")))
        },
    ]

    static let states = [
        ofPublisher("E07 progress", #""event":"state","data":{"state":"progress"}"#) { .state(.progress) },
        ofPublisher("E07 accepted", #""event":"state","data":{"state":"accepted","sdp":"v=0\r\ns=\u00e9\r\n"}"#) {
            .state(.accepted(answer: sdp("v=0\r\ns=é\r\n")))
        },
        ofPublisher("E07 established", #""event":"state","data":{"state":"established"}"#) { .state(.established) },
        ofPublisher(
            "E07 terminated, by somebody else",
            #""event":"state","data":{"state":"terminated","reason":"500 Worker lost"}"#
        ) { .state(.terminated(reason: "500 Worker lost")) },
        ofPublisher("E07 terminated, by the client", #""event":"state","data":{"state":"terminated"}"#) {
            .state(.terminated(reason: nil))
        },
        ofPublisher(
            "E07 terminated, an empty reason", #""event":"state","data":{"state":"terminated","reason":""}"#
        ) { .state(.terminated(reason: "")) },
    ]

    static let publishers = [
        ofPublisher(
            "E08 initial_publishers",
            #""event":"initial_publishers","data":{"publishers":[{"id":"pub-b","uri":"bob@example.org","#
                + #""display_name":"Bob"},{"id":"\u00e9","uri":"Carol@example.org","display_name":""}]}"#
        ) {
            .initialPublishers([
                Publisher(
                    id: PublisherID(rawValue: 5), session: try client("pub-b"), account: try account("bob@example.org"),
                    displayName: "Bob"),
                Publisher(
                    id: PublisherID(rawValue: 5), session: try client("é"),
                    account: try account("sip:Carol@EXAMPLE.org:5060"), displayName: ""),
            ])
        },
        ofPublisher("E08 initial_publishers, empty", #""event":"initial_publishers","data":{"publishers":[]}"#) {
            .initialPublishers([])
        },
        ofPublisher(
            "E09 publishers_joined",
            #""event":"publishers_joined","data":{"publishers":[{"id":"pub-b","uri":"bob@example.org","#
                + #""display_name":"B\u00f6b \"2\""}]}"#
        ) {
            .publishersJoined([
                Publisher(
                    id: PublisherID(rawValue: 5), session: try client("pub-b"), account: try account("bob@example.org"),
                    displayName: "Böb \"2\"")
            ])
        },
        ofPublisher(
            "E10 publishers_left, plain ids", #""event":"publishers_left","data":{"publishers":["pub-b","\u20ac"]}"#
        ) { .publishersLeft([try client("pub-b"), try client("€")]) },
    ]

    static let configurations = [
        ofPublisher(
            "E13 configure-room, without data, by a participant",
            #""event":"configure-room","originator":"pub-b","active_participants":["pub-b","\u00e9"]"#
        ) {
            .configureRoom(originator: try client("pub-b"), activeParticipants: [try client("pub-b"), try client("é")])
        },
        ofPublisher(
            "E13 configure-room, nobody, by the gateway",
            #""event":"configure-room","originator":"videoroom","active_participants":[]"#
        ) { .configureRoom(originator: nil, activeParticipants: []) },
    ]

    static let feeds = [
        ofPublisher("E11 feed_attached", #""event":"feed_attached","data":{"sdp":"v=0","subscription":"sub-1"}"#) {
            .feedAttached(subscription: try client("sub-1"), offer: sdp("v=0"))
        },
        ofPublisher(
            "E12 feed_established", #""event":"feed_established","data":{"state":"established","subscription":"sub-1"}"#
        ) { .feedEstablished(subscription: try client("sub-1")) },
    ]
}
