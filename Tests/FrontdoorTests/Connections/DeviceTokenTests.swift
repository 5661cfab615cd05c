import NIOCore
import Registry
import Sylkrtc
import Testing

@testable import Frontdoor

@Suite struct DeviceTokenTests {
    private func change(_ old: String?, _ new: String?) throws -> DeviceTokenChange {
        try #require(DeviceTokenChange(removed: old, added: new))
    }

    @Test(arguments: [("old", nil), (nil, "new"), ("old", "new")] as [(String?, String?)])
    func `R05 A change is acknowledged when it is stored`(old: String?, new: String?) throws {
        var connection = Transcript(trustsClaims: true)
        #expect(
            connection.ask(.changeTokens(old: old, new: new))
                == [
                    .startDeadline(request(2)), .storeTokens(request(2), account(alice), [try change(old, new)]),
                    .note(.tokensChanged(alice)),
                ])
        #expect(connection.tokensStored() == [.ack("t")])
        #expect(connection.tokensStored().isEmpty)
    }

    @Test func `R05 With neither token there is nothing to do`() {
        var connection = Transcript(trustsClaims: true)
        #expect(connection.ask(.changeTokens(old: nil, new: nil)) == [.ack("t")])
        #expect(connection.ask(.changeTokens(old: "", new: "")) == [.ack("t")])
    }

    @Test func `R05 An account that is not there has no tokens`() {
        var connection = Transcript(accounts: [], trustsClaims: true)
        #expect(
            connection.ask(.changeTokens(old: nil, new: "new", of: "Alice@Example.ORG"))
                == refused("account-devicetoken", "Unknown account specified: Alice@Example.ORG"))
    }

    @Test func `R05 What cannot be stored, or not in time, is an error`() {
        var connection = Transcript(trustsClaims: true)
        _ = connection.ask(.changeTokens(old: nil, new: "new"))
        #expect(
            connection.tokensStored(2, false) == refused("account-devicetoken", "device tokens cannot be stored"))
        _ = connection.ask(.changeTokens(old: nil, new: "new"))
        #expect(connection.deadlinePassed() == refused("account-devicetoken", "request timed out"))
        #expect(connection.tokensStored().isEmpty)
    }

    @Test func `R05 B35 D22 The tokens of an unverified account wait until it is verified, in their order`() throws {
        var connection = Transcript()
        #expect(connection.ask(.changeTokens(old: nil, new: "one")) == [.ack("t")])
        #expect(connection.ask(.changeTokens(old: "one", new: "two")) == [.ack("t")])
        #expect(connection.verified(bob).isEmpty)
        #expect(
            connection.verified()
                == [
                    .storeTokens(nil, account(alice), [try change(nil, "one"), try change("one", "two")]),
                    .note(.tokensChanged(alice)),
                ])
        #expect(connection.verified().isEmpty, "once")
    }

    @Test func `R05 What waits goes with its account, and with the socket`() {
        var connection = Transcript()
        _ = connection.ask(.changeTokens(old: nil, new: "one"))
        _ = connection.ask(.removeAccount())
        _ = connection.ask(.addAccount())
        #expect(connection.verified().isEmpty)
        _ = connection.ask(.changeTokens(old: nil, new: "two"))
        #expect(connection.closed().isEmpty)
    }

    @Test func `R05 Of many waiting changes the newest stay`() throws {
        var waiting = WaitingTokens()
        for number in 1...WaitingTokens.maximum { waiting.add(try change(nil, "\(number)"), of: account(alice)) }
        waiting.add(try change(nil, "bob's"), of: account(bob))
        #expect(waiting.count == WaitingTokens.maximum)
        #expect(waiting.remove(account(alice)).map(\.added) == (2...WaitingTokens.maximum).map { "\($0)" })
        #expect(waiting.remove(account(bob)).map(\.added) == ["bob's"])
    }

    @Test func `R05 B30 A trusted client's token is stored before it is told so`() async throws {
        let hall = try await Hall("[General]\ntrust_claimed_accounts = yes")
        try await hall.run { stage in _ = try stage.addWorker() }
        try await hall.register()
        let client = try await hall.client()
        try await hall.run { _ in client.value.ask(.addAccount()) }
        #expect(try await hall.told(client) == ["ready", "ack t"])
        try await hall.run { _ in client.value.ask(.changeTokens(old: nil, new: "new")) }
        #expect(try await hall.told(client) == ["ack t"])
        #expect(try await hall.tokens(of: alice) == ["new"])
    }

    @Test func `R05 D22 An untrusted client's token is not stored`() async throws {
        let scene = try await Scene()
        #expect(try await scene.ask(.changeTokens(old: nil, new: "new")) == ["ack t"])
        #expect(try await scene.hall.tokens(of: alice) == [])
    }
}
