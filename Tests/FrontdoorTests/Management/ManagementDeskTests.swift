import Foundation
import Identity
import NIOCore
import NIOHTTP1
import NIOPosix
import Registry
import Telemetry
import Testing

@testable import Frontdoor

/// The management interface behind its socket: real tokens, and pushes that go nowhere.
@Suite struct ManagementDeskTests {
    private struct Office: Sendable {
        let loop: any EventLoop
        let tokens: DeviceTokens
        let log = LogRecorder()
        let desk: NIOLoopBound<ManagementDesk>
        let sender: NIOLoopBound<PushSender>
        let pushes: NIOLoopBound<ScriptedPushes>

        /// - Parameter directory: of the tokens; nil: a new one.
        init(secret: String? = nil, directory: String? = nil, sends: Bool = true) async throws {
            loop = MultiThreadedEventLoopGroup.singleton.any()
            tokens = DeviceTokens(directory: directory ?? TemporaryFolder.newPath(), logger: .silent)
            (desk, sender, pushes) = try await loop.submit { [loop, tokens, log] in
                let pushes = ScriptedPushes(loop: loop)
                let kept = LoopDeviceTokens(tokens, loop: loop)
                let sender = PushSender(sends ? pushes : nil, tokens: kept, loop: loop, logger: log.logger)
                var calls = 0
                let desk = ManagementDesk(
                    secret: secret.map { SharedSecret($0) }, tokens: kept, pushes: sender, loop: loop,
                    logger: log.logger
                ) {
                    calls += 1
                    return "call-\(calls)"
                }
                return (
                    NIOLoopBound(desk, eventLoop: loop), NIOLoopBound(sender, eventLoop: loop),
                    NIOLoopBound(pushes, eventLoop: loop)
                )
            }.get()
        }

        @discardableResult
        func ask(
            _ method: HTTPMethod, _ path: String, _ body: String = "", headers: HTTPHeaders = [:]
        ) async throws -> WholeReply {
            try await loop.flatSubmit { [desk] in
                desk.value.answer(
                    WholeRequest(method: method, path: path, headers: headers, body: Array(body.utf8)))
            }.get()
        }

        /// Everything that was sent is answered, and what came of it is done.
        func settle() async throws {
            while try await loop.submit({ [sender] in
                var report = MetricsReport()
                sender.value.report(to: &report)
                return PrometheusText.text(report).contains("pushes_pending 0\n")
            }).get() == false {}
            // Behind what it has changed.
            _ = try await tokens.tokens(of: try #require(AddressOfRecord("nobody@example.com")))
        }

        func sent() async throws -> [Push] { try await loop.submit { [pushes] in pushes.value.sent }.get() }

        func metrics() async throws -> [String] {
            try await loop.submit { [desk] in
                var report = MetricsReport()
                desk.value.report(to: &report)
                return PrometheusText.text(report)
            }.get().split(separator: "\n").map(String.init).filter { !$0.hasPrefix("#") && !$0.hasSuffix(" 0") }
        }
    }

    private static let call = #"{"originator":"bob@example.org","destination":"alice@example.com"}"#
    private static let success = #"{"success":true}"#

    private func failure(_ text: String) -> String { #"{"success":false,"error":"\#(text)"}"# }

    @Test func `B31 Tokens are added, listed and removed`() async throws {
        let office = try await Office()
        defer { office.tokens.stop() }
        let list = "/tokens/alice@example.com"
        #expect(try await office.ask(.GET, list).body == #"{"tokens":[]}"#)
        for token in ["two", "one"] {
            let reply = try await office.ask(.POST, "\(list)/\(token)")
            #expect(reply == WholeReply(status: .ok, type: "application/json", body: Self.success))
        }
        #expect(try await office.ask(.GET, "/tokens/sip:alice@EXAMPLE.com").body == #"{"tokens":["two","one"]}"#)
        #expect(try await office.ask(.DELETE, "\(list)/two").body == Self.success)
        #expect(try await office.ask(.DELETE, "\(list)/nothing").body == Self.success)
        #expect(try await office.ask(.GET, list).body == #"{"tokens":["one"]}"#)
        #expect(office.log.lines("device token changed").count == 4)
    }

    @Test(arguments: [("/incoming_session", "incoming_session"), ("/missed_session", "missed_session")])
    func `B31 B32 Every device of the destination is told, each once`(path: String, event: String) async throws {
        let office = try await Office()
        defer { office.tokens.stop() }
        for token in ["one", "two"] { try await office.ask(.POST, "/tokens/alice@example.com/\(token)") }
        try await office.ask(.POST, "/tokens/carol@example.com/three")
        let reply = try await office.ask(.POST, path, Self.call)
        #expect(reply == WholeReply(status: .ok, type: "application/json", body: Self.success))
        try await office.settle()
        let sent = try await office.sent()
        #expect(sent.map(\.token) == ["one", "two"])
        #expect(sent.allSatisfy { $0.message.event.rawValue == event && $0.message.originator == "bob@example.org" })
        #expect(sent.allSatisfy { $0.message.callID == "call-1" })
        try await office.ask(.POST, path, Self.call)
        try await office.settle()
        #expect(try await office.sent().map(\.message.callID) == ["call-1", "call-1", "call-2", "call-2"])
        let said = "info account=alice@example.com event=\(event) suppressed=0 value=2"
        #expect(office.log.lines("push requested") == [said, said])
        #expect(try await office.metrics().contains(#"gateway_frontdoor_pushes_total{outcome="delivered"} 4"#))
    }

    @Test func `B31 Whoever has no devices is told nothing, and that is a success`() async throws {
        let office = try await Office()
        defer { office.tokens.stop() }
        #expect(try await office.ask(.POST, "/incoming_session", Self.call).body == Self.success)
        #expect(try await office.sent() == [])
    }

    @Test func `B31 Refusals have their status, their words and their line in the log`() async throws {
        let office = try await Office(secret: "hush")
        defer { office.tokens.stop() }
        let known: HTTPHeaders = ["Authorization": "hush"]
        #expect(
            try await office.ask(.POST, "/incoming_session", Self.call)
                == WholeReply(status: .forbidden, body: "Authentication error"))
        #expect(
            try await office.ask(.POST, "/incoming_session", "{}", headers: known)
                == WholeReply(status: .badRequest, type: "application/json", body: failure("originator: required")))
        #expect(
            try await office.ask(.GET, "/nothing", headers: known)
                == WholeReply(status: .notFound, type: "application/json", body: failure("there is nothing here")))
        #expect(
            try await office.ask(.PUT, "/tokens/a@x.com/b", headers: known)
                == WholeReply(
                    status: .methodNotAllowed, type: "application/json", body: failure("only POST, DELETE"),
                    allow: "POST, DELETE"))
        let long = try await office.loop.submit { [desk = office.desk] in
            desk.value.refuseBody(of: WholeRequest(method: .POST, path: "/missed_session"))
        }.get()
        #expect(
            long
                == WholeReply(
                    status: .payloadTooLarge, type: "application/json", body: failure("the body is too long")))
        let reasons = ["unauthorized", "unusable", "unknown_path", "wrong_method", "too_large"]
        #expect(
            office.log.lines("management request refused")
                == reasons.map { "warning peer=unknown reason=\($0) suppressed=0" })
        #expect(
            try await office.metrics() == [
                #"gateway_frontdoor_management_requests_total{endpoint="incoming_session",outcome="unauthorized"} 1"#,
                #"gateway_frontdoor_management_requests_total{endpoint="incoming_session",outcome="unusable"} 1"#,
                #"gateway_frontdoor_management_requests_total{endpoint="missed_session",outcome="too_large"} 1"#,
                #"gateway_frontdoor_management_requests_total{endpoint="token",outcome="wrong_method"} 1"#,
                #"gateway_frontdoor_management_requests_total{endpoint="unknown",outcome="unknown_path"} 1"#,
            ])
    }

    @Test func `B31 When the tokens cannot be reached that is 503`() async throws {
        let office = try await Office(directory: "/dev/null/state")
        defer { office.tokens.stop() }
        for (method, path, body) in [
            (HTTPMethod.GET, "/tokens/alice@example.com", ""), (.POST, "/incoming_session", Self.call),
        ] {
            #expect(
                try await office.ask(method, path, body)
                    == WholeReply(
                        status: .serviceUnavailable, type: "application/json",
                        body: failure("device tokens cannot be read")))
        }
        for method in [HTTPMethod.POST, .DELETE] {
            #expect(
                try await office.ask(method, "/tokens/alice@example.com/x").body
                    == failure("device tokens cannot be stored"))
        }
        #expect(try await office.metrics().count == 3)
    }

    @Test func `B32 A device that the service calls gone is forgotten, and no other`() async throws {
        let office = try await Office()
        defer { office.tokens.stop() }
        for token in ["gone", "there"] { try await office.ask(.POST, "/tokens/alice@example.com/\(token)") }
        try await office.loop.submit { [pushes = office.pushes] in
            pushes.value.outcomes = ["gone": .deadToken("gone"), "there": .failed(code: 500, reason: "busy")]
        }.get()
        try await office.ask(.POST, "/missed_session", Self.call)
        try await office.settle()
        #expect(try await office.ask(.GET, "/tokens/alice@example.com").body == #"{"tokens":["there"]}"#)
        #expect(
            office.log.lines("push failed") == [
                "warning account=alice@example.com event=missed_session reason=busy suppressed=0 value=500"
            ])
        #expect(office.log.lines("a device is gone, its token is forgotten").count == 1)
        #expect(!office.log.lines.contains { $0.contains("there") || $0.contains("=gone") }, "D56")
    }

    @Test func `B32 Without a push server nothing is sent, and that is said, ten times a second at the most`()
        async throws
    {
        let office = try await Office(sends: false)
        defer { office.tokens.stop() }
        try await office.ask(.POST, "/tokens/alice@example.com/one")
        for _ in 0..<12 { #expect(try await office.ask(.POST, "/incoming_session", Self.call).body == Self.success) }
        let lines = office.log.lines("nobody sends push messages")
        #expect((10...12).contains(lines.count))
        #expect(lines[0] == "warning account=alice@example.com event=incoming_session suppressed=0 value=sylk_push_url")
        #expect(try await office.metrics().contains(#"gateway_frontdoor_pushes_total{outcome="not_configured"} 12"#))
    }

    @Test func `At the end what is under way ends first`() async throws {
        let office = try await Office()
        defer { office.tokens.stop() }
        try await office.ask(.POST, "/tokens/alice@example.com/one")
        let message = PushMessage(
            event: .missedSession, originator: "b@x.com",
            destination: try #require(AddressOfRecord("alice@example.com")),
            told: .now(), callID: "c")
        await withCheckedContinuation { continuation in
            office.loop.execute {
                office.sender.value.send(message, to: (0..<20).map(String.init))
                office.sender.value.stop { continuation.resume() }
            }
        }
        #expect(try await office.sent().count == PushQueueStateMachine.maximumUnderWay)
        #expect(
            try await office.metrics().filter { $0.contains("pushes_total") } == [
                #"gateway_frontdoor_pushes_total{outcome="delivered"} 8"#,
                #"gateway_frontdoor_pushes_total{outcome="dropped"} 12"#,
            ])
    }
}
