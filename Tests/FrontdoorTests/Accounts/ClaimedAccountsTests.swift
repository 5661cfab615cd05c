import Identity
import NIOCore
import Registry
import Sylkrtc
import Testing

@testable import Frontdoor

/// Clients whose claims are trusted, and the registry they are recorded in.
@Suite struct ClaimedAccountsTests {
    private func hall() async throws -> Hall {
        let hall = try await Hall("[General]\ntrust_claimed_accounts = yes")
        try await hall.run { stage in _ = try stage.addWorker() }
        return hall
    }

    private func client(of hall: Hall, _ accounts: String...) async throws -> NIOLoopBound<TestSocket> {
        let client = try await hall.client()
        #expect(try await hall.told(client) == ["ready"])
        for account in accounts {
            try await hall.run { _ in client.value.ask(.addAccount(account)) }
            #expect(try await hall.told(client) == ["ack t"])
        }
        return client
    }

    @Test func `R15 Whoever has an account is found in the registry, from the ack to the removal or the end`()
        async throws
    {
        let hall = try await hall()
        try await hall.register()
        let first = try await client(of: hall, alice, bob)
        let second = try await client(of: hall, alice)
        #expect(try await hall.connections(of: alice) == [1, 2])
        #expect(try await hall.connections(of: bob) == [1])
        try await hall.run { _ in first.value.ask(.removeAccount(alice)) }
        #expect(try await hall.told(first) == ["ack t"])
        #expect(try await hall.connections(of: alice) == [2])
        try await hall.run { _ in
            first.value.disconnect()
            second.value.disconnect()
        }
        #expect(try await hall.connections(of: alice) == [])
        #expect(try await hall.connections(of: bob) == [])
    }

    @Test func `R01 Without the registry nobody is added, and what is there can be removed`() async throws {
        let hall = try await hall()
        try await hall.register()
        let client = try await client(of: hall, bob)
        try await hall.forgetFrontdoor()
        try await hall.run { _ in client.value.ask(.addAccount()) }
        #expect(try await hall.told(client) == ["error t: the registry is not available"])
        try await hall.run { _ in client.value.ask(.removeAccount()) }
        #expect(try await hall.told(client) == ["error t: Unknown account specified: \(alice)"])
        try await hall.run { _ in client.value.ask(.removeAccount(bob)) }
        #expect(try await hall.told(client) == ["ack t"])
    }

    @Test func `R15 After the registry was lost everybody is put back`() async throws {
        let hall = try await hall()
        try await hall.register()
        let first = try await client(of: hall, alice)
        _ = try await client(of: hall, alice, bob)
        try await hall.forgetFrontdoor()
        #expect(try await hall.connections(of: alice) == [])
        try await hall.run { stage in stage.door.claims.restore() }
        #expect(try await hall.connections(of: alice) == [], "not before the front door's own row")
        try await hall.register()
        #expect(try await hall.connections(of: alice) == [])
        try await hall.run { _ in first.value.disconnect() }
        try await hall.pass(.milliseconds(1500))
        #expect(try await hall.connections(of: alice) == [2], "what failed is tried again")
        #expect(try await hall.connections(of: bob) == [2])
    }

    @Test func `R15 Thousands are put back in writes that follow each other, and who leaves meanwhile stays away`()
        async throws
    {
        let hall = try await hall()
        try await hall.register()
        let count = UInt64(ClaimedAccounts.batch * 3 + 7)
        try await hall.run { stage in
            for number in 1...count {
                stage.door.claims.claim(account(alice), of: ConnectionID(owner: .test, number: number)) { _ in }
            }
        }
        try await hall.forgetFrontdoor()
        try await hall.register()
        try await hall.run { stage in
            stage.door.claims.restore()
            stage.door.claims.restore()
            stage.door.claims.release([account(alice)], of: ConnectionID(owner: .test, number: 1)) {}
        }
        #expect(try await hall.connections(of: alice).count < ClaimedAccounts.batch * 3, "one write, and then the next")
        try await hall.pass(.milliseconds(500))
        #expect(try await hall.connections(of: alice).count == ClaimedAccount.maximumConnections)
        #expect(try await hall.connections(of: alice).first == 2)
    }

    @Test func `R15 An invitation reaches the client it is for, once, and is acknowledged`() async throws {
        let hall = try await hall()
        try await hall.register()
        let client = try await client(of: hall, alice)
        try await hall.run { stage in
            _ = stage.worker().taken()
            for _ in 1...2 { stage.worker().invite(.test, .test()) }
            stage.worker().invite(.test, .test(of: bob))
            stage.worker().invite(ConnectionID(owner: .test, number: 9), .test())
        }
        #expect(try await hall.told(client) == ["conference_invite"])
    }

    @Test func `R15 What a worker's successor sends again is dropped`() async throws {
        let hall = try await hall()
        try await hall.register()
        let client = try await client(of: hall, alice)
        try await hall.run { stage in stage.worker().invite(.test, .test()) }
        #expect(try await hall.told(client) == ["conference_invite"])
        try await hall.run { stage in try stage.worker().isReplaced() }
        try await hall.pass(.seconds(5))
        try await hall.run { stage in
            stage.worker().invite(.test, .test())
            stage.worker().invite(.test, .test(by: 2))
        }
        #expect(try await hall.told(client) == ["conference_invite"])
    }
}
