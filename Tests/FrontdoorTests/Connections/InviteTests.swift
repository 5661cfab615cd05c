import Identity
import Sylkrtc
import Testing

@testable import Frontdoor

@Suite struct InviteTests {
    private let unknown = refused("invite-participants", "invite-participants: unknown video room session: pub-a")

    // MARK: Inviting

    @Test func `R15 An invite goes to the worker of its room, normalised and without doubles`() {
        var connection = Transcript()
        let join = connection.join()
        #expect(
            connection.ask(.invite("pub-a", "sip:Bob@Example.ORG:5060", bob, "Bob@example.org"))
                == forwarded(
                    3, .invite(session: request(join), participants: [account("Bob@example.org"), account(bob)])))
        #expect(connection.answered() == [.ack("t")])
        #expect(
            connection.ask(.invite("pub-a"))
                == forwarded(4, .invite(session: request(join), participants: [account(bob)])))
        #expect(connection.answered(nil, .unknownSession) == unknown)
    }

    @Test func `R15 A list without anybody is fine`() {
        var connection = Transcript()
        let join = connection.join()
        #expect(
            connection.ask(.control("pub-a", "invite-participants", ""))
                == forwarded(3, .invite(session: request(join), participants: [])))
    }

    @Test func `R15 D53 Only a joined publisher invites, and no more than a hundred`() {
        var connection = Transcript()
        #expect(connection.ask(.invite()) == unknown)
        _ = connection.join()
        _ = connection.attach("sub-1")
        #expect(
            connection.ask(.invite("sub-1"))
                == refused("invite-participants", "invite-participants: unknown video room session: sub-1"))
        let many = (0..<101).map { #""u\#($0)@example.org""# }.joined(separator: ",")
        let limit: [ConnectionStateMachine.Action] = [.note(.limit(.requestField))]
        #expect(
            connection.ask(.control("pub-a", "invite-participants", #""participants":[\#(many)]"#))
                == limit
                + refused("videoroom-ctl", "invite_participants.participants: must have at most 100 elements"))
    }

    @Test func `R15 Whose account was removed invites nobody any more`() {
        var connection = Transcript()
        _ = connection.join()
        _ = connection.ask(.removeAccount())
        #expect(connection.ask(.invite()) == unknown)
    }

    @Test func `R15 An invite that is unanswered when its worker dies is asked again`() {
        var connection = Transcript()
        let join = connection.join()
        _ = connection.ask(.invite())
        connection.linkLost()
        let resync = connection.resync()
        #expect(resync.repeats == ["3 again"])
        #expect(connection.resynced(join).isEmpty)
        #expect(connection.answered(3) == [.ack("t")])
    }

    @Test func `R15 An invite without an answer is answered in time`() {
        var connection = Transcript()
        _ = connection.join()
        _ = connection.ask(.invite())
        #expect(connection.deadlinePassed() == refused("invite-participants", "request timed out"))
    }

    // MARK: Being invited

    @Test func `E05 An invitation names the account as its client wrote it`() {
        let connection = Transcript(accounts: ["sip:Alice@Example.ORG"], trustsClaims: true)
        let originator = Originator(account: account(bob), displayName: nil)
        #expect(
            connection.invited("Alice@example.org", name: nil)
                == [
                    .send(
                        .conferenceInvite(account: "sip:Alice@Example.ORG", originator: originator, room: roomURI())),
                    .note(.invited("sip:Alice@Example.ORG", by: account(bob), to: roomURI())),
                ])
    }

    @Test func `R15 B35 D22 Whose account is not verified, or not there, or whose socket is closed, is not invited`() {
        #expect(Transcript().invited().isEmpty)
        var connection = Transcript(trustsClaims: true)
        #expect(connection.invited(bob).isEmpty)
        #expect(!connection.invited(alice).isEmpty)
        _ = connection.ask(.removeAccount())
        #expect(connection.invited(alice).isEmpty)
        connection.add(alice)
        _ = connection.closed()
        #expect(connection.invited(alice).isEmpty)
    }

    // MARK: Once

    @Test func `R15 What a repeated request invites again is dropped, by connection and account`() {
        var taken = TakenInvitations()
        let other = ConnectionID(owner: .test, number: 2)
        func take(_ invitation: Invitation, _ connection: ConnectionID = .test) -> Bool {
            taken.take(invitation, for: connection)
        }
        #expect(take(.test()))
        #expect(!take(.test()))
        #expect(take(.test(), other), "another connection of the same account")
        #expect(take(.test(of: bob)), "another account of the same connection")
        #expect(take(.test(by: 2)), "another request")
        #expect(take(.test(from: 78)), "somebody else's")
        #expect([.test(), .test(of: bob), .test(by: 2), .test(from: 78)].allSatisfy { !take($0) })
        #expect(!take(.test(), other))
    }

    @Test func `R15 As many requests of one source are remembered as can be unanswered`() {
        var taken = TakenInvitations()
        func take(_ number: UInt64) -> Bool { taken.take(.test(by: number), for: .test) }
        let maximum = UInt64(TakenInvitations.maximumRequests)
        #expect((1...maximum).allSatisfy { take($0) })
        #expect(!(1...maximum).contains { take($0) })
        #expect([take(maximum + 1), take(2), take(1)] == [true, false, true], "the first is forgotten")
    }

    @Test func `The sources that were heard of first are forgotten in the end`() {
        var taken = TakenInvitations()
        func take(_ source: UInt64) -> Bool { taken.take(.test(from: source), for: .test) }
        #expect((1...UInt64(TakenInvitations.maximumSources)).allSatisfy { take($0) })
        #expect([take(1), take(100_000), take(2), take(1)] == [false, true, false, true])
    }

    @Test func `However many are invited, only so many are remembered, and whoever asked most forgets first`() {
        var taken = TakenInvitations()
        func take(_ source: UInt64, _ number: UInt64, _ target: UInt64) -> Bool {
            taken.take(.test(by: number, from: source), for: ConnectionID(owner: .test, number: target))
        }
        #expect(take(1, 1, 1))
        let each = UInt64(8000)
        for number in UInt64(1)...10 { #expect((1...each).allSatisfy { take(2, number, $0) }) }
        #expect(taken.count <= TakenInvitations.maximumTargets)
        #expect(!take(1, 1, 1), "another source's is remembered")
        #expect(!take(2, 10, 1) && take(2, 1, 1))
        #expect((1...UInt64(TakenInvitations.maximumTargets) + 5).allSatisfy { take(3, 1, $0) })
        #expect(taken.count <= TakenInvitations.maximumTargets)
    }
}
