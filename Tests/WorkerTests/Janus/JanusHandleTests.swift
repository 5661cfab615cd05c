import Identity
import JSONText
import NIOCore
import Sylkrtc
import Testing

@testable import Worker

@Suite struct JanusHandleTests {
    private let loop = TestLoop()
    private let socket = RecordingSocket()
    private let gateway: JanusGateway
    private let heard = Heard()
    private let handle: JanusHandle<String>

    private final class Heard {
        var lines: [String] = []
    }

    init() {
        gateway = JanusGateway(
            loop: loop, socket: socket, secretName: "apisecret", secret: nil, transactionPrefix: "x",
            logger: silentLogger)
        handle = JanusHandle(
            WorkerTests.handle(92), session: JanusSessionID(rawValue: 811), gateway: gateway
        ) { [heard] event, purpose in heard.lines.append("\(event.kind) of \(purpose ?? "nothing")") }
        handle.receiveEvents()
    }

    private func say(_ text: String) { gateway.received(Array(text.utf8)) }
    private func ask(_ purpose: String) {
        handle.message(purpose, body: { $0.member("request", purpose) }) { [heard] result in
            heard.lines.append("\(purpose) \(words(result))")
        }
    }

    @Test func `a message is body and session description`() {
        handle.message("join", description: ("offer", sdp("v=0\r\n")), body: { $0.member("request", "join") }) { _ in }
        #expect(
            socket.sent == [
                #"{"janus":"message","transaction":"x-1","session_id":811,"handle_id":92,"body":{"request":"join"},"jsep":{"type":"offer","sdp":"v=0\r\n"}}"#
            ])
    }

    @Test func `one message is in flight at a time, in the order they were given`() {
        for name in ["a", "b", "c"] { ask(name) }
        #expect(socket.sent.count == 1)
        say(#"{"janus":"ack","transaction":"x-1"}"#)
        #expect(socket.sent.count == 2)
        say(#"{"janus":"error","transaction":"x-2","error":{"code":1,"reason":"no"}}"#)
        #expect(socket.sent.count == 3, "a refusal frees the way, too")
        #expect(heard.lines == ["a accepted", "b failed: no"])
        #expect(socket.sent[2].contains(#""request":"c""#))
    }

    @Test func `a message that is never answered gives way after its deadline`() {
        ask("a")
        ask("b")
        loop.advance(by: .seconds(10))
        gateway.timerFired(at: loop.now)
        #expect(heard.lines == ["a failed: request timed out"])
        #expect(socket.sent.count == 2)
    }

    @Test func `an event says what it is the outcome of, before or after the ack`() {
        ask("a")
        say(#"{"janus":"event","sender":92,"transaction":"x-1"}"#)
        say(#"{"janus":"ack","transaction":"x-1"}"#)
        ask("b")
        say(#"{"janus":"ack","transaction":"x-2"}"#)
        say(#"{"janus":"webrtcup","sender":92}"#)
        say(#"{"janus":"event","sender":92,"transaction":"x-2"}"#)
        #expect(
            heard.lines == ["plugin of a", "a accepted", "b accepted", "webrtcUp of nothing", "plugin of b"])
    }

    @Test func `an outcome is told once`() {
        ask("a")
        say(#"{"janus":"ack","transaction":"x-1"}"#)
        say(#"{"janus":"event","sender":92,"transaction":"x-1"}"#)
        say(#"{"janus":"event","sender":92,"transaction":"x-1"}"#)
        #expect(heard.lines == ["a accepted", "plugin of a", "plugin of nothing"])
    }

    @Test func `after a refusal or a synchronous result no outcome is expected`() {
        ask("a")
        say(#"{"janus":"success","transaction":"x-1"}"#)
        ask("b")
        say(#"{"janus":"error","transaction":"x-2"}"#)
        say(#"{"janus":"event","sender":92,"transaction":"x-1"}"#)
        say(#"{"janus":"event","sender":92,"transaction":"x-2"}"#)
        #expect(heard.lines.suffix(2) == ["plugin of nothing", "plugin of nothing"])
    }

    @Test func `candidates wait for nothing`() {
        ask("a")
        handle.trickle([]) { _ in }
        handle.trickle([candidate("one")]) { _ in }
        handle.trickle([candidate("one"), candidate("two")]) { _ in }
        let one = #"{"candidate":"one","sdpMLineIndex":0,"sdpMid":"audio"}"#
        let two = #"{"candidate":"two","sdpMLineIndex":0,"sdpMid":"audio"}"#
        let head = #""session_id":811,"handle_id":92"#
        #expect(
            socket.sent.dropFirst() == [
                #"{"janus":"trickle","transaction":"x-2",\#(head),"candidate":{"completed":true}}"#,
                #"{"janus":"trickle","transaction":"x-3",\#(head),"candidate":\#(one)}"#,
                #"{"janus":"trickle","transaction":"x-4",\#(head),"candidates":[\#(one),\#(two)]}"#,
            ])
    }

    private func detach(_ name: String = "detach") {
        handle.detach { [heard] result in heard.lines.append("\(name) \(words(result))") }
    }

    @Test func `a detached handle hears nothing more, and what waited has failed`() {
        for name in ["a", "b", "c"] { ask(name) }
        detach()
        #expect(heard.lines == ["b failed: the handle is gone", "c failed: the handle is gone"])
        say(#"{"janus":"event","sender":92,"transaction":"x-1"}"#)
        say(#"{"janus":"ack","transaction":"x-1"}"#)
        say(#"{"janus":"success","transaction":"x-2"}"#)
        #expect(heard.lines.suffix(2) == ["a accepted", "detach done"])
        #expect(socket.sent.count == 2)
        #expect(socket.sent[1] == #"{"janus":"detach","transaction":"x-2","session_id":811,"handle_id":92}"#)
    }

    @Test func `Janus is never at a message of a handle that is to be detached`() {
        ask("a")
        detach("first")
        detach("second")
        ask("b")
        #expect(socket.sent.count == 1, "the message that has left is awaited, and none follows it")
        say(#"{"janus":"ack","transaction":"x-1"}"#)
        #expect(socket.sent.dropFirst().allSatisfy { $0.contains(#""janus":"detach""#) })
        say(#"{"janus":"success","transaction":"x-2"}"#)
        say(#"{"janus":"error","transaction":"x-3","error":{"code":459,"reason":"gone"}}"#)
        #expect(heard.lines == ["a accepted", "b failed: the handle is gone", "first done", "second failed: gone"])
    }

    @Test func `a detach waits for a silent Janus as long as the message does`() {
        ask("a")
        detach()
        loop.advance(by: .seconds(10))
        gateway.timerFired(at: loop.now)
        #expect(heard.lines == ["a failed: request timed out"])
        #expect(socket.sent.count == 2)
        #expect(socket.sent.last?.contains("detach") == true)
    }

    @Test func `a detach that waits fails with its connection`() {
        ask("a")
        detach()
        gateway.lost()
        loop.run()
        let failure = "failed: the media server is not connected"
        #expect(heard.lines == ["a \(failure)", "detach \(failure)"])
        #expect(socket.sent.count == 1)
    }

    // MARK: What Janus may not have done yet

    private func inherited(_ isInherited: Bool = true) -> JanusHandle<String> {
        JanusHandle(
            WorkerTests.handle(93), session: JanusSessionID(rawValue: 811), gateway: gateway,
            question: { $0.member("request", "are_you_done") }, isInherited: isInherited
        ) { [heard] event, purpose in heard.lines.append("\(event.kind) of \(purpose ?? "nothing")") }
    }

    private var sentTypes: [String] {
        socket.sent.map { $0.contains("are_you_done") ? "question" : $0.contains(#""detach""#) ? "detach" : "message" }
    }

    private func detachTwice(_ handle: JanusHandle<String>) {
        for name in ["first", "second"] {
            handle.detach { [heard] result in heard.lines.append("\(name) \(words(result))") }
        }
    }

    @Test func `what somebody else may have asked for is done before the handle goes`() {
        let handle = inherited()
        handle.receiveEvents()
        detachTwice(handle)
        #expect(sentTypes == ["question"])
        say(#"{"janus":"ack","transaction":"x-1"}"#)
        say(#"{"janus":"event","sender":93}"#)
        say(#"{"janus":"event","sender":93,"transaction":"other-1"}"#)
        #expect(sentTypes == ["question"], "what was asked before is not the question's answer")
        say(#"{"janus":"event","sender":93,"transaction":"x-1"}"#)
        #expect(sentTypes == ["question", "detach", "detach"])
        say(#"{"janus":"success","transaction":"x-2"}"#)
        say(#"{"janus":"error","transaction":"x-3","error":{"code":459,"reason":"gone"}}"#)
        #expect(heard.lines == ["first done", "second failed: gone"], "and nothing is heard meanwhile")
    }

    @Test func `an answer that overtakes the ack will do`() {
        let handle = inherited()
        detachTwice(handle)
        say(#"{"janus":"event","sender":93,"transaction":"x-1"}"#)
        say(#"{"janus":"ack","transaction":"x-1"}"#)
        #expect(sentTypes == ["question", "detach", "detach"])
    }

    @Test func `nothing is asked when Janus has answered something of ours, which was behind it`() {
        let handle = inherited()
        handle.receiveEvents()
        handle.message("a", body: { $0.member("request", "a") }) { _ in }
        say(#"{"janus":"ack","transaction":"x-1"}"#)
        say(#"{"janus":"event","sender":93,"transaction":"x-1"}"#)
        detachTwice(handle)
        #expect(sentTypes == ["message", "detach", "detach"])
    }

    @Test func `what we have asked for ourselves is done, too, before the handle goes`() {
        let handle = inherited(false)
        handle.receiveEvents()
        handle.message("a", body: { $0.member("request", "a") }) { _ in }
        say(#"{"janus":"ack","transaction":"x-1"}"#)
        detachTwice(handle)
        #expect(sentTypes == ["message", "question"])
        say(#"{"janus":"event","sender":93,"transaction":"x-1"}"#)
        #expect(sentTypes == ["message", "question"], "another answer may be behind it")
        say(#"{"janus":"event","sender":93,"transaction":"x-2"}"#)
        #expect(sentTypes == ["message", "question", "detach", "detach"])
        #expect(heard.lines == [])
    }

    @Test(arguments: [false, true])
    func `what owes nothing goes at once`(isAnswered: Bool) {
        let handle = inherited(false)
        handle.receiveEvents()
        if isAnswered {
            handle.message("a", body: { $0.member("request", "a") }) { _ in }
            say(#"{"janus":"ack","transaction":"x-1"}"#)
            say(#"{"janus":"event","sender":93,"transaction":"x-1"}"#)
        }
        detachTwice(handle)
        #expect(sentTypes.suffix(2) == ["detach", "detach"] && !sentTypes.contains("question"))
    }

    @Test func `a message that has left goes before the question`() {
        let handle = inherited()
        handle.receiveEvents()
        handle.message("a", body: { $0.member("request", "a") }) { _ in }
        detachTwice(handle)
        #expect(sentTypes == ["message"])
        say(#"{"janus":"ack","transaction":"x-1"}"#)
        #expect(sentTypes == ["message", "question"])
        say(#"{"janus":"event","sender":93,"transaction":"x-2"}"#)
        #expect(sentTypes == ["message", "question", "detach", "detach"])
    }

    @Test func `a handle that does not answer goes after ten seconds, one that is gone at once`() {
        let handle = inherited()
        detachTwice(handle)
        say(#"{"janus":"ack","transaction":"x-1"}"#)
        loop.advance(by: .milliseconds(9_999))
        gateway.timerFired(at: loop.now)
        #expect(sentTypes == ["question"])
        loop.advance(by: .milliseconds(1))
        gateway.timerFired(at: loop.now)
        #expect(sentTypes == ["question", "detach", "detach"])
        let gone = inherited()
        gone.detach { _ in }
        say(#"{"janus":"error","transaction":"x-4","error":{"code":459,"reason":"gone"}}"#)
        #expect(sentTypes.suffix(2) == ["question", "detach"])
    }

    @Test func `a question that waits fails with its connection`() {
        let handle = inherited()
        detachTwice(handle)
        gateway.lost()
        loop.run()
        let failure = "failed: the media server is not connected"
        #expect(heard.lines == ["first \(failure)", "second \(failure)"])
    }

    @Test(arguments: ["its end", "a result at once"])
    func `a question is over with the handle, and with an answer that brings no event`(how: String) {
        let handle = inherited()
        detachTwice(handle)
        #expect(gateway.underWay == 2, "the request, and its answer")
        say(
            how == "its end"
                ? #"{"janus":"detached","sender":93}"# : #"{"janus":"success","transaction":"x-1"}"#)
        #expect(sentTypes == ["question", "detach", "detach"])
    }

    @Test func `whoever has the connection next decides about a handle, not a question from before`() {
        let handle = inherited()
        detachTwice(handle)
        say(#"{"janus":"ack","transaction":"x-1"}"#)
        gateway.keepEvents()
        say(#"{"janus":"event","sender":93,"transaction":"x-1"}"#)
        #expect(sentTypes == ["question"])
        let failure = "failed: the media server is not connected"
        #expect(heard.lines == ["first \(failure)", "second \(failure)"])
    }

    @Test func `a message that was never answered may still be done: it is asked about`() {
        let handle = inherited(false)
        handle.receiveEvents()
        handle.message("a", body: { $0.member("request", "a") }) { _ in }
        loop.advance(by: .seconds(10))
        gateway.timerFired(at: loop.now)
        detachTwice(handle)
        #expect(sentTypes == ["message", "question"])
    }

    @Test func `a forgotten handle is not detached`() {
        ask("a")
        ask("b")
        handle.forget()
        #expect(heard.lines == ["b failed: the handle is gone"])
        #expect(socket.sent.count == 1)
    }

    @Test func `on a lost link every message fails once, those that waited included`() {
        for name in ["a", "b"] { ask(name) }
        gateway.lost()
        loop.run()
        ask("c")
        loop.run()
        let failure = "failed: the media server is not connected"
        #expect(heard.lines == ["a \(failure)", "b \(failure)", "c \(failure)"])
        #expect(socket.sent.count == 1)
    }

    @Test func `messages wait while Janus is not ready for them, in their order`() {
        handle.rest(.milliseconds(100))
        ask("one")
        ask("two")
        #expect(socket.sent == [])
        loop.advance(by: .milliseconds(50))
        handle.rest(.milliseconds(100))
        loop.advance(by: .milliseconds(50))
        #expect(socket.sent == [], "the later one counts")
        loop.advance(by: .milliseconds(50))
        #expect(socket.sent.count == 1 && socket.sent[0].contains("one"))
    }

    @Test func `what waits for Janus to be ready has failed when the handle is given up`() {
        handle.rest(.milliseconds(100))
        ask("one")
        handle.detach { _ in }
        #expect(heard.lines.count == 1 && heard.lines[0].hasPrefix("one "))
        loop.advance(by: .seconds(1))
        #expect(socket.sent.count == 1 && socket.sent[0].contains("detach"))
    }
}
