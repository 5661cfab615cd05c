import Identity
import JSONText
import Sylkrtc
import Testing

/// A message between the processes and its exact text: two versions of them run side by side during an upgrade.
struct InteriorFixture<Message: Sendable & Equatable>: Sendable, CustomTestStringConvertible {
    let json: String
    let message: @Sendable () throws -> Message

    var testDescription: String { json }

    init(_ json: String, _ message: @escaping @Sendable () throws -> Message) {
        (self.json, self.message) = (json, message)
    }
}

enum InteriorFixtures {
    static let requests: [InteriorFixture<WorkerRequest>] = [
        InteriorFixture(
            #"{"request":"join","client":"pub-a","account":"sip:Alice@Example.COM:5060","display_name":"Al\u00efce","#
                + #""verified":true,"room":"room1@Conference.example.com","sdp":"v=0\r\n"}"#
        ) {
            .join(
                WorkerRequest.Join(
                    session: try client("pub-a"), account: try address("sip:Alice@Example.COM:5060"),
                    displayName: "Alïce", isVerified: true, room: try address("room1@Conference.example.com"),
                    offer: sdp("v=0\r\n")))
        },
        InteriorFixture(
            #"{"request":"join","client":"p","account":"a@b","verified":false,"room":"r@c","sdp":""}"#
        ) {
            .join(
                WorkerRequest.Join(
                    session: try client("p"), account: try address("a@b"), displayName: nil, isVerified: false,
                    room: try address("r@c"), offer: sdp("")))
        },
        InteriorFixture(#"{"request":"feed-attach","session":1,"client":"sub-1","publisher":"pub-\u20ac"}"#) {
            .feedAttach(base: sequence(1), feed: try client("sub-1"), publisher: "pub-€")
        },
        InteriorFixture(#"{"request":"feed-answer","session":2,"sdp":"v=0"}"#) {
            .feedAnswer(feed: sequence(2), answer: sdp("v=0"))
        },
        InteriorFixture(#"{"request":"feed-detach","session":18446744073709551615}"#) {
            .feedDetach(feed: sequence(.max))
        },
        InteriorFixture(
            #"{"request":"trickle","session":3,"candidates":[{"candidate":"c\u00e9","sdpMLineIndex":1,"sdpMid":"m"},"#
                + #"{"candidate":"","sdpMLineIndex":0,"sdpMid":""}]}"#
        ) {
            .trickle(
                session: sequence(3),
                candidates: [
                    Candidate(candidate: RawJSON(string: "cé"), lineIndex: 1, mid: RawJSON(string: "m")),
                    Candidate(candidate: RawJSON(string: ""), lineIndex: 0, mid: RawJSON(string: "")),
                ])
        },
        InteriorFixture(#"{"request":"trickle","session":3,"candidates":[]}"#) {
            .trickle(session: sequence(3), candidates: [])
        },
        InteriorFixture(#"{"request":"update","session":4,"audio":true,"video":false,"bitrate":64000}"#) {
            .update(session: sequence(4), audio: true, video: false, bitrate: 64_000)
        },
        InteriorFixture(#"{"request":"update","session":4}"#) {
            .update(session: sequence(4), audio: nil, video: nil, bitrate: nil)
        },
        InteriorFixture(#"{"request":"terminate","session":5}"#) { .terminate(session: sequence(5)) },
        InteriorFixture(#"{"request":"configure-room","session":6,"active":["pub-b","\u00e9"]}"#) {
            .configureRoom(session: sequence(6), activeParticipants: ["pub-b", "é"])
        },
        InteriorFixture(#"{"request":"configure-room","session":6,"active":[]}"#) {
            .configureRoom(session: sequence(6), activeParticipants: [])
        },
        InteriorFixture(#"{"request":"invite","session":6,"participants":["bob@example.org","Carol@example.org"]}"#) {
            .invite(
                session: sequence(6), participants: [try account("bob@example.org"), try account("Carol@example.org")])
        },
        InteriorFixture(#"{"request":"invite","session":6,"participants":[]}"#) {
            .invite(session: sequence(6), participants: [])
        },
        InteriorFixture(#"{"request":"release-account","account":"Alice@example.com"}"#) {
            .releaseAccount(try account("Alice@example.com"))
        },
        InteriorFixture(
            #"{"request":"register","account":"sip:Alice@Example.COM","display_name":"Al\u00efce","#
                + #""user_agent":"SylkRTC","ha1":"0f1e"}"#
        ) {
            .register(.init(identity: try identity("sip:Alice@Example.COM", "Alïce", "SylkRTC"), registration: nil))
        },
        InteriorFixture(#"{"request":"register","account":"a@b","ha1":"0f1e","session":18446744073709551615}"#) {
            .register(.init(identity: try identity("a@b"), registration: sequence(.max)))
        },
        InteriorFixture(#"{"request":"unregister","session":7}"#) { .unregister(registration: sequence(7)) },
        InteriorFixture(
            #"{"request":"call","client":"c0ffee","account":"a@b","display_name":"","ha1":"0f1e","#
                + #""uri":"bob@example.org:5070;transport=tcp","sdp":"v=0\r\n"}"#
        ) {
            .call(
                .init(
                    session: try client("c0ffee"), identity: try identity("a@b", ""),
                    uri: "bob@example.org:5070;transport=tcp", offer: sdp("v=0\r\n")))
        },
        InteriorFixture(#"{"request":"accept","session":4611686018427387904,"sdp":"v=0"}"#) {
            .accept(call: sequence(1 << 62), answer: sdp("v=0"))
        },
    ]

    private static func identity(
        _ account: String, _ displayName: String? = nil, _ userAgent: String? = nil
    ) throws -> WorkerRequest.Identity {
        .init(account: try address(account), displayName: displayName, userAgent: userAgent, password: "0f1e")
    }

    private static let bob = Caller(uri: "bob@example.org", displayName: "Böb")

    static let invitations: [InteriorFixture<Invitation>] = [
        InteriorFixture(
            #"{"connection":"f2.abc.1.7","request":9,"account":"bob@example.org","originator":"Alice@example.com","#
                + #""display_name":"Al\u00efce","room":"room1@conference.example.com"}"#
        ) {
            Invitation(
                source: Invitation.Source(
                    connection: try #require(ConnectionID("f2.abc.1.7")), request: sequence(9)),
                account: try account("bob@example.org"),
                originator: Originator(account: try account("Alice@example.com"), displayName: "Alïce"),
                room: try #require(RoomURI("room1@conference.example.com")))
        },
        InteriorFixture(
            #"{"connection":"f2.abc.1.7","request":9,"account":"b@c","originator":"a@c","room":"r@c"}"#
        ) {
            Invitation(
                source: Invitation.Source(
                    connection: try #require(ConnectionID("f2.abc.1.7")), request: sequence(9)),
                account: try account("b@c"), originator: Originator(account: try account("a@c"), displayName: nil),
                room: try #require(RoomURI("r@c")))
        },
    ]

    static let answers: [InteriorFixture<WorkerAnswer>] = [
        InteriorFixture(#"{"answer":"ack"}"#) { .ack },
        InteriorFixture(#"{"answer":"error","error":"room r\u00e9@c is full"}"#) { .error("room ré@c is full") },
        InteriorFixture(#"{"answer":"error","error":""}"#) { .error("") },
        InteriorFixture(#"{"answer":"not-owner","slot":"host1/2"}"#) { .notOwner(try #require(SlotID("host1/2"))) },
    ]

    static let events: [InteriorFixture<WorkerEvent>] = [
        InteriorFixture(#"{"event":"progress"}"#) { .state(.progress) },
        InteriorFixture(#"{"event":"accepted","sdp":"v=0\r\n"}"#) { .state(.accepted(answer: sdp("v=0\r\n"))) },
        InteriorFixture(#"{"event":"established"}"#) { .state(.established) },
        InteriorFixture(#"{"event":"terminated"}"#) { .state(.terminated(reason: nil)) },
        InteriorFixture(#"{"event":"terminated","reason":"500 Janus lost"}"#) {
            .state(.terminated(reason: "500 Janus lost"))
        },
        InteriorFixture(#"{"event":"initial-publishers","publishers":[]}"#) { .initialPublishers([]) },
        InteriorFixture(
            #"{"event":"initial-publishers","publishers":[{"id":"pub-b","publisher":4711,"account":"bob@b","display_name":"B\u00f6b"},"#
                + #"{"id":"pub-c","publisher":12,"account":"c@b","display_name":""}]}"#
        ) {
            .initialPublishers([
                Publisher(
                    id: PublisherID(rawValue: 4711), session: try client("pub-b"), account: try account("bob@b"),
                    displayName: "Böb"),
                Publisher(
                    id: PublisherID(rawValue: 12), session: try client("pub-c"), account: try account("c@b"),
                    displayName: ""),
            ])
        },
        InteriorFixture(
            #"{"event":"publishers-joined","publishers":[{"id":"p","publisher":9007199254740991,"account":"bob@b","display_name":"Bob"}]}"#
        ) {
            .publishersJoined([
                Publisher(
                    id: PublisherID(rawValue: (1 << 53) - 1), session: try client("p"),
                    account: try account("bob@b"), displayName: "Bob")
            ])
        },
        InteriorFixture(#"{"event":"publishers-left","publishers":["pub-b","\u00e9"]}"#) {
            .publishersLeft([try client("pub-b"), try client("é")])
        },
        InteriorFixture(
            #"{"event":"room-configured","version":9223372036854775807,"originator":"pub-b","active":["a","\u00e9"]}"#
        ) {
            .roomConfigured(
                version: .max, originator: try client("pub-b"), activeParticipants: [try client("a"), try client("é")])
        },
        InteriorFixture(#"{"event":"room-configured","version":2,"active":[]}"#) {
            .roomConfigured(version: 2, originator: nil, activeParticipants: [])
        },
        InteriorFixture(#"{"event":"feed-offered","feed":7,"sdp":"v=0"}"#) {
            .feedOffered(feed: sequence(7), offer: sdp("v=0"))
        },
        InteriorFixture(#"{"event":"feed-established","feed":7}"#) { .feedEstablished(feed: sequence(7)) },
        InteriorFixture(#"{"event":"feed-ended","feed":7}"#) { .feedEnded(feed: sequence(7)) },
        InteriorFixture(#"{"event":"registering"}"#) { .registration(.registering) },
        InteriorFixture(#"{"event":"registered"}"#) { .registration(.registered) },
        InteriorFixture(#"{"event":"registration-failed","reason":"403 Forbidden"}"#) {
            .registration(.failed(reason: "403 Forbidden"))
        },
        InteriorFixture(#"{"event":"registration-lost"}"#) { .registrationLost },
        InteriorFixture(
            #"{"event":"incoming-call","call":9223372036854775807,"client":"8c5d","caller":"bob@example.org","#
                + #""caller_name":"B\u00f6b","sdp":"v=0"}"#
        ) {
            .incomingCall(
                call: sequence(UInt64(Int64.max)), client: try client("8c5d"), caller: bob, offer: sdp("v=0"))
        },
        InteriorFixture(#"{"event":"missed-call","caller":"b@c","caller_name":""}"#) {
            .missedCall(Caller(uri: "b@c", displayName: ""))
        },
        InteriorFixture(#"{"event":"missed-call","number":3,"caller":"b@c","caller_name":""}"#) {
            .missedCall(Caller(uri: "b@c", displayName: ""), number: 3)
        },
        InteriorFixture(#"{"event":"call-progress"}"#) { .call(.progress) },
        InteriorFixture(#"{"event":"call-accepted","sdp":"v=0\r\n"}"#) {
            .call(.accepted(answer: sdp("v=0\r\n")))
        },
        InteriorFixture(#"{"event":"call-accepted"}"#) { .call(.accepted(answer: nil)) },
        InteriorFixture(#"{"event":"call-established"}"#) { .call(.established) },
        InteriorFixture(#"{"event":"call-terminated","reason":"486 Busy Here"}"#) {
            .call(.terminated(reason: "486 Busy Here"))
        },
        InteriorFixture(
            #"{"event":"call-terminated","reason":"487 Request Terminated","caller":"bob@example.org","#
                + #""caller_name":"B\u00f6b"}"#
        ) { .call(.terminated(reason: "487 Request Terminated", missed: bob)) },
    ]

    static let statuses: [InteriorFixture<WorkerStatus>] = [
        InteriorFixture(#"{"slot":"host1/2","load":17,"janus":true}"#) {
            WorkerStatus(slot: try #require(SlotID("host1/2")), load: 17, isJanusUp: true)
        },
        InteriorFixture(#"{"slot":"n/999","load":0,"janus":false}"#) {
            WorkerStatus(slot: try #require(SlotID("n/999")), load: 0, isJanusUp: false)
        },
    ]

    static let lists: [InteriorFixture<ConnectionList>] = [
        InteriorFixture(#"{"sessions":[],"releases":[],"last":true}"#) { ConnectionList() },
        InteriorFixture(
            #"{"sessions":[{"id":"f1.abc.0.7.1","acked":true,"stage":3,"initial":true,"bitrate":64000,"#
                + #""configuration":5,"announced":[{"client":"b","publisher":17}]},{"id":"f1.abc.0.7.2","acked":false,"stage":0,"#
                + #""initial":false,"announced":[]},{"id":"f1.abc.0.8.3","base":1,"acked":true,"offered":true,"#
                + #""answered":false,"established":false}],"releases":["f1.abc.0.9.1"],"last":false}"#
        ) {
            ConnectionList(
                sessions: [
                    ConnectionList.Entry(
                        session: try #require(SessionID("f1.abc.0.7.1")),
                        told: .publisher(
                            ToldState(
                                isAcked: true, stage: .established, hasInitialPublishers: true,
                                announced: [try client("b"): PublisherID(rawValue: 17)], bitrateCap: 64_000,
                                configuration: 5))),
                    ConnectionList.Entry(
                        session: try #require(SessionID("f1.abc.0.7.2")), told: .publisher(ToldState())),
                    ConnectionList.Entry(
                        session: try #require(SessionID("f1.abc.0.8.3")),
                        told: .feed(base: sequence(1), ToldFeed(isAcked: true, isOffered: true))),
                ], releases: [try #require(SessionID("f1.abc.0.9.1"))], isLast: false)
        },
        InteriorFixture(
            #"{"sessions":[{"id":"f1.abc.0.7.1","registration":2,"acked":true},"#
                + #"{"id":"f1.abc.0.7.2","call":1,"acked":false,"answered":false},"#
                + #"{"id":"f1.abc.0.7.4611686018427387904","call":0,"acked":true,"answered":true,"incoming":1}],"#
                + #""releases":[],"last":true}"#
        ) {
            ConnectionList(
                sessions: [
                    ConnectionList.Entry(
                        session: try #require(SessionID("f1.abc.0.7.1")),
                        told: .registration(ToldRegistration(isAcked: true, stage: .registered))),
                    ConnectionList.Entry(
                        session: try #require(SessionID("f1.abc.0.7.2")),
                        told: .call(registration: nil, ToldCall(stage: .progress))),
                    ConnectionList.Entry(
                        session: try #require(SessionID("f1.abc.0.7.4611686018427387904")),
                        told: .call(registration: sequence(1), ToldCall(isAcked: true, isAnswered: true))),
                ])
        },
    ]
}
