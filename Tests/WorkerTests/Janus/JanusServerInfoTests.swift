import Foundation
import JSONText
import Testing

@testable import Worker

@Suite struct JanusServerInfoTests {
    private func info(_ rest: String, plugins: String = #""janus.plugin.videoroom":{},"janus.plugin.sip":{}"#) throws
        -> JanusServerInfo
    {
        let text = #"{"janus":"server_info","transaction":"1"\#(rest),"plugins":{\#(plugins)}}"#
        return try #require(JanusServerInfo(try json(text)))
    }
    private let good =
        #","version_string":"1.1.2","session-timeout":60,"reclaim-session-timeout":30,"accepting-new-sessions":true"#

    @Test func `a Janus as it should be has nothing to say`() throws {
        let info = try info(good)
        #expect(info.version == "1.1.2")
        #expect(info.sessionTimeout == 60)
        #expect(info.reclaimTimeout == 30)
        #expect(info.verdicts == [])
    }

    @Test func `another reply is no info`() throws {
        #expect(JanusServerInfo(try json(#"{"janus":"success"}"#)) == nil)
        #expect(JanusServerInfo(try json("[]")) == nil)
        #expect(JanusServerInfo(try json(#"{"janus":7}"#)) == nil)
    }

    @Test func `a missing plugin makes it unusable, each of them`() throws {
        #expect(
            try info(good, plugins: #""janus.plugin.sip":{}"#).verdicts
                == [.unusable("Janus has not loaded janus.plugin.videoroom")])
        #expect(
            try info(good, plugins: "").verdicts == [
                .unusable("Janus has not loaded janus.plugin.videoroom"),
                .unusable("Janus has not loaded janus.plugin.sip"),
            ])
    }

    @Test func `a Janus that takes no sessions is unusable`() throws {
        let text = good.replacing("true", with: "false")
        #expect(try info(text).verdicts == [.unusable("Janus does not accept new sessions")])
    }

    @Test func `no reclaim time is a loss that is named`() throws {
        let text = good.replacing(":30", with: ":0")
        #expect(
            try info(text).verdicts == [
                .degraded("calls will not survive a restart: reclaim_session_timeout is 0 in janus.jcfg, set it to 30")
            ])
    }

    @Test func `a short reclaim time is a loss that is named with its value`() throws {
        let verdicts = try info(good.replacing(":30", with: ":9")).verdicts
        #expect(verdicts.count == 1)
        guard case .degraded(let text) = verdicts.first else {
            Issue.record("\(verdicts)")
            return
        }
        #expect(text.contains("is 9 s"))
        #expect(try info(good.replacing(":30", with: ":10")).verdicts == [])
    }

    @Test func `a short session timeout is named; none at all is fine`() throws {
        #expect(try info(good.replacing(":60", with: ":19")).verdicts.count == 1)
        #expect(try info(good.replacing(":60", with: ":0")).verdicts == [])
        #expect(try info(good.replacing(":60", with: ":20")).verdicts == [])
    }

    @Test func `what is left out counts as the worst that is harmless to assume`() throws {
        let info = try info("")
        #expect(info.version == "unknown")
        #expect(info.acceptsSessions)
        #expect(info.verdicts.count == 1)
    }

    @Test func `unusable comes first`() throws {
        let verdicts = try info("", plugins: "").verdicts
        guard case .unusable = verdicts.first, case .degraded = verdicts.last else {
            Issue.record("\(verdicts)")
            return
        }
    }
}
