import Identity
import JSONText
import Sylkrtc
import TestSupport
import Testing

@Suite struct InteriorMessageTests {
    @Test(arguments: InteriorFixtures.requests)
    func `A request to a worker is written and read back`(fixture: InteriorFixture<WorkerRequest>) throws {
        try expectRoundTrip(fixture, { $0.encoded }, WorkerRequest.decode)
    }

    @Test(arguments: InteriorFixtures.invitations)
    func `An invitation is written and read back`(fixture: InteriorFixture<Invitation>) throws {
        try expectRoundTrip(fixture, { $0.encoded }, Invitation.decode)
    }

    @Test(arguments: [
        #"{"connection":"f2.abc.1","request":9,"account":"b@c","originator":"a@c","room":"r@c"}"#,
        #"{"connection":"f2.abc.1.7","request":"9","account":"b@c","originator":"a@c","room":"r@c"}"#,
        #"{"connection":"f2.abc.1.7","request":9,"account":"b","originator":"a@c","room":"r@c"}"#,
        #"{"connection":"f2.abc.1.7","request":9,"account":"b@c","originator":7,"room":"r@c"}"#,
        #"{"connection":"f2.abc.1.7","request":9,"account":"b@c","originator":"a@c","room":""}"#,
        #"{"connection":"f2.abc.1.7","request":9,"account":"b@c","originator":"a@c","display_name":1,"room":"r@c"}"#,
    ])
    func `An invitation that makes no sense is refused`(text: String) {
        #expect(throws: ProtocolError.self) { try Invitation.decode(Array(text.utf8)) }
    }

    @Test func `R15 A worker takes as many invitees as any front door may let a client name, and no more`() throws {
        func body(_ count: Int) -> [UInt8] {
            let names = (0..<count).map { #""u\#($0)@example.org""# }.joined(separator: ",")
            return Array(#"{"request":"invite","session":1,"participants":[\#(names)]}"#.utf8)
        }
        let maximum = ElementLimits.legal.upperBound
        guard case .invite(_, let participants) = try WorkerRequest.decode(body(maximum)) else {
            Issue.record("no invite")
            return
        }
        #expect(participants.count == maximum)
        #expect(throws: ProtocolError.self) { try WorkerRequest.decode(body(maximum + 1)) }
        #expect(throws: ProtocolError.self) {
            try WorkerRequest.decode(Array(#"{"request":"invite","session":1,"participants":["x"]}"#.utf8))
        }
    }

    @Test(arguments: InteriorFixtures.answers)
    func `A worker's answer is written and read back`(fixture: InteriorFixture<WorkerAnswer>) throws {
        try expectRoundTrip(fixture, { $0.encoded }, WorkerAnswer.decode)
    }

    @Test(arguments: InteriorFixtures.events)
    func `A worker's event is written and read back`(fixture: InteriorFixture<WorkerEvent>) throws {
        try expectRoundTrip(fixture, { $0.encoded }, WorkerEvent.decode)
    }

    @Test(arguments: InteriorFixtures.statuses)
    func `A worker's status is written and read back`(fixture: InteriorFixture<WorkerStatus>) throws {
        try expectRoundTrip(fixture, { $0.encoded }, WorkerStatus.decode)
    }

    @Test(arguments: InteriorFixtures.lists)
    func `A list of connections is written and read back`(fixture: InteriorFixture<ConnectionList>) throws {
        try expectRoundTrip(fixture, { $0.encoded }, ConnectionList.decode)
    }

    private func expectRoundTrip<Message>(
        _ fixture: InteriorFixture<Message>, _ encoded: (Message) -> [UInt8], _ decode: ([UInt8]) throws -> Message
    ) throws {
        let message = try fixture.message()
        #expect(String(decoding: encoded(message), as: UTF8.self) == fixture.json)
        #expect(try decode(Array(fixture.json.utf8)) == message)
        // A later version may say more.
        let extended = #"{"new":[{"request":1}],"# + fixture.json.dropFirst().dropLast() + #","newer":null}"#
        #expect(try decode(Array(extended.utf8)) == message)
    }

    static let notMessages = ["", "x", "null", "[]", "\"ack\"", "{", "{}", "{}{}", #"{"request":1}"#, "\u{FEFF}{}"]

    @Test(arguments: notMessages)
    func `What is no message is refused by every reader`(text: String) {
        let body = Array(text.utf8)
        #expect(throws: ProtocolError.self) { try WorkerRequest.decode(body) }
        #expect(throws: ProtocolError.self) { try WorkerAnswer.decode(body) }
        #expect(throws: ProtocolError.self) { try WorkerEvent.decode(body) }
        #expect(throws: ProtocolError.self) { try WorkerStatus.decode(body) }
        #expect(throws: ProtocolError.self) { try ConnectionList.decode(body) }
    }

    @Test(arguments: [
        #"{"request":"dance"}"#, #"{"request":null}"#, #"{"request":"join"}"#,
        #"{"request":"join","client":"","account":"a@b","verified":true,"room":"r@c","sdp":""}"#,
        #"{"request":"join","client":"videoroom","account":"a@b","verified":true,"room":"r@c","sdp":""}"#,
        #"{"request":"join","client":"p","account":"ab","verified":true,"room":"r@c","sdp":""}"#,
        #"{"request":"join","client":"p","account":"a@b","verified":"true","room":"r@c","sdp":""}"#,
        #"{"request":"join","client":"p","account":"a@b","room":"r@c","sdp":""}"#,
        #"{"request":"join","client":"p","account":"a@b","verified":true,"room":"rc","sdp":""}"#,
        #"{"request":"join","client":"p","account":"a@b","verified":true,"room":"r@c","sdp":1}"#,
        #"{"request":"join","client":"p","account":"a@b","verified":true,"room":"r@c"}"#,
        #"{"request":"join","client":"p","account":"a@b","display_name":1,"verified":true,"room":"r@c","sdp":""}"#,
        #"{"request":"feed-attach","session":1,"client":"","publisher":"p"}"#,
        #"{"request":"feed-attach","session":"1","client":"s","publisher":"p"}"#,
        #"{"request":"feed-attach","session":1,"client":"s"}"#, #"{"request":"feed-answer","session":1}"#,
        #"{"request":"feed-answer","sdp":""}"#, #"{"request":"feed-detach","session":-1}"#,
        #"{"request":"feed-detach","session":1.0}"#, #"{"request":"feed-detach","session":18446744073709551616}"#,
        #"{"request":"trickle","session":1}"#, #"{"request":"trickle","session":1,"candidates":null}"#,
        #"{"request":"trickle","session":1,"candidates":[1]}"#,
        #"{"request":"trickle","session":1,"candidates":[{"candidate":1,"sdpMLineIndex":0,"sdpMid":""}]}"#,
        #"{"request":"trickle","session":1,"candidates":[{"candidate":"","sdpMLineIndex":"0","sdpMid":""}]}"#,
        #"{"request":"trickle","session":1,"candidates":[{"candidate":"","sdpMLineIndex":0}]}"#,
        #"{"request":"update","audio":true}"#, #"{"request":"update","session":1,"audio":1}"#,
        #"{"request":"update","session":1,"video":"false"}"#, #"{"request":"update","session":1,"bitrate":1.0}"#,
        #"{"request":"configure-room","session":1}"#, #"{"request":"configure-room","active":[]}"#,
        #"{"request":"configure-room","session":1,"active":[1]}"#,
        #"{"request":"configure-room","session":1,"active":["a","b","c"]}"#,
        #"{"request":"terminate"}"#, #"{"request":"release-account","account":"a"}"#, #"{"request":"release-account"}"#,
        #"{"request":"register","account":"a@b"}"#, #"{"request":"register","ha1":"0f1e"}"#,
        #"{"request":"register","account":"ab","ha1":"0f1e"}"#, #"{"request":"register","account":"a@b","ha1":1}"#,
        #"{"request":"register","account":"a@b","ha1":"0f1e","session":"7"}"#,
        #"{"request":"register","account":"a@b","ha1":"0f1e","user_agent":7}"#, #"{"request":"unregister"}"#,
        #"{"request":"unregister","session":"7"}"#,
        #"{"request":"call","client":"","account":"a@b","ha1":"0f1e","uri":"b@c","sdp":""}"#,
        #"{"request":"call","client":"c","account":"a@b","ha1":"0f1e","sdp":""}"#,
        #"{"request":"call","client":"c","account":"a@b","ha1":"0f1e","uri":"b@c"}"#,
        #"{"request":"call","client":"c","account":"a@b","uri":"b@c","sdp":""}"#, #"{"request":"accept","session":7}"#,
        #"{"request":"accept","sdp":""}"#,
    ])
    func `A malformed request is refused by the worker`(text: String) {
        #expect(throws: ProtocolError.self) { try WorkerRequest.decode(Array(text.utf8)) }
    }

    @Test(arguments: [
        #"{"answer":"nak"}"#, #"{"answer":1}"#, #"{"answer":"error"}"#, #"{"answer":"error","error":1}"#,
        #"{"answer":"not-owner"}"#, #"{"answer":"not-owner","slot":"host1"}"#, #"{"answer":"not-owner","slot":"h/0"}"#,
    ])
    func `A malformed answer is refused by the front door`(text: String) {
        #expect(throws: ProtocolError.self) { try WorkerAnswer.decode(Array(text.utf8)) }
    }

    @Test(arguments: [
        #"{"event":"rapture"}"#, #"{"event":"accepted"}"#, #"{"event":"accepted","sdp":null}"#,
        #"{"event":"terminated","reason":5}"#, #"{"event":"initial-publishers"}"#,
        #"{"event":"initial-publishers","publishers":{}}"#, #"{"event":"publishers-joined","publishers":["p"]}"#,
        #"{"event":"publishers-joined","publishers":[{"id":"","account":"a@b","display_name":""}]}"#,
        #"{"event":"publishers-joined","publishers":[{"id":"p","account":"ab","display_name":""}]}"#,
        #"{"event":"publishers-joined","publishers":[{"id":"p","account":"a@b"}]}"#, #"{"event":"publishers-left"}"#,
        #"{"event":"publishers-left","publishers":[""]}"#, #"{"event":"publishers-left","publishers":["p",1]}"#,
        #"{"event":"room-configured","active":[]}"#, #"{"event":"room-configured","version":1}"#,
        #"{"event":"room-configured","version":"1","active":[]}"#,
        #"{"event":"room-configured","version":1,"originator":"videoroom","active":[]}"#,
        #"{"event":"room-configured","version":1,"active":["videoroom"]}"#,
        #"{"event":"feed-offered","feed":1}"#, #"{"event":"feed-offered","sdp":""}"#, #"{"event":"feed-established"}"#,
        #"{"event":"feed-ended","feed":"1"}"#, #"{"event":"registration-failed"}"#,
        #"{"event":"registration-failed","reason":403}"#,
        #"{"event":"incoming-call","call":7,"client":"c","caller":"b@c","caller_name":"","sdp":""}"#,
        #"{"event":"incoming-call","call":9223372036854775808,"client":"c","caller":"b@c","caller_name":"","sdp":""}"#,
        #"{"event":"incoming-call","call":4611686018427387904,"client":"","caller":"b@c","caller_name":"","sdp":""}"#,
        #"{"event":"incoming-call","call":4611686018427387904,"client":"c","caller_name":"","sdp":""}"#,
        #"{"event":"incoming-call","call":4611686018427387904,"client":"c","caller":"b@c","sdp":""}"#,
        #"{"event":"incoming-call","call":4611686018427387904,"client":"c","caller":"b@c","caller_name":""}"#,
        #"{"event":"missed-call"}"#, #"{"event":"missed-call","caller":"b@c"}"#, #"{"event":"call-accepted","sdp":7}"#,
        #"{"event":"call-terminated"}"#, #"{"event":"call-terminated","reason":"1","caller":"b@c"}"#,
    ])
    func `A malformed event is refused by the front door`(text: String) {
        #expect(throws: ProtocolError.self) { try WorkerEvent.decode(Array(text.utf8)) }
    }

    @Test(arguments: [
        #"{"slot":"host1/2","load":1}"#, #"{"slot":"host1/2","janus":true}"#, #"{"load":1,"janus":true}"#,
        #"{"slot":"host1/2","load":"1","janus":true}"#, #"{"slot":"host1/2","load":1.5,"janus":true}"#,
        #"{"slot":"host1/2","load":1,"janus":1}"#, #"{"slot":"host1","load":1,"janus":true}"#,
    ])
    func `A malformed status is refused by the front door`(text: String) {
        #expect(throws: ProtocolError.self) { try WorkerStatus.decode(Array(text.utf8)) }
    }

    @Test(
        arguments: [
            #"{"sessions":{}}"#, #"{"sessions":["f1.abc.0.7.1"]}"#, #"{"sessions":[{}]}"#, #"{"sessions":[{"id":1}]}"#,
            #"{"sessions":[{"id":"f1.abc.0.7.1"},{"id":"f1.abc.0.7"}]}"#, #"{"sessions":[{"id":"f1.ABC.0.7.1"}]}"#,
        ]
            + [
                #""registration":4,"acked":true"#, #""registration":"1","acked":true"#, #""registration":1"#,
                #""call":5,"acked":true,"answered":true"#, #""call":1,"acked":true"#, #""call":1,"answered":true"#,
                #""call":1,"acked":true,"answered":true,"incoming":1"#,
            ].map { #"{"sessions":[{"id":"f1.abc.0.7.1",\#($0)}],"releases":[],"last":true}"# } + [
                #"{"sessions":[{"id":"f1.abc.0.7.4611686018427387904","call":1,"acked":true,"answered":true}],"#
                    + #""releases":[],"last":true}"#
            ])
    func `A malformed list is refused whole, so that nothing is released by mistake`(text: String) {
        #expect(throws: ProtocolError.self) { try ConnectionList.decode(Array(text.utf8)) }
    }

    @Test func `D25 A join says what the client wrote and what it means`() throws {
        let join = try WorkerRequest.decode(
            Array(
                #"{"request":"join","client":"p","account":"sip:A@B.c:1","verified":true,"room":"SIP:R@C","sdp":""}"#
                    .utf8))
        guard case .join(let join) = join else {
            Issue.record("not a join")
            return
        }
        #expect(join.account.description == "A@b.c")
        #expect(join.accountAsSent == "sip:A@B.c:1")
        #expect(join.room.description == "R@c")
        #expect(join.roomAsSent == "SIP:R@C")
    }

    @Test func `Mutated messages never trap`() {
        var random = SeededGenerator(seed: 3)
        let texts =
            InteriorFixtures.requests.map(\.json) + InteriorFixtures.answers.map(\.json)
            + InteriorFixtures.events.map(\.json) + InteriorFixtures.statuses.map(\.json)
            + InteriorFixtures.lists.map(\.json)
        var read = 0
        for text in texts {
            for _ in 0..<60 {
                var bytes = Array(text.utf8)
                for _ in 0...Int.random(in: 0..<2, using: &random) {
                    let position = Int.random(in: 0..<bytes.count, using: &random)
                    if .random(using: &random) {
                        bytes[position] = .random(in: 0x20...0x7E, using: &random)
                    } else {
                        bytes.insert(.random(in: 0...255, using: &random), at: position)
                    }
                }
                read += (try? WorkerRequest.decode(bytes)) == nil ? 0 : 1
                read += (try? WorkerAnswer.decode(bytes)) == nil ? 0 : 1
                read += (try? WorkerEvent.decode(bytes)) == nil ? 0 : 1
                read += (try? WorkerStatus.decode(bytes)) == nil ? 0 : 1
                read += (try? ConnectionList.decode(bytes)) == nil ? 0 : 1
            }
        }
        #expect(read > 50)
    }
}
