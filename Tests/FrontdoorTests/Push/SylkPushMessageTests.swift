import Identity
import JSONText
import NIOCore
import Testing

@testable import Frontdoor

/// The words between us and a sylk-push server.
@Suite struct SylkPushMessageTests {
    private func body(_ event: PushMessage.Event, token: String = "c0ffee") throws -> String {
        let message = PushMessage(
            event: event, originator: "bob@example.org",
            destination: try #require(AddressOfRecord("alice@example.com")), told: .uptimeNanoseconds(1),
            callID: "call-1")
        let settings = PushSettings(url: "http://push.example.com/", appID: "com.example.app")
        return String(
            decoding: SylkPushMessage.body(Push(message: message, token: token), settings), as: UTF8.self)
    }

    @Test(arguments: [PushMessage.Event.incomingSession, .missedSession])
    func `B32 A device is told who calls whom`(event: PushMessage.Event) throws {
        #expect(
            try body(event) == #"{"event":"\#(event.rawValue)","platform":"android","app-id":"com.example.app","#
                + #""token":"c0ffee","device-id":"fb0288872031fc4818c03a7253bd3a78","silent":0,"call-id":"call-1","#
                + #""from":"bob@example.org","from-display-name":null,"to":"alice@example.com","media-type":"audio"}"#)
    }

    @Test func `B32 A device has the same id as long as it has the same token`() throws {
        #expect(try body(.incomingSession, token: "\u{1F600}\"") == body(.incomingSession, token: "\u{1F600}\""))
        let ids = try ["a", "b"].map { token -> String in
            let root = try JSONDocument(Array(body(.missedSession, token: token).utf8)).root
            return try #require(root["device-id"]?.string)
        }
        #expect(ids[0] != ids[1] && ids.allSatisfy { $0.utf8.count == 32 })
    }

    private func outcome(_ status: Int, _ body: String) -> PushOutcome {
        SylkPushMessage.outcome(status, Array(body.utf8), token: "sent")
    }

    @Test(arguments: [200, 202])
    func `B32 200 and 202 are successes, whatever else is said`(status: Int) {
        for body in ["", "{}", "no JSON", #"{"code":\#(status),"description":"x","data":{"reason":"y"}}"#] {
            #expect(outcome(status, body) == .delivered)
        }
    }

    @Test(arguments: [400, 403, 404])
    func `B32 A refusal is kept with its reason`(status: Int) {
        #expect(outcome(status, #"{"data":{"reason":"y"},"description":"x"}"#) == .rejected(code: status, reason: "y"))
        #expect(outcome(status, #"{"data":"z","description":"x"}"#) == .rejected(code: status, reason: "z"))
        #expect(outcome(status, #"{"data":{},"description":"x"}"#) == .rejected(code: status, reason: "x"))
        #expect(outcome(status, "<html>") == .rejected(code: status, reason: ""))
    }

    @Test(arguments: [
        (#"{"code":410,"data":{"token":"named"}}"#, "named"), (#"{"data":{"token":7}}"#, "sent"),
        (#"{"data":"gone"}"#, "sent"),
        (#"{"data":["named"]}"#, "sent"), ("", "sent"), ("[]", "sent"),
    ])
    func `B32 A dead token is the one that is named, or the one that was sent`(body: String, token: String) {
        #expect(outcome(410, body) == .deadToken(token))
    }

    @Test func `B32 Anything else is a failure, and a server that is not there may be back`() {
        #expect(outcome(500, #"{"data":{"reason":"y"}}"#) == .failed(code: 500, reason: "y"))
        #expect(outcome(301, "") == .failed(code: 301, reason: ""))
        #expect(outcome(502, "") == .unreachable(reason: "status 502"))
        #expect(outcome(503, "<html>") == .unreachable(reason: "status 503"))
    }

    @Test func `B32 The code in the body counts`() {
        #expect(outcome(200, #"{"code":410,"data":{"token":"named"}}"#) == .deadToken("named"))
        #expect(outcome(500, #"{"code":"200"}"#) == .failed(code: 500, reason: ""))
        #expect(outcome(500, #"{"code":1e3}"#) == .failed(code: 500, reason: ""))
    }

    @Test func `D56 What the server says is repeated without the token, and not without end`() {
        #expect(
            outcome(400, #"{"data":{"reason":"no such token: sent"}}"#)
                == .rejected(code: 400, reason: "no such token: [redacted]"))
        guard case .failed(500, let reason) = outcome(500, #"{"data":"\#(String(repeating: "x", count: 9000))"}"#)
        else {
            Issue.record("no failure")
            return
        }
        #expect(reason.utf8.count < 260)
    }
}
