import Identity
import JSONText
import TestSupport
import Testing

@testable import Worker

@Suite struct VideoRoomEventTests {
    private func event(_ text: String) throws -> VideoRoomEvent { VideoRoomEvent(try json(text)) }

    // MARK: Every shape

    @Test func `joined names the publisher and those whose media is up`() throws {
        let event = try event(
            #"{"videoroom":"joined","room":5,"description":"x","id":9007199254740991,"private_id":3,"publishers":[{"id":2,"display":"Bob","streams":[]},{"id":3}],"attendees":[]}"#
        )
        #expect(event == .joined(publisher(9_007_199_254_740_991), publishers: [publisher(2), publisher(3)]))
    }

    @Test func `joined may come without a list`() throws {
        #expect(try event(#"{"videoroom":"joined","id":1}"#) == .joined(publisher(1), publishers: []))
    }

    @Test func `arrivals are a list of ids`() throws {
        #expect(
            try event(#"{"videoroom":"event","room":5,"publishers":[{"id":2,"display":"Bob"}]}"#)
                == .publishers([publisher(2)]))
        #expect(try event(#"{"videoroom":"event","publishers":[]}"#) == .publishers([]))
    }

    @Test(arguments: ["leaving", "unpublished", "kicked"])
    func `others go in three ways`(how: String) throws {
        #expect(
            VideoRoomEvent(try json(#"{"videoroom":"event","room":5,"\#(how)":42}"#)) == .gone(publisher(42)))
    }

    @Test func `our own leave is confirmed`() throws {
        #expect(try event(#"{"videoroom":"event","room":5,"leaving":"ok"}"#) == .left)
    }

    @Test func `being kicked and the end of the room are ends`() throws {
        #expect(try event(#"{"videoroom":"event","leaving":"ok","reason":"kicked"}"#) == .expelled("kicked"))
        #expect(try event(#"{"videoroom":"destroyed","room":5}"#) == .expelled("destroyed"))
    }

    @Test func `an asynchronous refusal carries code and text`() throws {
        #expect(
            try event(#"{"videoroom":"event","error_code":432,"error":"Maximum number of publishers reached"}"#)
                == .failed(.plugin(code: 432, reason: "Maximum number of publishers reached")))
        #expect(
            try event(#"{"videoroom":"event","error_code":428}"#)
                == .failed(.plugin(code: 428, reason: "unknown error")))
    }

    @Test func `attached is attached`() throws {
        #expect(
            try event(
                #"{"videoroom":"attached","room":5,"id":2,"warning":"deprecated_api","streams":[{"active":true}]}"#)
                == .attached)
    }

    @Test func `updated says whether anything is still shown`() throws {
        #expect(
            try event(#"{"videoroom":"updated","streams":[{"active":false},{"active":false}]}"#)
                == .updated(isActive: false))
        #expect(
            try event(#"{"videoroom":"updated","streams":[{"active":false},{"active":true}]}"#)
                == .updated(isActive: true))
        #expect(try event(#"{"videoroom":"updated","streams":[{"type":"audio"}]}"#) == .updated(isActive: true))
        #expect(try event(#"{"videoroom":"updated","streams":[]}"#) == .updated(isActive: false))
    }

    @Test(arguments: [
        #"{"videoroom":"event","room":5,"configured":"ok"}"#, #"{"videoroom":"event","room":5,"started":"ok"}"#,
        #"{"videoroom":"event","room":5,"left":"ok"}"#, #"{"videoroom":"event","unpublished":"ok"}"#,
        #"{"videoroom":"event","paused":"ok"}"#, #"{"videoroom":"event","id":2,"display":"Robert"}"#,
        #"{"videoroom":"event","joining":{"id":2}}"#, #"{"videoroom":"event","switched":"ok"}"#,
        #"{"videoroom":"event","moderation":"unmuted"}"#, #"{"videoroom":"slow_link","current-bitrate":1}"#,
        #"{"videoroom":"talking","id":2}"#, #"{"videoroom":"stopped-talking","id":2}"#,
    ])
    func `what needs nothing done is known as such`(text: String) throws {
        #expect(VideoRoomEvent(try json(text)) == .confirmation)
    }

    // MARK: Malformed ones (D31)

    @Test(arguments: [
        "{}", "[]", "null", "1", #""event""#, #"{"videoroom":1}"#, #"{"videoroom":null}"#, #"{"videoroom":"event"}"#,
        #"{"videoroom":"joined"}"#, #"{"videoroom":"joined","id":"1"}"#, #"{"videoroom":"joined","id":-1}"#,
        #"{"videoroom":"joined","id":1.5}"#, #"{"videoroom":"event","leaving":"later"}"#,
        #"{"videoroom":"event","leaving":null}"#, #"{"videoroom":"event","unpublished":-3}"#,
        #"{"videoroom":"event","kicked":"bob"}"#, #"{"videoroom":"event","unheard":"of"}"#,
        #"{"videoroom":"event","error_code":"432"}"#, #"{"videoroom":"something"}"#, #"{"videoroom":"updated"}"#,
        #"{"videoroom":"updated","streams":{}}"#,
    ])
    func `B18 what cannot be used is unknown`(text: String) throws {
        guard case .unknown = VideoRoomEvent(try json(text)) else {
            Issue.record("\(text) was taken for \(VideoRoomEvent(try json(text)))")
            return
        }
    }

    @Test func `B18 entries without a usable id are passed over`() throws {
        #expect(
            try event(#"{"videoroom":"event","publishers":[{"display":"x"},1,null,{"id":"7"},{"id":8}]}"#)
                == .publishers([publisher(8)]))
        #expect(
            try event(#"{"videoroom":"joined","id":1,"publishers":{"id":2}}"#) == .joined(publisher(1), publishers: []))
    }

    @Test(arguments: 1...20)
    func `B18 no event traps`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let kinds = ["joined", "attached", "updated", "destroyed", "event", "slow_link", "x"]
        let names = [
            "id", "publishers", "leaving", "unpublished", "kicked", "error_code", "error", "reason", "streams",
        ]
        let values = [
            "1", "-1", "\"ok\"", "\"kicked\"", "null", "true", "[]", "{}", "[{\"id\":1}]", "[[]]", "1e99",
            "18446744073709551616",
        ]
        for _ in 0..<500 {
            var members = ["\"videoroom\":\"\(kinds.randomElement(using: &random) ?? "")\""]
            for _ in 0..<Int(random.next() % 4) {
                members.append(
                    "\"\(names.randomElement(using: &random) ?? "")\":\(values.randomElement(using: &random) ?? "")")
            }
            _ = VideoRoomEvent(try json("{\(members.joined(separator: ","))}"))
        }
    }
}
