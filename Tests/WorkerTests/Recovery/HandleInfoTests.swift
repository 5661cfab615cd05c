import Identity
import JSONText
import NIOCore
import Sylkrtc
import Testing

@testable import Worker

@Suite struct HandleInfoTests {
    private let h = handle(9)

    private func info(_ plugin: String, flags: String = "{}", sdps: String = "{}") throws -> HandleInfo {
        HandleInfo(
            h,
            try json(
                #"{"session_id":1,"handle_id":9,"opaque_id":"c1:main:host1/1:rooms","plugin":"janus.plugin.videoroom","plugin_specific":\#(plugin),"flags":\#(flags),"sdps":\#(sdps)}"#
            ))
    }

    private let publisherText =
        #"{"hangingup":0,"destroyed":0,"type":"publisher","room":77,"id":42,"private_id":5,"display":"Alice","viewers":0,"bitrate":512000,"streams":[{"type":"audio","mindex":0,"mid":"0","codec":"opus"}]}"#

    @Test func `a publisher in its room`() throws {
        let info = try info(
            publisherText, flags: #"{"got-offer":true,"ready":true,"stopped":false,"alert":false}"#,
            sdps: #"{"profile":"UDP/TLS/RTP/SAVPF","local":"v=0\r\nx","remote":"v=0"}"#)
        #expect(info.opaqueID == "c1:main:host1/1:rooms")
        #expect(info.role == .publisher(publisher(42), bitrate: 512_000))
        #expect(info.bitrate == 512_000)
        #expect(info.isMediaUp)
        #expect(info.isInUse)
        let observation = info.observation(as: publisher(42))
        #expect(observation.answer?.text.description == #""v=0\r\nx""#, "as Janus wrote it")
        #expect(observation.isMediaUp)
        #expect(info.observation(as: publisher(43)) == .init(handle: h), "somebody else's place proves nothing")
        #expect(info.feedObservation == .init(handle: h))
    }

    @Test func `one that was hung up has no answer any more, whatever is left of it`() throws {
        for flag in ["alert", "stopped"] {
            let info = try info(
                publisherText, flags: #"{"ready":true,"\#(flag)":true}"#, sdps: #"{"local":"v=0"}"#)
            #expect(info.isHungUp)
            #expect(info.observation(as: publisher(42)).answer == nil)
            #expect(info.observation(as: publisher(42)).isHungUp)
        }
    }

    @Test func `a subscriber before and after its answer`() throws {
        for (answered, active) in [(true, true), (true, false), (false, true)] {
            let info = try info(
                #"{"type":"subscriber","room":77,"private_id":0,"answered":\#(answered),"streams":[{"mindex":0,"active":\#(active),"ready":true,"feed_id":42}]}"#,
                flags: #"{"ready":false}"#, sdps: #"{"local":"v=0"}"#)
            #expect(info.role == .subscriber(isAnswered: answered, isActive: active))
            #expect(
                info.feedObservation
                    == .init(
                        handle: h, offer: SessionDescription(RawJSON(string: "v=0")), isAnswered: answered,
                        isMediaUp: false, isActive: active))
            #expect(info.observation(as: publisher(42)) == .init(handle: h))
        }
    }

    @Test(arguments: [
        "{}", #"{"hangingup":0,"destroyed":0}"#, #"{"type":"none"}"#, #"{"type":"publisher"}"#,
        #"{"type":"publisher","id":"x"}"#, "null", "[]", "7",
    ])
    func `what is in no room, or malformed, is in none`(plugin: String) throws {
        let info = try info(plugin, flags: "null", sdps: #"{"local":5}"#)
        #expect(info.role == .none)
        #expect(info.local == nil)
        #expect(!info.isMediaUp)
        #expect(!info.isInUse)
    }

    @Test func `a handle that says nothing of itself is nobody's`() throws {
        #expect(HandleInfo(h, try json("{}")).opaqueID == "")
    }

    // MARK: Inspection

    private func inspect(
        _ count: Int, _ prepare: (FakeJanus) -> Void = { _ in },
        _ test: (TestLoop, FakeJanus, () -> (found: Int, ends: [String])) throws -> Void
    ) throws {
        let loop = TestLoop()
        defer { loop.end() }
        let janus = FakeJanus(loop: loop)
        janus.addSession(1)
        let handles = (0..<count).map { _ in handle(janus.addHandle(1, opaque: "x")) }
        let admin = try connectGateway(janus, loop, admin: true)
        var found = 0
        var ends: [String] = []
        prepare(janus)
        let inspection = HandleInspection(handles, of: JanusSessionID(rawValue: 1), admin: admin)
        inspection.found = { _ in found += 1 }
        inspection.finished = { result in
            switch result {
            case .success: ends.append("done")
            case .failure(let error): ends.append(error.reason)
            }
        }
        inspection.start()
        try test(loop, janus) { (found, ends) }
    }

    @Test func `a few questions are under way at a time`() throws {
        try inspect(20, { $0.interfere = { _ in .hold } }) { loop, janus, outcome in
            #expect(janus.count("handle_info") == HandleInspection.window)
            janus.interfere = { _ in .proceed }
            janus.releaseHeld()
            loop.run()
            #expect(janus.count("handle_info") == 20)
            #expect(outcome() == (20, ["done"]))
        }
    }

    @Test(arguments: [0, 1, 8, 9])
    func `it ends once, with none, few or many`(count: Int) throws {
        try inspect(count) { loop, _, outcome in
            loop.run()
            #expect(outcome() == (count, ["done"]))
        }
    }

    @Test func `handles that are gone are passed over, and those that cannot be described are asked about once more`()
        throws
    {
        try inspect(10, { $0.interfere = { _ in .refuse(459, "No such handle") } }) { loop, _, outcome in
            loop.run()
            #expect(outcome() == (0, ["done"]))
        }
        try inspect(10, { $0.interfere = { _ in .refuse(490, "no") } }) { loop, janus, outcome in
            loop.run()
            #expect(outcome() == (0, ["done"]))
            #expect(janus.count("handle_info") == 20)
        }
    }
}
