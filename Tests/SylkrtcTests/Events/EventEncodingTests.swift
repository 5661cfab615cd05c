import JSONText
import Sylkrtc
import Testing

@Suite struct EventEncodingTests {
    @Test(arguments: EventFixture.all)
    func `E01 E02 E03 E04 E05 E06 E07 E08 E09 E10 E11 E12 E13 Events and answers are written exactly so, in ASCII`(
        fixture: EventFixture
    ) throws {
        let bytes = Dialect.sylkRTC1.encode(try fixture.message())
        #expect(String(decoding: bytes, as: UTF8.self) == fixture.json)
        #expect(bytes.allSatisfy { (0x20..<0x7F).contains($0) })
        #expect(try JSONDocument(bytes).root.isObject)
    }

    @Test func `E11 an SDP goes through as the other side wrote it`() throws {
        let raw = try JSONDocument(Array(#""v=0\u000d\u000A\/\u0041""#.utf8)).root.raw
        let event = VideoroomEvent.feedAttached(subscription: try client("sub-1"), offer: SessionDescription(raw))
        let bytes = Dialect.sylkRTC1.encode(.videoroom(session: try client("pub-a"), event))
        #expect(String(decoding: bytes, as: UTF8.self).contains(#""sdp":"v=0\u000d\u000A\/\u0041""#))
    }
}
