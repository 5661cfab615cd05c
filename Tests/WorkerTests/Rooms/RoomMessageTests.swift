import Identity
import JSONText
import Testing

@testable import Worker

@Suite struct RoomMessageTests {
    private func text(_ body: (inout JSONWriter) -> Void) -> String { RawJSON { $0.object(body) }.description }

    @Test func `R10 create carries the mark, the limits and the codecs`() {
        var configuration = RoomConfiguration()
        configuration.videoCodecs = ["vp9", "vp8"]
        let body = RoomMessage.create(
            JanusRoomID(rawValue: 52), mark: "c1:main:host1/1", configuration: configuration, recordingDirectory: nil)
        #expect(
            text(body)
                == #"{"request":"create","room":52,"description":"c1:main:host1/1","publishers":10,"bitrate":2016000,"videocodec":"vp9,vp8","record":false}"#
        )
    }

    @Test func `B25 a recorded room says where`() {
        let body = RoomMessage.create(
            JanusRoomID(rawValue: 52), mark: "m", configuration: RoomConfiguration(), recordingDirectory: "/r/x")
        #expect(text(body).hasSuffix(#""record":true,"rec_dir":"/r/x"}"#))
    }

    @Test func `destroy names the room exactly`() {
        let largest = JanusRoomID(rawValue: 1 << 53 - 1)
        #expect(text(RoomMessage.destroy(largest)) == #"{"request":"destroy","room":\#(largest)}"#)
    }
}
