import Identity
import JSONText
import Sylkrtc
import TestSupport
import Testing

@testable import Worker

@Suite struct SIPEventTests {
    private func event(_ result: String, _ rest: String = "") throws -> SIPEvent {
        SIPEvent(try json(#"{"sip":"event","result":{\#(result)}\#(rest)}"#))
    }

    // MARK: Registrations

    @Test func `a registration goes through its states`() throws {
        #expect(try event(#""event":"registering""#) == .registering)
        #expect(
            try event(#""event":"registered","username":"alice","register_sent":true,"master_id":361659740"#)
                == .registered(isSent: true, master: 361_659_740, isHelper: false))
        #expect(try event(#""event":"unregistering""#) == .confirmation)
        #expect(try event(#""event":"unregistered","username":"alice""#) == .unregistered)
    }

    @Test func `a handle that has only learnt who it is was not registered`() throws {
        let own = try event(#""event":"registered","username":"pool","register_sent":false,"master_id":5"#)
        #expect(own == .registered(isSent: false, master: 5, isHelper: false))
        let helper = try event(
            #""event":"registered","username":"a","register_sent":"false","helper":true,"master_id":5"#)
        #expect(helper == .registered(isSent: false, master: 5, isHelper: true))
    }

    @Test func `registered without a word of a REGISTER means that one was sent (D27)`() throws {
        #expect(try event(#""event":"registered""#) == .registered(isSent: true, master: nil, isHelper: false))
    }

    @Test func `a failed registration has a code and a reason without the blanks around it`() throws {
        #expect(
            try event(#""event":"registration_failed","code":904,"reason":"Operation has no matching challenge ""#)
                == .registrationFailed(code: 904, reason: "Operation has no matching challenge"))
    }

    // MARK: Calls

    @Test func `an outgoing call is named in all its events`() throws {
        let named = #","call_id":"id-1""#
        #expect(try event(#""event":"calling","call_id":"id-1""#, named) == .calling(callID: "id-1"))
        #expect(try event(#""event":"ringing""#, named) == .ringing)
        #expect(try event(#""event":"proceeding","code":183"#, named) == .proceeding(code: 183))
        #expect(try event(#""event":"progress","username":"sip:b@x""#, named) == .progress(callID: "id-1"))
        #expect(
            try event(#""event":"accepted","username":"sip:b@x""#, named)
                == .accepted(callID: "id-1", namesPeer: true))
        #expect(
            try event(#""event":"accepted""#, named) == .accepted(callID: "id-1", namesPeer: false),
            "a call that should be over")
        #expect(try event(#""event":"hangingup""#, named) == .hangingUp)
        #expect(
            try event(#""event":"hangup","code":200,"reason":"to BYE""#, named)
                == .hangup(SIPHangup(code: 200, reason: "to BYE", callID: "id-1")))
    }

    @Test func `a hangup need not be about the call`() throws {
        #expect(
            try event(#""event":"hangup","code":486,"reason":"Busy Here""#)
                == .hangup(SIPHangup(code: 486, reason: "Busy Here", callID: nil)))
    }

    @Test(arguments: [
        (#""code":486"#, 486, "Unknown"), (#""reason":"Gone""#, 0, "Gone"), (#""code":"x","reason":5"#, 0, "Unknown"),
        (#""code":"487","reason":" ""#, 487, "Unknown"),
    ])
    func `E06 E02 an end without a code or a reason is an end`(members: String, code: Int, reason: String) throws {
        #expect(
            try event(#""event":"hangup",\#(members)"#, #","call_id":"c""#)
                == .hangup(SIPHangup(code: code, reason: reason, callID: "c")))
        #expect(
            try event(#""event":"registration_failed",\#(members)"#)
                == .registrationFailed(code: code, reason: reason))
    }

    @Test(arguments: [
        (#""SIP""#, #""200""#, true), (#""sip""#, "200", true), (#""SIP""#, #""603""#, false),
        (#""Q.850""#, #""200""#, false),
    ])
    func `answered elsewhere is what SIP's own cause 200 says (D32)`(by: String, cause: String, isElsewhere: Bool)
        throws
    {
        let event = try event(
            #""event":"hangup","code":487,"reason":"Request Terminated","reason_header":"Call completed elsewhere","reason_header_protocol":\#(by),"reason_header_cause":\#(cause)"#,
            #","call_id":"x""#)
        #expect(
            event
                == .hangup(
                    SIPHangup(
                        code: 487, reason: "Request Terminated", callID: "x", isAnsweredElsewhere: isElsewhere)))
    }

    @Test(arguments: [
        (#""\"bob\"""#, "bob"), (#""bob""#, "bob"), (#""""#, ""), (#""\"\"""#, ""),
        (#"" \"B\u00f6b \\\"the\\\" Big\" ""#, #"Böb "the" Big"#),
        (#""bo\"b""#, "bob"), ("5", ""), ("null", ""), (#""\"""#, ""),
    ])
    func `E03 a caller's name is shown without its quotes, and a missing or invalid one is empty`(
        wire: String, shown: String
    ) throws {
        let event = try event(
            #""event":"incomingcall","username":"sip:bob@phones.test","call_id":"c","displayname":\#(wire),"callee":"sips:alice@phones.test;transport=udp""#
        )
        #expect(
            event
                == .incomingCall(
                    SIPEvent.IncomingCall(
                        caller: Caller(uri: "bob@phones.test", displayName: shown), callID: "c",
                        callee: "alice@phones.test;transport=udp")))
    }

    @Test(arguments: [
        #""call_id":"c""#, #""username":"sip:","call_id":"c""#, #""username":5,"call_id":"c""#,
        #""username":"sip:b@x""#,
        #""username":"sip:b@x","call_id":"\#(String(repeating: "c", count: 256))""#,
    ])
    func `B18 D31 a call that does not say who calls, or which it is, is a call all the same`(members: String) throws {
        #expect(try event(#""event":"incomingcall",\#(members)"#) == .unreadableCall)
    }

    @Test func `a caller without a name has none`() throws {
        let event = try event(#""event":"incomingcall","username":"SIP:bob@x","callee":"a@x""#, #","call_id":"c""#)
        #expect(
            event
                == .incomingCall(
                    SIPEvent.IncomingCall(caller: Caller(uri: "bob@x", displayName: ""), callID: "c", callee: "a@x")))
    }

    @Test func `names and addresses of any length are cut at a whole character`() throws {
        let name = "x" + String(repeating: "ö", count: 2000)
        let event = try event(
            #""event":"missed_call","caller":"sip:\#(String(repeating: "u", count: 4096))@x","displayname":"\"\#(name)\"","callee":"sip:a@x""#
        )
        guard case .missedCall(let caller) = event else {
            Issue.record("\(event)")
            return
        }
        #expect(caller.displayName == "x" + String(repeating: "ö", count: 63))
        #expect(caller.uri == String(repeating: "u", count: 255))
    }

    // MARK: The rest

    @Test func `B13 a refusal has code, text and, in a call, its name (D16)`() throws {
        #expect(
            SIPEvent(try json(#"{"sip":"event","error_code":447,"error":"Wrong state (register first)"}"#))
                == .failed(.plugin(code: 447, reason: "Wrong state (register first)"), callID: nil))
        #expect(
            SIPEvent(try json(#"{"sip":"event","error_code":442,"error":"Unknown request (x)","call_id":"c"}"#))
                == .failed(.plugin(code: 442, reason: "Unknown request (x)"), callID: "c"))
    }

    @Test(arguments: ["updatingcall", "holding", "info", "message", "transfer", "dtmfsent", "ack", "accepting"])
    func `what is known and needs nothing is quiet`(kind: String) throws {
        #expect(try event(#""event":"\#(kind)""#) == .confirmation)
    }

    @Test(arguments: [
        #"{}"#, #"{"sip":"event"}"#, #"{"sip":"event","result":{}}"#, #"{"sip":"x","result":{"event":"ringing"}}"#,
        #"{"sip":"event","result":{"event":"calling"}}"#,
        #"{"sip":"event","result":{"event":"missed_call","displayname":"x"}}"#,
        #"{"sip":"event","result":{"event":"proceeding"}}"#, #"{"sip":"event","result":{"event":"news"}}"#,
        #"{"sip":"event","result":"hangup"}"#, #"[]"#,
    ])
    func `B18 an event that lacks what it must have does nothing (D31)`(text: String) throws {
        guard case .unknown = SIPEvent(try json(text)) else {
            Issue.record("\(SIPEvent(try json(text)))")
            return
        }
    }
}
