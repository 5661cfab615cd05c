import Identity
import JSONText
import Sylkrtc
import Testing

@testable import Worker

@Suite struct SIPHandleInfoTests {
    private func info(_ specific: String, _ rest: String = "") throws -> HandleInfo {
        HandleInfo(handle(9), try json(#"{"opaque_id":"x","plugin_specific":{\#(specific)}\#(rest)}"#))
    }

    @Test func `an incoming call that rings has an offer and a caller`() throws {
        let found = try info(
            #""username":"a12","registration_status":"registered","call_status":"invited","helpers":1,"callee":"sip:bob@phones.test","establishing":1,"established":0"#,
            #","sdps":{"local":"offer"}"#)
        let sip = try #require(found.sip)
        #expect(sip.registration == .registered && sip.call == .invited)
        #expect(sip.peer == "bob@phones.test" && sip.isEstablishing && !sip.isEstablished && !sip.isHelper)
        #expect(found.local == sdp("offer") && sip.remote == nil)
        #expect(found.isInUse)
    }

    @Test func `a helper in a call has both descriptions`() throws {
        let found = try info(
            #""helper":true,"master":{"username":"a3","registration_status":"registered"},"username":"a3","registration_status":"disabled","call_status":"incall","callee":"sip:bob@x","establishing":0,"established":1"#,
            #","sdps":{"local":"answer","remote":"offer"}"#)
        let sip = try #require(found.sip)
        #expect(sip.registration == .disabled && sip.call == .incall && sip.isHelper && sip.isEstablished)
        #expect(found.local == sdp("answer") && sip.remote == sdp("offer"))
    }

    @Test func `a fresh handle is nobody's and idle`() throws {
        let found = try info(#""registration_status":"unregistered","call_status":"idle","establishing":0"#)
        let sip = try #require(found.sip)
        #expect(sip.registration == .unregistered && sip.call == .idle && sip.peer == nil && sip.username == nil)
        #expect(!found.isInUse)
    }

    @Test func `states we do not know are none, and other plugins' handles have none`() throws {
        let found = try info(#""registration_status":"dreaming","call_status":7"#)
        #expect(found.sip?.registration == nil && found.sip?.call == nil)
        #expect(try info(#""type":"publisher","id":5"#).sip == nil)
    }
}
