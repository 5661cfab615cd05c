import Identity
import JSONText
import NIOCore
import Testing

@testable import Worker

@Suite struct JanusGatewayTests {
    private let loop = TestLoop()
    private let socket = RecordingSocket()

    private func gateway(secret: String? = nil) -> JanusGateway {
        JanusGateway(
            loop: loop, socket: socket, secretName: "apisecret", secret: secret, transactionPrefix: "x",
            logger: silentLogger)
    }

    private func say(_ text: String, to gateway: JanusGateway) { gateway.received(Array(text.utf8)) }

    // MARK: Requests and replies

    @Test func `a request carries type, transaction, secret, session and handle, and no white space`() {
        let gateway = gateway(secret: "s3cret")
        let transaction = gateway.request(
            "attach", session: JanusSessionID(rawValue: 811), handle: handle(92), members: { $0.member("plugin", "p") },
            completion: { _ in })
        #expect(transaction == "x-1")
        #expect(
            socket.sent == [
                #"{"janus":"attach","transaction":"x-1","apisecret":"s3cret","session_id":811,"handle_id":92,"plugin":"p"}"#
            ])
    }

    @Test func `without a secret none is sent`() {
        gateway().request("info") { _ in }
        #expect(socket.sent == [#"{"janus":"info","transaction":"x-1"}"#])
    }

    @Test func `replies find their requests in any order, once`() {
        let gateway = gateway()
        var told: [String] = []
        gateway.request("info") { told.append("first \(words($0))") }
        gateway.request("info") { told.append("second \(words($0))") }
        say(#"{"janus":"success","transaction":"x-2"}"#, to: gateway)
        say(#"{"janus":"error","transaction":"x-1","error":{"code":403,"reason":"no"}}"#, to: gateway)
        say(#"{"janus":"success","transaction":"x-1"}"#, to: gateway)
        #expect(told == ["second done", "first failed: no"])
    }

    @Test func `what is unusable, unknown or nobody's harms nothing`() {
        let gateway = gateway()
        var told: [String] = []
        gateway.request("info") { told.append(words($0)) }
        for text in [
            "", "{", "[]", #"{"janus":"ack"}"#, #"{"janus":"ack","transaction":"y-1"}"#,
            #"{"janus":"error","error":{"code":454,"reason":"JSON"}}"#,
            #"{"janus":"event","sender":7,"transaction":"x-1"}"#,
            #"{"janus":"timeout","session_id":1}"#,
        ] { say(text, to: gateway) }
        #expect(told == [])
        say(#"{"janus":"success","transaction":"x-1"}"#, to: gateway)
        #expect(told == ["done"])
    }

    // MARK: Deadlines (D14, B10)

    @Test func `B10 a request without a reply fails after ten seconds, and its late reply is ignored`() {
        let gateway = gateway()
        var told: [String] = []
        gateway.request("info") { told.append("early \(words($0))") }
        loop.advance(by: .seconds(1))
        gateway.request("info") { told.append("late \(words($0))") }
        loop.advance(by: .milliseconds(8999))
        gateway.timerFired(at: loop.now)
        #expect(told == [])
        loop.advance(by: .milliseconds(1))
        gateway.timerFired(at: loop.now)
        #expect(told == ["early failed: request timed out"])
        say(#"{"janus":"success","transaction":"x-1"}"#, to: gateway)
        say(#"{"janus":"success","transaction":"x-2"}"#, to: gateway)
        loop.advance(by: .seconds(60))
        gateway.timerFired(at: loop.now)
        #expect(told == ["early failed: request timed out", "late done"])
    }

    @Test func `a success that comes too late is told to whoever can undo it, once`() {
        let gateway = gateway()
        var told: [String] = []
        for number in 1...3 {
            gateway.request("attach", late: { told.append("\(number) late \($0.identifier ?? 0)") }) { result in
                told.append("\(number) \(words(result))")
            }
        }
        say(#"{"janus":"success","transaction":"x-3","data":{"id":9}}"#, to: gateway)
        loop.advance(by: .seconds(10))
        gateway.timerFired(at: loop.now)
        say(#"{"janus":"success","transaction":"x-1","data":{"id":7}}"#, to: gateway)
        say(#"{"janus":"success","transaction":"x-1","data":{"id":7}}"#, to: gateway)
        say(#"{"janus":"error","transaction":"x-2"}"#, to: gateway)
        #expect(
            told == ["3 done", "1 failed: request timed out", "2 failed: request timed out", "1 late 7"])
    }

    @Test func `with the link what would have come late is forgotten`() {
        let gateway = gateway()
        var told: [String] = []
        gateway.request("attach", late: { _ in told.append("late") }) { told.append(words($0)) }
        loop.advance(by: .seconds(10))
        gateway.timerFired(at: loop.now)
        gateway.lost()
        say(#"{"janus":"success","transaction":"x-1","data":{"id":7}}"#, to: gateway)
        #expect(told == ["failed: request timed out"])
    }

    // MARK: Loss

    @Test func `B07 a lost link fails everything under way once, in order`() {
        let gateway = gateway()
        var told: [String] = []
        for number in 1...3 { gateway.request("info") { told.append("\(number) \(words($0))") } }
        say(#"{"janus":"success","transaction":"x-2"}"#, to: gateway)
        gateway.lost()
        gateway.lost()
        #expect(!gateway.isOpen)
        let failure = "failed: the media server is not connected"
        #expect(told == ["2 done", "1 \(failure)", "3 \(failure)"])
        say(#"{"janus":"success","transaction":"x-1"}"#, to: gateway)
        loop.advance(by: .seconds(60))
        gateway.timerFired(at: loop.now)
        #expect(told.count == 3)
    }

    @Test func `a request on a lost link fails on a later turn and is not sent`() {
        let gateway = gateway()
        gateway.lost()
        var told: [String] = []
        gateway.request("info") { told.append(words($0)) }
        #expect(told == [])
        loop.run()
        #expect(told == ["failed: the media server is not connected"])
        #expect(socket.sent == [])
    }

    @Test func `a request made because of the loss fails, too`() {
        let gateway = gateway()
        var told: [String] = []
        gateway.request("info") { first in
            told.append("first \(words(first))")
            gateway.request("info") { told.append("second \(words($0))") }
        }
        gateway.lost()
        #expect(told.count == 1)
        loop.run()
        #expect(told.count == 2)
    }

    @Test func `closing closes the socket and fails what is under way`() {
        let gateway = gateway()
        var told: [String] = []
        gateway.request("info") { told.append(words($0)) }
        gateway.close()
        #expect(socket.isClosed)
        #expect(told.count == 1)
    }

    // MARK: Events

    @Test func `events go to their handle as long as it listens`() {
        let gateway = gateway()
        var heard: [String] = []
        gateway.route(handle(7)) { heard.append("7 \($0.kind)") }
        gateway.route(handle(8)) { heard.append("8 \($0.kind)") }
        say(#"{"janus":"webrtcup","sender":7}"#, to: gateway)
        say(#"{"janus":"media","sender":8}"#, to: gateway)
        say(#"{"janus":"media","sender":9}"#, to: gateway)
        gateway.route(handle(7), to: nil)
        say(#"{"janus":"webrtcup","sender":7}"#, to: gateway)
        #expect(heard == ["7 webrtcUp", "8 media"])
    }

    @Test func `a lost link has no more events`() {
        let gateway = gateway()
        var heard = 0
        gateway.route(handle(7)) { _ in heard += 1 }
        gateway.lost()
        say(#"{"janus":"webrtcup","sender":7}"#, to: gateway)
        #expect(heard == 0)
    }

    @Test func `a session that Janus drops is named`() {
        let gateway = gateway()
        var dropped: [UInt64] = []
        gateway.sessionTimedOut = { dropped.append($0.rawValue) }
        say(#"{"janus":"timeout","session_id":811}"#, to: gateway)
        #expect(dropped == [811])
    }
}

extension JanusGateway {
    fileprivate func route(_ handle: JanusHandleID, _ receive: @escaping (JanusEvent) -> Void) {
        route(handle, to: receive)
    }
}
