import Sylkrtc
import Testing

@Suite struct DialectTests {
    @Test func `B01 sylkRTC-1 is found among the subprotocols offered`() {
        #expect(Dialect.negotiated(among: ["sylkRTC-1"]) == .sylkRTC1)
        #expect(Dialect.negotiated(among: ["chat", "sylkRTC-2", "sylkRTC-1", "sylkRTC-1"]) == .sylkRTC1)
        #expect(Dialect.sylkRTC1.rawValue == "sylkRTC-1")
    }

    @Test(arguments: [[], [""], ["sylkRTC"], ["sylkrtc-1"], ["SYLKRTC-1"], [" sylkRTC-1"], ["sylkRTC-1, chat"]])
    func `B01 Other offers are not compatible`(offers: [String]) {
        #expect(Dialect.negotiated(among: offers) == nil)
    }
}
