import Testing

@testable import Sylkrtc

@Suite struct EnvelopeTests {
    private func isUnanswerable(_ text: String) -> Bool {
        guard case .unanswerable = decoded(text) else { return false }
        return true
    }

    @Test(arguments: [
        "", " ", "x", "{", "{\"sylkrtc\":\"account-add\",\"transaction\":\"1\",}", "{'sylkrtc':'account-add'}",
        "\u{FEFF}{}", "{\"sylkrtc\":\"x\",\"transaction\":\"1\"} {}", "{\"transaction\":\"\\ud800\"}",
    ])
    func `B02 What is not JSON is not answered`(text: String) {
        #expect(isUnanswerable(text))
    }

    @Test func `B02 What is nested too deeply is not answered`() {
        #expect(isUnanswerable(envelope("x", "\"x\":" + String(repeating: "[", count: 100_000))))
        let deep = String(repeating: "[", count: 40) + String(repeating: "]", count: 40)
        #expect(isUnanswerable(envelope("session-terminate", "\"session\":\"s\",\"x\":\(deep)")))
    }

    @Test func `B02 Text that is not UTF-8 is not answered`() {
        let bytes = Array("{\"sylkrtc\":\"x\",\"transaction\":\"".utf8) + [0xFF] + Array("\"}".utf8)
        guard case .unanswerable = Dialect.sylkRTC1.decode(bytes) else {
            Issue.record("it was answered")
            return
        }
    }

    @Test(arguments: ["null", "true", "0", "\"account-add\"", "[]", "[{\"sylkrtc\":\"x\",\"transaction\":\"1\"}]"])
    func `B02 D02 JSON that is no object is not answered`(text: String) {
        #expect(decoded(text) == .unanswerable(ProtocolError("not a JSON object")))
    }

    @Test(arguments: ["1", "true", "[]", "{}", "[\"session-terminate\"]"])
    func `B02 D02 A sylkrtc that is no string is ignored`(value: String) {
        #expect(
            decoded("{\"sylkrtc\":\(value),\"transaction\":\"t\",\"session\":\"s\"}")
                == .unanswerable(ProtocolError("sylkrtc: must be a string")))
    }

    @Test func `B02 D03 A missing sylkrtc is answered`() {
        #expect(
            decoded("{\"sylkrtc\":null,\"transaction\":\"t\"}")
                == .refused(transaction: "t", type: nil, ProtocolError("missing request type")))
        #expect(
            decoded("{\"transaction\":\"t\"}")
                == .refused(transaction: "t", type: nil, ProtocolError("missing request type")))
    }

    @Test(arguments: ["", "x", "Account-Add", "account_add", "ack", "event", "account-add ", "configure-room", "é"])
    func `B02 D03 An unknown sylkrtc is answered and repeated`(type: String) {
        #expect(
            decoded(envelope(type, ""))
                == .refused(transaction: "t", type: type, ProtocolError("unknown request type: \(type)")))
    }

    @Test func `D03 A long sylkrtc is repeated in part only`() {
        let longest = String(repeating: "x", count: 255)
        #expect(refusal(envelope(longest, "")) == "unknown request type: \(longest)")
        #expect(refusal(envelope(longest + "x", "")) == "unknown request type: \(longest.prefix(64))…")
    }

    @Test(arguments: [
        "{\"sylkrtc\":\"session-terminate\",\"session\":\"s\"}", "{}",
        "{\"sylkrtc\":\"session-terminate\",\"session\":\"s\",\"transaction\":\"\"}",
        "{\"sylkrtc\":\"session-terminate\",\"session\":\"s\",\"transaction\":null}",
        "{\"sylkrtc\":\"session-terminate\",\"session\":\"s\",\"transaction\":1}",
        "{\"sylkrtc\":\"session-terminate\",\"session\":\"s\",\"transaction\":true}",
        "{\"sylkrtc\":\"session-terminate\",\"session\":\"s\",\"transaction\":[\"t\"]}",
        "{\"sylkrtc\":\"session-terminate\",\"session\":\"s\",\"transaction\":{}}",
        "{\"sylkrtc\":\"session-terminate\",\"session\":\"s\",\"transaction\":\"t\",\"transaction\":1}",
        "{\"sylkrtc\":\"session-terminate\",\"session\":\"s\",\"transaction\":\"t\\u0000\"}",
        "{\"sylkrtc\":\"x\"}", "{\"sylkrtc\":null,\"transaction\":\"\"}", "{\"sylkrtc\":1}",
    ])
    func `B02 D04 Without a usable transaction there is nobody to answer`(text: String) {
        #expect(isUnanswerable(text))
    }

    @Test func `B36 A transaction has at most 128 bytes`() {
        for (longest, next) in [(String(repeating: "t", count: 128), "t"), (String(repeating: "é", count: 64), "x")] {
            func text(_ transaction: String) -> String {
                "{\"sylkrtc\":\"session-terminate\",\"session\":\"s\",\"transaction\":\"\(transaction)\"}"
            }
            #expect(
                decoded(text(longest))
                    == .request(transaction: longest, .sessionTerminate(SessionTerminate(session: "s"))))
            #expect(
                decoded(text(longest + next))
                    == .refused(
                        transaction: longest + next, type: "session-terminate",
                        ProtocolError("transaction: must have at most 128 bytes", exceedsLimit: true)))
        }
    }

    @Test func `A refused request names its type, for the log`() {
        guard case .refused(_, let type, _) = decoded(control("nonsense", "")) else {
            Issue.record("it was not refused")
            return
        }
        #expect(type == "videoroom-ctl")
    }
}
