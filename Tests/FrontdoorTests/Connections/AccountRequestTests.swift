import Identity
import Sylkrtc
import Testing

@testable import Frontdoor

@Suite struct AccountRequestTests {
    // MARK: account-add

    @Test func `R01 An account is added and acknowledged without asking any worker`() {
        var connection = Transcript(accounts: [])
        #expect(
            connection.say(
                #"{"sylkrtc":"account-add","transaction":"1","account":"alice@example.org","password":"ha1","#
                    + #""user_agent":"SylkRTC (Chrome 60)"}"#)
                == [.ack("1"), .note(.accountAdded(alice, userAgent: "SylkRTC (Chrome 60)"))])
        #expect(connection.ask(.addAccount(bob)) == [.ack("t"), .note(.accountAdded(bob, userAgent: nil))])
        #expect(connection.machine.unansweredCount == 0)
    }

    @Test func `R01 Another spelling of an account is the same account`() {
        var connection = Transcript(accounts: ["sip:Alice@Example.ORG:5060"])
        #expect(
            connection.ask(.addAccount("Alice@example.org"))
                == refused("account-add", "Account Alice@example.org already added"))
        #expect(connection.ask(.addAccount("alice@example.org")).first == .ack("t"), "users compare with case")
    }

    @Test func `R01 Only accounts of the listed domains are added`() {
        var connection = Transcript(accounts: [], domains: ["example.org", "Example.COM"])
        #expect(
            connection.ask(.addAccount("a@Sub.Example.ORG"))
                == refused("account-add", "SIP domain not allowed: sub.example.org"))
        #expect(connection.ask(.addAccount("a@EXAMPLE.com")).first == .ack("t"))
    }

    @Test func `R01 The seventeenth account is one too many until another is removed`() {
        var connection = Transcript(accounts: (1...16).map { "user\($0)@example.org" }, domains: ["example.org"])
        #expect(
            connection.ask(.addAccount("a@example.org"))
                == [.note(.limit(.accounts))] + refused("account-add", "too many accounts"))
        #expect(
            connection.ask(.addAccount("user16@example.org"))
                == refused("account-add", "Account user16@example.org already added"), "the earlier check wins")
        #expect(
            connection.ask(.addAccount("a@example.net"))
                == refused("account-add", "SIP domain not allowed: example.net"), "the earlier check wins")
        #expect(connection.ask(.removeAccount("user1@example.org")).first == .ack("t"))
        #expect(connection.ask(.addAccount("a@example.org")).first == .ack("t"))
    }

    // MARK: account-remove

    @Test func `R02 An account without sessions is removed at once`() {
        var connection = Transcript(accounts: ["Alice@Example.ORG"])
        #expect(
            connection.ask(.removeAccount("sip:Alice@example.org"))
                == [.ack("t"), .note(.accountRemoved("sip:Alice@example.org"))])
        #expect(
            connection.ask(.removeAccount("Alice@example.org"))
                == refused("account-remove", "Unknown account specified: Alice@example.org"))
        #expect(connection.ask(.addAccount("Alice@example.org")).first == .ack("t"))
    }

    @Test func `R02 Every worker that served the account is asked, and the last answer is the answer`() {
        var connection = Transcript(accounts: [alice, bob])
        let joins = [connection.join("pub-a", at: 2), connection.join("pub-b", at: 1)]
        _ = connection.join("other", as: bob, at: 3)
        let removal = connection.last + 1
        #expect(
            connection.ask(.removeAccount())
                == [
                    .note(.accountRemoved(alice)), .startDeadline(request(removal)),
                    .forward(request(removal), .releaseAccount(account(alice)), to: slot(1)),
                    .forward(request(removal), .releaseAccount(account(alice)), to: slot(2)),
                ])
        #expect(connection.answered(removal, by: 1).isEmpty)
        #expect(
            connection.answered(removal, by: 1) == [.note(.unexpected("an answer from host1/1"))],
            "one worker does not answer for another")
        #expect(connection.answered(removal, .error("internal error"), by: 2) == [.ack("t")], "D24")
        #expect(connection.answered(removal, by: 2).isEmpty)
        #expect(connection.told(joins[0], .state(.terminated(reason: nil)), by: 2) == [.terminated("pub-a", nil)])
        #expect(connection.told(joins[1], .state(.terminated(reason: nil)), by: 1) == [.terminated("pub-b", nil)])
    }

    @Test func `R02 A worker whose slot is abandoned, or that takes no more, has answered`() {
        var connection = Transcript()
        let first = connection.join("pub-a", at: 1)
        _ = connection.join("pub-b", at: 2)
        _ = connection.ask(.removeAccount())
        let removal = connection.last
        #expect(
            connection.undeliverable(removal, at: 2) == [.terminated("pub-b", nil), .release(.test(3), at: slot(2))])
        #expect(connection.slotAbandoned(1) == [.ack("t"), .terminated("pub-a", "500 Worker lost")])
        #expect(connection.told(first, .state(.terminated(reason: nil))).isEmpty)
        #expect(connection.slotAbandoned(1).isEmpty)
    }

    @Test func `R02 A deadline acknowledges, and ends what the silent workers have not ended (D24)`() {
        var connection = Transcript()
        let silent = connection.join("pub-a", at: 1)
        _ = connection.attach("sub-1")
        _ = connection.ask(.trickle(feed: "sub-1"))
        let trickle = connection.last
        let quick = connection.join("pub-b", at: 2)
        _ = connection.ask(.removeAccount())
        let removal = connection.last
        #expect(connection.answered(removal, by: 2).isEmpty)
        _ = connection.ask(.addAccount())
        let later = connection.join("pub-c", at: 1)
        #expect(
            connection.deadlinePassed(removal)
                == [.ack("t"), .terminated("pub-a", nil), .release(.test(silent), at: slot(1))])
        #expect(connection.told(silent, .state(.terminated(reason: nil))).isEmpty)
        #expect(connection.told(quick, .state(.terminated(reason: nil)), by: 2) == [.terminated("pub-b", nil)])
        #expect(connection.told(later, .state(.established)) == [.event("pub-c", .state(.established))])
        #expect(connection.answered(removal, by: 1).isEmpty)
        #expect(connection.answered(trickle) == [.ack("t")])
    }

    @Test func `R02 A join that is still being located ends before the removal is acknowledged`() {
        var connection = Transcript()
        _ = connection.ask(.join("pub-a"), as: "join")
        let join = connection.last
        _ = connection.ask(.trickle(), as: "trickle")
        let trickle = connection.last
        #expect(
            connection.ask(.removeAccount(), as: "remove")
                == refused("videoroom-join", "Unknown account specified: \(alice)", as: "join")
                + refused("trickle", "trickle: unknown video room session: pub-a", as: "trickle")
                + [.ack("remove"), .note(.accountRemoved(alice))])
        #expect(connection.located(join).isEmpty)
        #expect(connection.deadlinePassed(join).isEmpty && connection.deadlinePassed(trickle).isEmpty)
    }

    @Test func `R02 A join that was moving ends before the removal is acknowledged`() {
        var connection = Transcript()
        _ = connection.ask(.join("pub-a"), as: "join") + connection.located()
        let join = connection.last
        _ = connection.answered(join, .notOwner(slot(2)))
        #expect(
            connection.ask(.removeAccount(), as: "remove")
                == refused("videoroom-join", "Unknown account specified: \(alice)", as: "join")
                + [.ack("remove"), .note(.accountRemoved(alice))])
        #expect(connection.located(join, at: 2).isEmpty)
    }

    @Test func `R02 A join that has to move after its account is removed is refused`() {
        var connection = Transcript()
        _ = connection.ask(.join("pub-a"), as: "join") + connection.located()
        let join = connection.last
        _ = connection.ask(.removeAccount(), as: "remove")
        #expect(
            connection.answered(join, .notOwner(slot(2)))
                == refused("videoroom-join", "Unknown account specified: \(alice)", as: "join"))
        #expect(connection.answered() == [.ack("remove")])
    }

    // MARK: The account as others see it

    @Test func `A display name and a trusted claim go with the join`() {
        var connection = Transcript(accounts: [], trustsClaims: true)
        _ = connection.ask(.addAccount("Alice@Example.ORG", displayName: "Alice"))
        _ = connection.claimed()
        _ = connection.ask(.join("pub-a", as: "sip:Alice@example.org", room: "sip:Room@Conference.example.org"))
        #expect(
            connection.located()
                == [
                    .forward(
                        request(2),
                        .joining(
                            "pub-a", as: "sip:Alice@example.org", displayName: "Alice", isVerified: true,
                            room: "sip:Room@Conference.example.org"), to: slot(1))
                ])
    }
}
