import Identity
import Sylkrtc
import Testing

@testable import Frontdoor

@Suite struct RegistrationTests {
    @Test func `R03 An account registers at a home that is looked for, and is acknowledged by it`() {
        var connection = Transcript()
        #expect(connection.ask(.register()) == [.startDeadline(request(2)), .findHome(2)])
        #expect(connection.located(at: 3) == [.forward(request(2), .registering(), to: slot(3))])
        #expect(connection.answered(by: 3) == [.ack("t")])
        #expect(connection.machine.sessions(at: slot(3)) == [.test(2)])
    }

    @Test func `R03 R04 Only an added account has a registration`() {
        var connection = Transcript()
        for ask in [Ask.register("Bob@Example.NET"), .unregister("Bob@Example.NET")] {
            #expect(connection.ask(ask) == refused(ask.type, "Unknown account specified: Bob@Example.NET"))
        }
    }

    @Test func `R03 A worker is told what the account was added with, and under the name it was added by`() {
        var connection = Transcript(accounts: [])
        _ = connection.say(
            #"{"sylkrtc":"account-add","transaction":"1","account":"sip:Alice@Example.ORG","password":"ha1","#
                + #""display_name":"Alice","user_agent":"SylkRTC"}"#)
        _ = connection.ask(.register("Alice@example.org"))
        let identity = WorkerRequest.Identity(
            account: sent("sip:Alice@Example.ORG"), displayName: "Alice", userAgent: "SylkRTC", password: "ha1")
        #expect(
            connection.located()
                == [.forward(request(2), .register(.init(identity: identity, registration: nil)), to: slot(1))])
        _ = connection.answered()
        #expect(
            connection.told(2, .registration(.registering))
                == [.registration(.registering, of: "sip:Alice@Example.ORG")])
    }

    @Test func `R03 The second registration of an account renews the first, where that lives`() {
        var connection = Transcript()
        let registration = connection.register(at: 2)
        #expect(connection.ask(.register()) == forwarded(3, .registering(again: registration), to: 2))
        #expect(connection.answered(by: 2) == [.ack("t")])
        #expect(connection.machine.sessions(at: slot(2)) == [.test(registration)])
    }

    @Test func `R03 R04 Requests about one account's registration are carried out one after the other`() {
        var connection = Transcript(accounts: [alice, bob])
        _ = connection.ask(.register(), as: "first") + connection.located()
        #expect(connection.ask(.register(), as: "again") == [.startDeadline(request(4))])
        #expect(connection.ask(.unregister(), as: "end") == [.startDeadline(request(5))])
        #expect(connection.ask(.register(), as: "anew") == [.startDeadline(request(6))])
        #expect(connection.ask(.register(bob)).count == 2, "another account's goes its way")
        #expect(connection.machine.unansweredCount == 5)
        #expect(
            connection.answered(3)
                == [.ack("first"), .forward(request(4), .registering(again: 3), to: slot(1))])
        #expect(
            connection.answered(4) == [.ack("again"), .forward(request(5), .unregistering(3), to: slot(1))])
        #expect(connection.answered(5).withoutNews == [.ack("end"), .forward(request(6), .registering(), to: slot(1))])
    }

    @Test func `R03 R04 What waits for its turn begins anew when what was before it fails`() {
        var connection = Transcript()
        _ = connection.ask(.register(), as: "first") + connection.located()
        _ = connection.ask(.unregister(), as: "end")
        _ = connection.ask(.register(), as: "again")
        #expect(
            connection.answered(2, .error("DNS lookup error: none"))
                == refused("account-register", "DNS lookup error: none", as: "first")
                + [.ack("end"), .findHome(4, preferring: 1)])
    }

    @Test func `R03 What has not come to its turn in time is an error`() {
        var connection = Transcript()
        _ = connection.ask(.register()) + connection.located()
        _ = connection.ask(.register())
        #expect(connection.deadlinePassed(3) == refused("account-register", "request timed out"))
        #expect(connection.answered(2) == [.ack("t")], "and nobody has the next turn")
        #expect(connection.machine.unansweredCount == 0)
    }

    @Test func `R03 D24 A registration that did not come about is forgotten`() {
        var connection = Transcript()
        _ = connection.ask(.register()) + connection.located()
        #expect(connection.answered(nil, .error("no")) == refused("account-register", "no"))
        #expect(connection.machine.sessions(at: slot(1)).isEmpty)
        #expect(connection.told(2, .registration(.registered)).isEmpty)
        #expect(connection.ask(.register()) == [.startDeadline(request(3)), .findHome(3, preferring: 1)])
        #expect(
            connection.notLocated(3, "no worker is available") == refused("account-register", "no worker is available"))
        #expect(connection.ask(.unregister()) == [.ack("t")])
    }

    @Test func `R03 A registration that cannot be renewed is as it was`() {
        var connection = Transcript()
        let registration = connection.register()
        _ = connection.ask(.register())
        #expect(
            connection.answered(nil, .error("DNS lookup error: x"))
                == refused("account-register", "DNS lookup error: x"))
        #expect(connection.told(registration, .registration(.registered)).isEmpty, "it is no news")
        #expect(connection.machine.accounts.isVerified(account(alice)))
        #expect(
            connection.resync().told(registration)
                == .registration(ToldRegistration(isAcked: true, stage: .registered)))
    }

    @Test func `R03 A registration that its worker does not know any more begins anew`() {
        var connection = Transcript()
        _ = connection.register()
        _ = connection.ask(.register())
        #expect(connection.answered(nil, .unknownSession) == [.findHome(3, preferring: 1)])
        #expect(connection.located() == [.forward(request(3), .registering(), to: slot(1))])
        #expect(connection.answered() == [.ack("t")])
        #expect(connection.machine.sessions(at: slot(1)) == [.test(3)])
    }

    @Test func `R03 A registration whose answer is late is given up`() {
        var connection = Transcript()
        _ = connection.ask(.register()) + connection.located(at: 2)
        #expect(
            connection.deadlinePassed()
                == refused("account-register", "request timed out") + [.release(.test(2), at: slot(2))])
        #expect(connection.answered(by: 2).isEmpty)
        let registration = connection.register(at: 2)
        _ = connection.ask(.register())
        #expect(
            connection.deadlinePassed().withoutNews
                == refused("account-register", "request timed out")
                + [
                    .unclaim(nil, [account(alice)]), .release(.test(registration), at: slot(2)),
                    .registration(.failed(reason: "408 Request Timeout")),
                ])
        _ = connection.ask(.register())
        #expect(connection.deadlinePassed() == refused("account-register", "request timed out"), "it was not sent")
        #expect(connection.machine.unansweredCount == 0)
    }

    // MARK: account-unregister

    @Test func `R04 Without a registration there is nothing to end`() {
        var connection = Transcript()
        #expect(connection.ask(.unregister()) == [.ack("t")])
        #expect(connection.outcomes() == [.ack, .ack], "account-add, too")
        #expect(connection.machine.unansweredCount == 0)
    }

    @Test(arguments: [WorkerAnswer.ack, .unknownSession])
    func `R04 D26 A registration ends with the acknowledgement, without an event`(answer: WorkerAnswer) {
        var connection = Transcript()
        let registration = connection.register(at: 2)
        #expect(connection.ask(.unregister()) == forwarded(3, .unregistering(registration), to: 2))
        #expect(connection.answered(nil, answer, by: 2).withoutNews == [.ack("t"), .unclaim(nil, [account(alice)])])
        #expect(connection.machine.sessions(at: slot(2)).isEmpty)
        #expect(connection.told(registration, .registration(.registered), by: 2).isEmpty)
        #expect(connection.ask(.unregister()) == [.ack("t")])
    }

    @Test func `R04 An end that is not answered in time becomes a release`() {
        var connection = Transcript()
        let registration = connection.register()
        _ = connection.ring(over: registration)
        _ = connection.ring(firstCall + 1, as: "up", over: registration)
        _ = connection.told(firstCall + 1, .call(.accepted(answer: nil)))
        _ = connection.ask(.unregister())
        #expect(
            connection.deadlinePassed().withoutNews
                == refused("account-unregister", "request timed out")
                + [
                    .unclaim(nil, [account(alice)]), .call("in", .terminated(reason: "408 Request Timeout")),
                    .release(.test(firstCall), at: slot(1)), .release(.test(registration), at: slot(1)),
                ])
        #expect(connection.machine.sessions(at: slot(1)) == [.test(firstCall + 1)])
        #expect(connection.ask(.unregister()) == [.ack("t")])
    }

    @Test
    func `R04 B19 An incoming call that is not answered ends before the acknowledgement, an answered one goes on`() {
        var connection = Transcript()
        let registration = connection.register()
        _ = connection.ring(over: registration)
        _ = connection.ring(firstCall + 1, as: "up", over: registration)
        _ = connection.told(firstCall + 1, .call(.accepted(answer: nil)))
        _ = connection.ask(.unregister())
        #expect(
            connection.answered(3).withoutNews
                == [
                    .call("in", .terminated(reason: "reason unspecified")), .release(.test(firstCall), at: slot(1)),
                    .ack("t"), .unclaim(nil, [account(alice)]),
                ])
        #expect(connection.told(firstCall, .call(.terminated(reason: "reason unspecified"))).isEmpty, "once")
        #expect(connection.told(firstCall + 1, .call(.established)) == [.call("up", .established)])
        #expect(connection.machine.sessions(at: slot(1)) == [.test(firstCall + 1)])
    }

    @Test func `R04 R07 A call that is being answered when its registration ends is its worker's to judge`() {
        var connection = Transcript()
        let registration = connection.register()
        _ = connection.ring(over: registration)
        _ = connection.ask(.accept("in"), as: "answer")
        _ = connection.ask(.unregister())
        #expect(connection.answered().first == .ack("t"))
        #expect(connection.answered(3) == [.ack("answer")])
        #expect(connection.told(firstCall, .call(.accepted(answer: nil))) == [.call("in", .accepted(answer: nil))])
    }

    // MARK: Events

    @Test func `E02 B18 What a registration becomes is told once, with the reason of a failure`() {
        var connection = Transcript()
        _ = connection.ask(.register()) + connection.located() + connection.answered()
        func told(_ state: RegistrationState) -> [Action] {
            connection.told(2, .registration(state)).withoutNews.filter {
                if case .send = $0 { true } else { false }
            }
        }
        let refused = RegistrationState.failed(reason: "403 Forbidden")
        #expect(told(.registering) == [.registration(.registering)])
        #expect(told(.registering) == [])
        #expect(told(.registered) == [.registration(.registered)])
        #expect(told(.registered) == [], "a refresh")
        #expect(told(refused) == [.registration(refused)])
        #expect(told(refused) == [])
        let timeout = RegistrationState.failed(reason: "408 Request Timeout")
        #expect(told(timeout) == [.registration(timeout)])
        #expect(told(.registered) == [.registration(.registered)], "a retry")
    }

    @Test func `E02 D26 After a new request the same is told again`() {
        var connection = Transcript()
        let registration = connection.register()
        for state in [RegistrationState.registered, .failed(reason: "403 Forbidden")] {
            _ = connection.told(registration, .registration(state))
            _ = connection.ask(.register()) + connection.answered()
            #expect(connection.told(registration, .registration(state)).first == .registration(state))
        }
    }

    @Test func `E02 D26 What is known already is not told again before the answer, however the link does`() {
        var connection = Transcript()
        let registration = connection.register()
        _ = connection.ask(.register())
        connection.linkLost()
        #expect(
            connection.resync().told(registration)
                == .registration(ToldRegistration(isAcked: true, stage: .registered)))
        #expect(connection.told(registration, .registration(.registered)).isEmpty)
        #expect(connection.answered() == [.ack("t")])
        #expect(connection.told(registration, .registration(.registering)) == [.registration(.registering)])
        #expect(connection.told(registration, .registration(.registered)).first == .registration(.registered))
    }

    // MARK: Verification

    @Test func `B35 D22 A registered account is verified: joins say so, the registry knows, tokens are stored`() {
        var connection = Transcript()
        _ = connection.ask(.changeTokens(old: nil, new: "token"))
        _ = connection.ask(.register()) + connection.located() + connection.answered()
        _ = connection.told(3, .registration(.registering))
        #expect(!connection.machine.accounts.isVerified(account(alice)))
        let actions = connection.told(3, .registration(.registered))
        #expect(actions.first == .registration(.registered))
        #expect(actions.contains(.claim(nil, account(alice))))
        #expect(actions.contains { if case .storeTokens(nil, account(alice), _) = $0 { true } else { false } })
        #expect(!connection.invited().isEmpty)
        _ = connection.ask(.join("pub-a"))
        #expect(connection.located() == [.forward(request(4), .joining("pub-a", isVerified: true), to: slot(1))])
    }

    @Test func `B35 D22 A registration that fails is no proof any more`() {
        var connection = Transcript()
        let registration = connection.register()
        #expect(
            connection.told(registration, .registration(.failed(reason: "403 Forbidden"))).last
                == .unclaim(nil, [account(alice)]))
        #expect(connection.invited().isEmpty)
        #expect(connection.machine.accounts.claimed == [])
    }

    @Test func `B35 With trusted claims a registration changes nothing`() {
        var connection = Transcript(trustsClaims: true)
        let registration = connection.register()
        #expect(
            connection.told(registration, .registration(.failed(reason: "403 Forbidden"))).withoutNews
                == [.registration(.failed(reason: "403 Forbidden"))])
        #expect(connection.told(registration, .registration(.registered)).withoutNews == [.registration(.registered)])
        _ = connection.ask(.unregister())
        #expect(connection.answered().withoutNews == [.ack("t")])
        #expect(!connection.invited().isEmpty)
    }

    @Test func `B08 B35 A registered account's claim goes with the socket`() {
        var connection = Transcript()
        _ = connection.register(at: 2)
        #expect(connection.closed() == [.gone(from: slot(2)), .unclaim(nil, [account(alice)])])
    }

    // MARK: account-remove

    @Test func `R02 D23 B19 Its registration and its calls are released with an account`() {
        var connection = Transcript()
        let registration = connection.register()
        let call = connection.call()
        _ = connection.ring(over: registration)
        let removal = connection.last + 1
        #expect(
            connection.ask(.removeAccount())
                == [
                    .unclaim(nil, [account(alice)]), .note(.accountRemoved(alice)), .startDeadline(request(removal)),
                    .forward(request(removal), .releaseAccount(account(alice)), to: slot(1)),
                ])
        #expect(connection.told(registration, .registration(.failed(reason: "1"))).isEmpty, "it is gone")
        #expect(connection.ring(firstCall + 1, as: "late", over: registration).isEmpty)
        #expect(connection.answered(removal) == [.ack("t")])
        for (session, name) in [(call, "call"), (firstCall, "in")] {
            let ended = CallState.terminated(reason: "200 Session Terminated")
            #expect(connection.told(session, .call(ended)).withoutNews == [.call(name, ended)])
        }
        #expect(connection.machine.sessions(at: slot(1)).isEmpty)
    }

    @Test func `R02 What waits for a worker or its turn ends with the account`() {
        var connection = Transcript()
        _ = connection.ask(.call(), as: "call")
        _ = connection.ask(.register(), as: "register")
        _ = connection.ask(.unregister(), as: "turn")
        let unknown = "Unknown account specified: \(alice)"
        #expect(
            connection.ask(.removeAccount())
                == refused("account-unregister", unknown, as: "turn") + refused("session-create", unknown, as: "call")
                + refused("account-register", unknown, as: "register")
                + [.ack("t"), .note(.accountRemoved(alice))])
        #expect(connection.machine.unansweredCount == 0)
    }

    @Test func `R02 R03 An account that comes again has a registration of its own`() {
        var connection = Transcript()
        _ = connection.register()
        _ = connection.ask(.removeAccount(), as: "remove")
        _ = connection.ask(.addAccount())
        #expect(connection.ask(.register()) == forwarded(5, .registering()))
        #expect(connection.answered(3) == [.ack("remove")])
        #expect(connection.machine.sessions(at: slot(1)) == [.test(5)])
    }

    @Test func `R02 D23 What cannot be released, because its worker takes no more, ends without it`() {
        var connection = Transcript()
        let registration = connection.register()
        let call = connection.call()
        _ = connection.ask(.removeAccount())
        #expect(
            connection.undeliverable(4).withoutNews
                == [
                    .ack("t"), .release(.test(registration), at: slot(1)),
                    .call("call", .terminated(reason: "reason unspecified")), .release(.test(call), at: slot(1)),
                ])
        #expect(connection.machine.sessions(at: slot(1)).isEmpty)
        #expect(connection.machine.unansweredCount == 0)
    }

    @Test func `R02 What has begun and is not answered does not come about when its account cannot be released`() {
        var connection = Transcript()
        _ = connection.ask(.register(), as: "register") + connection.located()
        _ = connection.ask(.call(), as: "call")
        _ = connection.ask(.join("pub-a"), as: "join") + connection.located()
        _ = connection.ask(.removeAccount(), as: "remove")
        let unknown = "Unknown account specified: \(alice)"
        #expect(
            connection.undeliverable(5)
                == [.ack("remove")] + refused("account-register", unknown, as: "register")
                + [.release(.test(2), at: slot(1))] + refused("session-create", unknown, as: "call")
                + [.release(.test(3), at: slot(1))] + refused("videoroom-join", unknown, as: "join")
                + [.release(.test(4), at: slot(1))])
        #expect(connection.machine.unansweredCount == 0)
    }

    @Test func `R02 What still asks for a registration when its account is released is refused, and released`() {
        var connection = Transcript()
        _ = connection.ask(.register(), as: "register") + connection.located()
        _ = connection.ask(.removeAccount(), as: "remove")
        #expect(
            connection.answered(3)
                == refused("account-register", "Unknown account specified: \(alice)", as: "register")
                + [.release(.test(2), at: slot(1)), .ack("remove")])
        connection.linkLost()
        #expect(connection.resync() == Resync(entries: [], requests: []))
    }

    @Test func `R02 What was asked of a removed account does not begin anew under another of its name`() {
        for isAbandoned in [true, false] {
            var connection = Transcript()
            _ = connection.ask(.register(), as: "register") + connection.located()
            _ = connection.ask(.removeAccount(), as: "remove")
            _ = connection.ask(.addAccount())
            let unknown = refused("account-register", "Unknown account specified: \(alice)", as: "register")
            if isAbandoned {
                #expect(connection.slotAbandoned() == unknown + [.ack("remove")])
            } else {
                #expect(
                    connection.answered(2, .notOwner(slot(1))) == refused("account-register", noWorker, as: "register"))
            }
            #expect(connection.machine.unanswered(at: slot(1)).allSatisfy { $0.sequence == request(3) })
        }
        var connection = Transcript()
        _ = connection.register()
        _ = connection.ask(.register(), as: "again")
        _ = connection.ask(.removeAccount(), as: "remove")
        _ = connection.ask(.addAccount())
        #expect(
            connection.answered(3, .unknownSession)
                == refused("account-register", "Unknown account specified: \(alice)", as: "again"))
    }

    @Test func `R02 R06 R10 A call or join of a removed account does not move to another worker`() {
        var connection = Transcript()
        _ = connection.ask(.call(), as: "call") + connection.located()
        _ = connection.ask(.join("pub-a"), as: "join") + connection.located()
        _ = connection.ask(.removeAccount(), as: "remove")
        _ = connection.ask(.addAccount())
        #expect(connection.answered(2, .notOwner(slot(1))) == refused("session-create", noWorker, as: "call"))
        #expect(
            connection.answered(3, .notOwner(slot(1)))
                == refused("videoroom-join", "Unknown account specified: \(alice)", as: "join"))
    }

    private let noWorker = "no worker is available"

    @Test func `R02 What workers have not released in time ends without them`() {
        var connection = Transcript()
        let registration = connection.register()
        let call = connection.call()
        _ = connection.ask(.removeAccount())
        #expect(
            connection.deadlinePassed().withoutNews
                == [
                    .ack("t"), .release(.test(registration), at: slot(1)),
                    .call("call", .terminated(reason: "reason unspecified")), .release(.test(call), at: slot(1)),
                ])
        #expect(connection.machine.sessions(at: slot(1)).isEmpty)
    }
}
