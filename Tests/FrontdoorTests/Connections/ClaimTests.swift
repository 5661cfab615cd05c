import Sylkrtc
import Testing

@testable import Frontdoor

/// Accounts where claims are trusted: the registry knows of each before its client hears that it is there.
@Suite struct ClaimTests {
    private static let noRegistry = "the registry is not available"

    @Test func `R01 B35 A believed account is recorded before it is acknowledged`() {
        var connection = Transcript(accounts: [], trustsClaims: true)
        #expect(
            connection.ask(.addAccount("sip:Alice@Example.org"))
                == [.startDeadline(request(1)), .claim(request(1), account("Alice@example.org"))])
        #expect(connection.machine.unansweredCount == 1)
        #expect(
            connection.claimed() == [.ack("t"), .note(.accountAdded("sip:Alice@Example.org", userAgent: nil))])
        #expect(connection.claimed().isEmpty)
        #expect(connection.machine.unansweredCount == 0)
    }

    @Test func `R01 An account that cannot be recorded is not added`() {
        var connection = Transcript(accounts: [], trustsClaims: true)
        _ = connection.ask(.addAccount())
        #expect(
            connection.claimed(1, false)
                == refused("account-add", Self.noRegistry) + [.unclaim(nil, [account(alice)])])
        #expect(connection.ask(.join("pub-a")) == refused("videoroom-join", "Unknown account specified: \(alice)"))
        _ = connection.ask(.addAccount())
        #expect(connection.claimed() == [.ack("t"), .note(.accountAdded(alice, userAgent: nil))])
    }

    @Test func `R01 R10 A join that is pipelined behind its account goes its way, and is answered behind it`() {
        var connection = Transcript(accounts: [], trustsClaims: true)
        _ = connection.ask(.addAccount(), as: "add")
        #expect(
            connection.ask(.join("pub-a"), as: "join") == [.startDeadline(request(2)), .locate(request(2), roomURI())])
        #expect(connection.claimed(1).first == .ack("add"))
        #expect(connection.located(2) == [.forward(request(2), .joining("pub-a", isVerified: true), to: slot(1))])
        #expect(connection.answered(2) == [.ack("join")])
    }

    @Test func `R01 R10 A join behind an account that cannot be recorded is refused after it`() {
        var connection = Transcript(accounts: [], trustsClaims: true)
        _ = connection.ask(.addAccount(), as: "add")
        _ = connection.ask(.join("pub-a"), as: "join")
        #expect(
            connection.claimed(1, false)
                == refused("account-add", Self.noRegistry, as: "add")
                + refused("videoroom-join", "Unknown account specified: \(alice)", as: "join")
                + [.unclaim(nil, [account(alice)])])
        #expect(connection.located(2).isEmpty)
    }

    @Test func `R01 R10 A join that went its way behind an account that cannot be recorded ends with it`() {
        var connection = Transcript(accounts: [], trustsClaims: true)
        _ = connection.ask(.addAccount(), as: "add")
        _ = connection.ask(.join("pub-a"), as: "join")
        _ = connection.located(2)
        _ = connection.ask(.trickle(), as: "trickle")
        #expect(
            connection.claimed(1, false)
                == refused("account-add", Self.noRegistry, as: "add")
                + refused("videoroom-join", "Unknown account specified: \(alice)", as: "join")
                + refused("trickle", "trickle: unknown video room session: pub-a", as: "trickle")
                + [.release(.test(2), at: slot(1)), .unclaim(nil, [account(alice)])])
        #expect(connection.machine.unansweredCount == 0)
        #expect(connection.answered(2).isEmpty && connection.told(2, .state(.progress)).isEmpty)
    }

    @Test func `R01 R14 A session of an account that cannot be recorded is over, with what waits for its worker`() {
        var connection = Transcript(accounts: [], trustsClaims: true)
        _ = connection.ask(.addAccount(), as: "add")
        let join = connection.join()
        let feed = connection.attach("sub-1")
        _ = connection.ask(.update(), as: "update")
        #expect(
            connection.claimed(1, false)
                == refused("account-add", Self.noRegistry, as: "add")
                + refused("update", "update: unknown video room session: pub-a", as: "update")
                + [.terminated("pub-a", nil), .release(.test(join), at: slot(1)), .unclaim(nil, [account(alice)])])
        #expect(connection.machine.sessions(at: slot(1)).isEmpty)
        #expect(connection.told(join, .feedEstablished(feed: request(feed))).isEmpty)
    }

    @Test func `R01 D24 D36 Registration and calls of an account that cannot be recorded end with it`() {
        var connection = Transcript(accounts: [], trustsClaims: true)
        _ = connection.ask(.addAccount(), as: "add")
        let registration = connection.register()
        let call = connection.call()
        _ = connection.ring(over: registration)
        _ = connection.ask(.register(), as: "again")
        _ = connection.ask(.candidates(), as: "trickle")
        _ = connection.ask(.call("new"), as: "new")
        let actions = connection.claimed(1, false).withoutNews
        let unknown = "Unknown account specified: \(alice)"
        #expect(
            actions
                == refused("account-add", Self.noRegistry, as: "add")
                + [.call("in", .terminated(reason: "reason unspecified")), .release(.test(firstCall), at: slot(1))]
                + refused("session-create", unknown, as: "new") + [.release(.test(6), at: slot(1))]
                + refused("session-trickle", "Unknown session specified: call", as: "trickle")
                + [.call("call", .terminated(reason: "reason unspecified")), .release(.test(call), at: slot(1))]
                + refused("account-register", unknown, as: "again")
                + [.release(.test(registration), at: slot(1)), .unclaim(nil, [account(alice)])])
        #expect(connection.machine.unansweredCount == 0)
        #expect(connection.machine.sessions(at: slot(1)).isEmpty)
        #expect(connection.told(registration, .registration(.registered)).isEmpty)
    }

    @Test func `R01 R03 A registration that has begun behind an account that cannot be recorded does not come about`() {
        var connection = Transcript(accounts: [], trustsClaims: true)
        _ = connection.ask(.addAccount(), as: "add")
        _ = connection.ask(.addAccount(), as: "twice")
        _ = connection.ask(.register(), as: "register")
        _ = connection.located()
        #expect(
            connection.deadlinePassed(1)
                == refused("account-add", "request timed out", as: "add")
                + refused("account-register", "Unknown account specified: \(alice)", as: "register")
                + [
                    .release(.test(3), at: slot(1)), .unclaim(nil, [account(alice)]),
                    .claim(request(2), account(alice)),
                ])
        #expect(connection.answered(3).isEmpty)
        _ = connection.claimed(2)
        #expect(connection.ask(.register()) == [.startDeadline(request(4)), .findHome(4, preferring: 1)])
    }

    @Test func `R01 Sessions of an earlier addition are not touched by a later one that fails`() {
        var connection = Transcript(accounts: [], trustsClaims: true)
        connection.add(alice)
        _ = connection.join()
        _ = connection.ask(.removeAccount(), as: "remove")
        _ = connection.ask(.addAccount(), as: "add")
        #expect(!connection.claimed(connection.last, false).contains { if case .release = $0 { true } else { false } })
        #expect(connection.machine.sessions(at: slot(1)) == [.test(2)], "its removal ends it")
    }

    @Test func `R01 An account that is not recorded in time is not added`() {
        var connection = Transcript(accounts: [], trustsClaims: true)
        _ = connection.ask(.addAccount())
        #expect(
            connection.deadlinePassed()
                == refused("account-add", "request timed out") + [.unclaim(nil, [account(alice)])])
        #expect(connection.claimed(1).isEmpty)
        #expect(connection.ask(.removeAccount()) == refused("account-remove", "Unknown account specified: \(alice)"))
    }

    @Test func `R02 A removed account is forgotten by the registry, too, whatever that says (D24)`() {
        var connection = Transcript(trustsClaims: true)
        let removal = connection.last + 1
        #expect(
            connection.ask(.removeAccount())
                == [
                    .note(.accountRemoved(alice)), .startDeadline(request(removal)),
                    .unclaim(request(removal), [account(alice)]),
                ])
        #expect(connection.unclaimed(removal) == [.ack("t")])
        #expect(connection.unclaimed(removal).isEmpty)
    }

    @Test func `R02 The last of workers and registry to answer is the answer`() {
        for registryIsLast in [true, false] {
            var connection = Transcript(trustsClaims: true)
            _ = connection.join()
            _ = connection.ask(.removeAccount())
            let removal = connection.last
            #expect((registryIsLast ? connection.answered(removal) : connection.unclaimed(removal)).isEmpty)
            #expect((registryIsLast ? connection.unclaimed(removal) : connection.answered(removal)) == [.ack("t")])
        }
    }

    @Test func `R02 A registry that says nothing in time is not waited for any more`() {
        var connection = Transcript(trustsClaims: true)
        _ = connection.ask(.removeAccount())
        #expect(connection.deadlinePassed() == [.ack("t")])
        #expect(connection.unclaimed().isEmpty)
    }

    @Test func `R01 R02 What is added, removed and added again before the registry has said anything is there`() {
        var connection = Transcript(accounts: [], trustsClaims: true)
        _ = connection.ask(.addAccount(), as: "1")
        #expect(connection.ask(.removeAccount(), as: "2").contains(.unclaim(request(2), [account(alice)])))
        #expect(connection.ask(.addAccount(), as: "3").contains(.claim(request(3), account(alice))))
        #expect(connection.claimed(1, false) == refused("account-add", Self.noRegistry, as: "1"), "it was removed")
        #expect(connection.unclaimed(2) == [.ack("2")])
        #expect(connection.claimed(3).first == .ack("3"))
        #expect(!connection.invited().isEmpty)
    }

    @Test func `R01 The same account again is answered behind the first request, and refused when that is recorded`() {
        var connection = Transcript(accounts: [], trustsClaims: true)
        _ = connection.ask(.addAccount(), as: "1")
        #expect(connection.ask(.addAccount(), as: "2") == [.startDeadline(request(2))])
        #expect(connection.ask(.removeAccount(bob), as: "3").contains(.error("3", "Unknown account specified: \(bob)")))
        #expect(
            connection.claimed(1) == [.ack("1"), .note(.accountAdded(alice, userAgent: nil))]
                + refused("account-add", "Account \(alice) already added", as: "2"))
        #expect(connection.machine.unansweredCount == 0)
    }

    @Test func `R01 The same account again is added when the first request cannot be`() {
        var connection = Transcript(accounts: [], trustsClaims: true)
        _ = connection.ask(.addAccount(), as: "1")
        _ = connection.ask(.addAccount(), as: "2")
        _ = connection.ask(.addAccount(), as: "3")
        #expect(
            connection.claimed(1, false)
                == refused("account-add", Self.noRegistry, as: "1")
                + [.unclaim(nil, [account(alice)]), .claim(request(2), account(alice))])
        #expect(
            connection.claimed(2) == [.ack("2"), .note(.accountAdded(alice, userAgent: nil))]
                + refused("account-add", "Account \(alice) already added", as: "3"))
    }

    @Test func `R01 R02 An account that was removed meanwhile is not added by what came before that`() {
        for isRecorded in [true, false] {
            var connection = Transcript(accounts: [], trustsClaims: true)
            _ = connection.ask(.addAccount(), as: "1")
            _ = connection.ask(.addAccount(), as: "2")
            _ = connection.ask(.removeAccount(), as: "3")
            #expect(connection.claimed(1, isRecorded).contains(.error("2", "Account \(alice) already added")))
            #expect(connection.ask(.join("pub-a")).contains(.error("t", "Unknown account specified: \(alice)")))
        }
    }

    @Test func `R01 What waits behind another addition is answered in time`() {
        var connection = Transcript(accounts: [], trustsClaims: true)
        _ = connection.ask(.addAccount(), as: "1")
        _ = connection.ask(.addAccount(), as: "2")
        #expect(connection.deadlinePassed(2) == refused("account-add", "request timed out", as: "2"))
        #expect(connection.claimed(1).first == .ack("1"))
    }

    @Test func `B08 What is left when the socket closes is given back`() {
        var connection = Transcript(accounts: [alice, bob], trustsClaims: true)
        _ = connection.join()
        _ = connection.ask(.addAccount("carol@example.org"))
        let claimed = [account(alice), account(bob), account("carol@example.org")]
        #expect(connection.closed() == [.gone(from: slot(1)), .unclaim(nil, claimed)])
        #expect(connection.claimed().isEmpty)
        #expect(connection.closed().isEmpty)
    }

    @Test func `B35 Without trust the registry hears nothing of accounts`() {
        var connection = Transcript(accounts: [])
        #expect(connection.ask(.addAccount()) == [.ack("t"), .note(.accountAdded(alice, userAgent: nil))])
        #expect(connection.ask(.removeAccount()) == [.ack("t"), .note(.accountRemoved(alice))])
        _ = connection.ask(.addAccount())
        #expect(connection.closed().isEmpty)
    }

    @Test func `Requests that wait for the registry count against the bound of unanswered ones`() {
        var connection = Transcript(accounts: [], trustsClaims: true)
        for _ in 1...32 { _ = connection.ask(.addAccount()) + connection.ask(.removeAccount()) }
        #expect(connection.machine.unansweredCount == 64)
        #expect(connection.claimed(1).last == .resumeReading)
    }
}
