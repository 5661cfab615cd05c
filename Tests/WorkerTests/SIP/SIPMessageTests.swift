import Identity
import JSONText
import SIPLookup
import Sylkrtc
import Testing

@testable import Worker

@Suite struct SIPMessageTests {
    private let target = ProxyTarget(.udp, sample(IPAddress("192.0.2.1")), 5070)

    private func text(_ body: SIPBody.Body) -> String {
        var json = JSONWriter()
        json.object { body(&$0) }
        return String(decoding: json.bytes, as: UTF8.self)
    }

    private func identity(named name: String? = nil, agent: String? = nil) -> WorkerRequest.Identity {
        WorkerRequest.Identity(
            account: address("sip:alice@example.com"), displayName: name, userAgent: agent, password: "abcd")
    }

    @Test func `R03 a registration names its proxy twice and leaves out what is not set`() {
        #expect(
            text(SIPBody.register(identity(), over: target, isSent: true, isRefresh: false))
                == #"{"request":"register","username":"sip:alice@example.com","ha1_secret":"abcd","proxy":"sip:192.0.2.1:5070","outbound_proxy":"sip:192.0.2.1:5070"}"#
        )
        #expect(
            text(
                SIPBody.register(identity(named: "Alice", agent: "Page/1"), over: target, isSent: true, isRefresh: true)
            )
                == #"{"request":"register","refresh":true,"username":"sip:alice@example.com","ha1_secret":"abcd","display_name":"Alice","user_agent":"Page/1","proxy":"sip:192.0.2.1:5070","outbound_proxy":"sip:192.0.2.1:5070"}"#
        )
    }

    @Test func `R06 a call's handle learns who it is without a REGISTER`() {
        let body = text(SIPBody.register(identity(), over: target, isSent: false, isRefresh: true))
        #expect(body.contains(#""send_register":false,"refresh":true,"username":"sip:alice@example.com""#))
    }

    @Test func `over TCP Janus must be forced`() {
        let tcp = ProxyTarget(.tcp, sample(IPAddress("192.0.2.1")), 5060)
        let body = text(SIPBody.register(identity(), over: tcp, isSent: false, isRefresh: true))
        #expect(body.contains(#""outbound_proxy":"sip:192.0.2.1;transport=tcp","force_tcp":true"#))
        #expect(!text(SIPBody.register(identity(), over: target, isSent: false, isRefresh: true)).contains("force"))
        #expect(text(SIPBody.warm(.tcp)).contains(#""force_tcp":true"#))
        #expect(!text(SIPBody.warm(.udp)).contains("force"))
    }

    @Test func `the others say what they must`() {
        #expect(
            text(SIPBody.helper(of: 12, account: "alice@example.com"))
                == #"{"request":"register","type":"helper","username":"sip:alice@example.com","master_id":12}"#)
        #expect(
            text(SIPBody.call("bob@example.org", callID: "id"))
                == #"{"request":"call","uri":"sip:bob@example.org","call_id":"id"}"#)
        #expect(text(SIPBody.accept) == #"{"request":"accept"}"#)
        #expect(text(SIPBody.decline(486)) == #"{"request":"decline","code":486}"#)
        #expect(text(SIPBody.hangup) == #"{"request":"hangup"}"#)
        #expect(text(SIPBody.unregister) == #"{"request":"unregister"}"#)
        #expect(text(SIPBody.reset) == #"{"request":"reset"}"#)
    }
}
