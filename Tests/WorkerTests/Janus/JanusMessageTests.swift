import Identity
import JSONText
import TestSupport
import Testing

@testable import Worker

/// What Janus sends, sorted (protocol page, section 5.4).
@Suite struct JanusMessageTests {
    private func reply(_ text: String) throws -> (transaction: String, result: Result<JanusReply, JanusError>) {
        guard case .reply(let transaction, let result) = try JanusMessage.decode(Array(text.utf8)) else {
            throw Unexpected(text: text)
        }
        return (transaction, result)
    }
    private func event(_ text: String) throws -> JanusEvent {
        guard case .event(let event) = try JanusMessage.decode(Array(text.utf8)) else { throw Unexpected(text: text) }
        return event
    }
    private struct Unexpected: Error { let text: String }

    // MARK: Replies

    @Test func `an ack is an acceptance`() throws {
        let (transaction, result) = try reply(#"{"janus":"ack","session_id":1,"transaction":"t1"}"#)
        #expect(transaction == "t1")
        guard case .success(.accepted) = result else {
            Issue.record("\(result)")
            return
        }
        #expect(try result.get().pluginData == nil)
        #expect(try result.get().identifier == nil)
    }

    @Test func `a success carries ids of 64 bits exactly`() throws {
        let (_, result) = try reply(#"{"janus":"success","transaction":"t","data":{"id":18446744073709551615}}"#)
        #expect(try result.get().identifier == .max)
    }

    @Test func `a synchronous plugin result carries its data`() throws {
        let (_, result) = try reply(
            #"{"janus":"success","transaction":"t","sender":2,"plugindata":{"plugin":"janus.plugin.videoroom","data":{"videoroom":"created","room":5}}}"#
        )
        #expect(try result.get().pluginData?["room"]?.integer() == 5)
    }

    @Test(arguments: ["server_info", "pong"])
    func `what info and ping answer are replies, too`(type: String) throws {
        #expect(try reply(#"{"janus":"\#(type)","transaction":"t"}"#).transaction == "t")
    }

    // MARK: The shapes of errors

    @Test func `a core error fails its request`() throws {
        let (transaction, result) = try reply(
            #"{"janus":"error","session_id":1,"transaction":"t","error":{"code":459,"reason":"No such handle 7"}}"#)
        #expect(transaction == "t")
        #expect(throws: JanusError.core(code: 459, reason: "No such handle 7")) { try result.get() }
    }

    @Test func `B12 a plugin error inside a success fails its request (D15)`() throws {
        let (_, result) = try reply(
            #"{"janus":"success","transaction":"t","plugindata":{"plugin":"janus.plugin.videoroom","data":{"videoroom":"event","error_code":427,"error":"Room 5001 already exists"}}}"#
        )
        #expect(throws: JanusError.plugin(code: 427, reason: "Room 5001 already exists")) { try result.get() }
    }

    @Test func `B13 a plugin error as an event is an event, whatever transaction it bears (D16)`() throws {
        let event = try event(
            #"{"janus":"event","session_id":1,"transaction":"t","sender":7,"plugindata":{"plugin":"janus.plugin.videoroom","data":{"videoroom":"event","error_code":430,"error":"bad"}}}"#
        )
        #expect(event.kind == .plugin)
        #expect(event.transaction == "t")
        let data = try #require(event.data)
        #expect(VideoRoomEvent(data) == .failed(.plugin(code: 430, reason: "bad")))
    }

    @Test func `an error without a transaction is nobody's`() throws {
        let message = try JanusMessage.decode(
            Array(#"{"janus":"error","error":{"code":454,"reason":"JSON error"}}"#.utf8))
        guard case .unattributed(.core(454, "JSON error")) = message else {
            Issue.record("\(message)")
            return
        }
    }

    @Test(arguments: [
        #"{"janus":"error","transaction":"t"}"#, #"{"janus":"error","transaction":"t","error":{}}"#,
        #"{"janus":"error","transaction":"t","error":{"code":"x","reason":1}}"#,
        #"{"janus":"error","transaction":"t","error":null}"#,
    ])
    func `an error without code and reason is an error all the same`(text: String) throws {
        #expect(throws: JanusError.core(code: 0, reason: "unknown error")) { try reply(text).result.get() }
    }

    @Test func `a plugin error without text is an error all the same`() throws {
        let (_, result) = try reply(
            #"{"janus":"success","transaction":"t","plugindata":{"data":{"error_code":499}}}"#)
        #expect(throws: JanusError.plugin(code: 499, reason: "unknown error")) { try result.get() }
    }

    // MARK: Events

    @Test(arguments: [
        (#"{"janus":"webrtcup","sender":7}"#, JanusEvent.Kind.webrtcUp),
        (#"{"janus":"hangup","sender":7,"reason":"DTLS alert"}"#, .hangup(reason: "DTLS alert")),
        (#"{"janus":"hangup","sender":7}"#, .hangup(reason: "reason unspecified")),
        (#"{"janus":"detached","sender":7}"#, .detached),
        (#"{"janus":"slowlink","sender":7,"uplink":true,"lost":9}"#, .slowLink(uplink: true)),
        (#"{"janus":"slowlink","sender":7,"uplink":false}"#, .slowLink(uplink: false)),
        (#"{"janus":"slowlink","sender":7}"#, .other("slowlink without uplink")),
        (#"{"janus":"media","sender":7,"type":"audio","receiving":true}"#, .media),
        (#"{"janus":"event","sender":7}"#, .plugin), (#"{"janus":"trickle","sender":7}"#, .other("trickle")),
    ])
    func `every kind of event has its name`(text: String, kind: JanusEvent.Kind) throws {
        let event = try event(text)
        #expect(event.kind == kind)
        #expect(event.sender == handle(7))
        #expect(event.plugin == nil)
        #expect(event.data == nil)
    }

    @Test func `a session description is passed on as it stands, when it is of the right type`() throws {
        let event = try event(
            #"{"janus":"event","sender":7,"jsep":{"type":"answer","sdp":"v=0\r\n\u00e9"},"plugindata":{"plugin":"p","data":{}}}"#
        )
        #expect(event.plugin == "p")
        #expect(event.description(of: "answer")?.description == #""v=0\r\n\u00e9""#)
        #expect(event.description(of: "offer") == nil)
    }

    @Test(arguments: [
        "", #","jsep":null"#, #","jsep":{}"#, #","jsep":{"type":"answer"}"#, #","jsep":{"type":"answer","sdp":7}"#,
        #","jsep":{"sdp":"v=0"}"#, #","jsep":"answer""#,
    ])
    func `a malformed session description is none`(rest: String) throws {
        #expect(try event(#"{"janus":"event","sender":7\#(rest)}"#).description(of: "answer") == nil)
    }

    @Test func `a timeout names its session`() throws {
        let message = try JanusMessage.decode(Array(#"{"janus":"timeout","session_id":811}"#.utf8))
        guard case .sessionTimedOut(let session) = message else {
            Issue.record("\(message)")
            return
        }
        #expect(session.rawValue == 811)
    }

    // MARK: Malformed ones

    @Test(arguments: [
        "", " ", "{", "nonsense", "[]", "1", "null", "{}", #"{"janus":1}"#, #"{"janus":null}"#, #"{"janus":"ack"}"#,
        #"{"janus":"success","data":{"id":1}}"#, #"{"janus":"success","transaction":7}"#, #"{"janus":"event"}"#,
        #"{"janus":"event","sender":"7"}"#, #"{"janus":"event","sender":-7}"#, #"{"janus":"hangup","sender":1.5}"#,
        #"{"janus":"timeout"}"#, #"{"janus":"timeout","session_id":"1"}"#, #"{"janus":"ack","transaction":"t"} x"#,
        #"{"janus":"ack","transaction":"\ud800"}"#,
    ])
    func `what cannot be used is refused with a reason`(text: String) {
        do throws(JanusError) {
            let message = try JanusMessage.decode(Array(text.utf8))
            Issue.record("\(text) was taken for \(message)")
        } catch {
            guard case .malformed = error else {
                Issue.record("\(error)")
                return
            }
        }
    }

    @Test func `a message nested too deeply is refused`() {
        let text = String(repeating: #"{"janus":"#, count: 100) + "1" + String(repeating: "}", count: 100)
        #expect(throws: JanusError.self) { try JanusMessage.decode(Array(text.utf8)) }
    }

    // MARK: Fuzz

    private static let corpus = [
        #"{"janus":"ack","session_id":1,"transaction":"t1"}"#,
        #"{"janus":"success","transaction":"t","data":{"id":18446744073709551615}}"#,
        #"{"janus":"error","transaction":"t","error":{"code":459,"reason":"No such handle"}}"#,
        #"{"janus":"event","sender":7,"transaction":"t","plugindata":{"plugin":"janus.plugin.videoroom","data":{"videoroom":"joined","id":1,"publishers":[{"id":2}]}},"jsep":{"type":"answer","sdp":"v=0\r\n"}}"#,
        #"{"janus":"event","sender":7,"plugindata":{"plugin":"janus.plugin.videoroom","data":{"videoroom":"event","leaving":3}}}"#,
        #"{"janus":"hangup","sender":7,"reason":"\u0000\ud83d\ude00"}"#,
        #"{"janus":"server_info","transaction":"t","plugins":{"janus.plugin.sip":{}},"session-timeout":60}"#,
        #"{"janus":"timeout","session_id":811}"#, #"{"janus":"slowlink","sender":7,"uplink":true}"#,
    ]

    @Test(arguments: 1...20)
    func `no bytes trap, and all that is read can be looked at`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<1000 {
            var bytes = Array((Self.corpus.randomElement(using: &random) ?? "").utf8)
            for _ in 0...Int(random.next() % 4) {
                let place = Int(random.next() % UInt64(bytes.count + 1))
                switch random.next() % 4 {
                case 0 where place < bytes.count: bytes[place] = UInt8(truncatingIfNeeded: random.next())
                case 1 where place < bytes.count: bytes.remove(at: place)
                case 2: bytes.insert(UInt8(truncatingIfNeeded: random.next()), at: place)
                default:
                    bytes =
                        Array(bytes.prefix(place))
                        + Array((Self.corpus.randomElement(using: &random) ?? "").utf8.suffix(place))
                }
            }
            guard let message = try? JanusMessage.decode(bytes) else { continue }
            switch message {
            case .reply(_, let result):
                guard let reply = try? result.get() else { continue }
                _ = (reply.identifier, reply.pluginData)
                if case .done(let root) = reply { _ = JanusServerInfo(root)?.verdicts }
            case .event(let event):
                _ = (event.plugin, event.description(of: "offer"), event.description(of: "answer"))
                _ = event.data.map(VideoRoomEvent.init)
            case .sessionTimedOut, .unattributed: break
            }
        }
    }
}
