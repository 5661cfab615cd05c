import Identity
import NIOHTTP1
import Sylkrtc
import Telemetry
import Testing

@testable import Frontdoor

/// What is asked at the management interface, and why it is refused.
@Suite struct ManagementRequestTests {
    static let methods: [HTTPMethod] = [.GET, .POST, .DELETE]

    private static let alice = AddressOfRecord("alice@example.com")

    private func read(
        _ method: HTTPMethod, _ path: String, _ body: String = "", headers: HTTPHeaders = [:], secret: String? = nil
    ) throws(ManagementRefusal) -> ManagementRequest {
        try ManagementRequest(
            WholeRequest(method: method, path: path, headers: headers, body: Array(body.utf8)),
            secret: secret.map { SharedSecret($0) })
    }

    private func refusal(
        _ method: HTTPMethod, _ path: String, _ body: String = "", headers: HTTPHeaders = [:], secret: String? = nil
    ) -> ManagementRefusal? {
        do throws(ManagementRefusal) {
            _ = try read(method, path, body, headers: headers, secret: secret)
            return nil
        } catch {
            return error
        }
    }

    @Test(arguments: [("/incoming_session", PushMessage.Event.incomingSession), ("/missed_session", .missedSession)])
    func `B31 Who calls and who is called is read, normalised as everywhere`(
        path: String, event: PushMessage.Event
    ) throws {
        let alice = try #require(Self.alice)
        #expect(
            try read(.POST, path, #"{"originator":"sip:bob@Example.ORG;x=y","destination":"alice@EXAMPLE.com."}"#)
                == .push(event, originator: "bob@example.org", destination: alice))
        #expect(
            try read(
                .POST, path, #" {"destination":"sips:%61lice@example.com","originator":"sip:PSTN.example.org","x":1}"#)
                == .push(event, originator: "pstn.example.org", destination: alice))
    }

    @Test(arguments: [
        ("", "the body must be a JSON object"), ("[]", "the body must be a JSON object"),
        ("{", "the body must be a JSON object"), ("\u{FEFF}{}", "the body must be a JSON object"),
        ("{}", "originator: required"), (#"{"originator":null}"#, "originator: required"),
        (#"{"originator":1}"#, "originator: must be a string"),
        (#"{"originator":"b@x.com"}"#, "destination: required"),
        (#"{"originator":"","destination":"a@x.com"}"#, "originator: must be a SIP address"),
        (#"{"originator":"b@","destination":"a@x.com"}"#, "originator: must be a SIP address"),
        (#"{"originator":"b@x.com","destination":["a@x.com"]}"#, "destination: must be a string"),
        (#"{"originator":"b@x.com","destination":"x.com"}"#, "destination: must be a SIP address with a user"),
        (#"{"originator":"b@x.com","destination":"a\u0000@x.com"}"#, "destination: must be a SIP address with a user"),
    ])
    func `B31 D55 A body that cannot be used is refused`(body: String, text: String) {
        #expect(refusal(.POST, "/incoming_session", body) == .unusable(text))
        #expect(refusal(.POST, "/missed_session", body) == .unusable(text))
    }

    @Test func `B31 Accounts and tokens are read out of the path`() throws {
        let alice = try #require(Self.alice)
        #expect(try read(.GET, "/tokens/alice@example.com") == .tokens(alice))
        #expect(try read(.GET, "/tokens/sip%3Aalice%40EXAMPLE.com") == .tokens(alice))
        #expect(try read(.POST, "/tokens/alice%40example.com/a%2Fb%20%C3%A9+c") == .add(token: "a/b \u{E9}+c", alice))
        #expect(try read(.DELETE, "/tokens/alice@example.com/x:y%25") == .remove(token: "x:y%", alice))
        let longest = String(repeating: "%41", count: MessageLimits.deviceToken)
        #expect(
            try read(.POST, "/tokens/alice@example.com/\(longest)")
                == .add(token: String(repeating: "A", count: MessageLimits.deviceToken), alice))
    }

    @Test(arguments: ["", "%", "%4", "%zz", "%C3", "%00", "%FF%FE", String(repeating: "a", count: 4097)])
    func `B31 R05 D55 A token that cannot be used is refused, and not repeated`(token: String) {
        let refused = ManagementRefusal.unusable("the token must have 1 to 4096 bytes of UTF-8")
        #expect(refusal(.POST, "/tokens/alice@example.com/\(token)") == refused)
        #expect(refusal(.DELETE, "/tokens/alice@example.com/\(token)") == refused)
    }

    @Test(arguments: ["", "alice", "example.com", "alice@", "al%ice@example.com", "%FF@example.com", "a b@example.com"])
    func `B31 D55 An account that cannot be used is refused`(account: String) {
        let refused = ManagementRefusal.unusable("the account must be a SIP address with a user")
        #expect(refusal(.GET, "/tokens/\(account)") == refused)
        #expect(refusal(.POST, "/tokens/\(account)/token") == refused)
    }

    @Test(arguments: [
        "", "/", "tokens", "*", "/tokens", "/token/alice@example.com", "/incoming_session/", "/Incoming_session",
        "/incoming%5Fsession", "//incoming_session", "/tokens/a@x.com/b/c", "/tokens/a@x.com/b/",
        "http://h/tokens/a@x.com",
    ])
    func `B31 Other paths are unknown`(path: String) {
        for method in Self.methods { #expect(refusal(method, path) == .unknownPath) }
    }

    @Test(arguments: [
        ("/incoming_session", [HTTPMethod.POST]), ("/missed_session", [.POST]), ("/tokens/a@x.com", [.GET]),
        ("/tokens/a@x.com/b", [.POST, .DELETE]),
    ])
    func `B31 Other methods are named with those that are allowed`(path: String, allowed: [HTTPMethod]) {
        for method in [HTTPMethod.GET, .POST, .DELETE, .PUT, .HEAD, .OPTIONS] where !allowed.contains(method) {
            #expect(
                refusal(method, path) == .wrongMethod(allowed: allowed.map(\.rawValue).joined(separator: ", ")))
        }
    }

    @Test func `B31 D55 With a secret nothing is told to who does not have it`() throws {
        let alice = try #require(Self.alice)
        let path = "/tokens/alice@example.com"
        #expect(try read(.GET, path, headers: ["authorization": "hush"], secret: "hush") == .tokens(alice))
        for given: HTTPHeaders in [
            [:], ["Authorization": ""], ["Authorization": "Hush"], ["Authorization": "Bearer hush"], ["X": "hush"],
            ["Authorization": "hush", "authorization": "hush"],
        ] {
            for path in [path, "/nothing", "/incoming_session"] {
                #expect(refusal(.GET, path, headers: given, secret: "hush") == .unauthorized)
            }
        }
    }

    @Test func `B31 Without a secret pages that a browser has loaded are kept out`() throws {
        let alice = try #require(Self.alice)
        #expect(try read(.GET, "/tokens/alice@example.com", headers: ["Authorization": "any"]) == .tokens(alice))
        for origin in ["https://example.com", "null", ""] {
            #expect(refusal(.POST, "/tokens/alice@example.com/x", headers: ["Origin": origin]) == .unauthorized)
        }
        #expect(
            try read(
                .GET, "/tokens/alice@example.com", headers: ["Origin": "null", "Authorization": "hush"], secret: "hush")
                == .tokens(alice))
    }
}
