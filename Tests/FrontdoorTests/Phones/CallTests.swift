import Identity
import Sylkrtc
import Testing

@testable import Frontdoor

@Suite struct CallTests {
    // MARK: session-create

    @Test func `R06 A call goes to the connection's home, and is acknowledged by it`() {
        var connection = Transcript()
        #expect(connection.ask(.call()).withoutNews == [.startDeadline(request(2)), .findHome(2)])
        #expect(connection.located(at: 2) == [.forward(request(2), .calling(), to: slot(2))])
        #expect(connection.answered(by: 2) == [.ack("t")])
        #expect(connection.told(2, .call(.progress), by: 2) == [.call("call", .progress)])
    }

    @Test func `R06 B33 A password in the destination is not for the log`() {
        var connection = Transcript()
        let actions = connection.say(
            #"{"sylkrtc":"session-create","transaction":"t","account":"\#(alice)","session":"call","sdp":"offer","#
                + #""uri":"sip:bob:secret@example.org"}"#)
        #expect(actions.contains(.note(.calling(alice, "bob@example.org"))))
    }

    @Test func `R06 An id in use comes first, then the account, then the number of sessions`() {
        var connection = Transcript(limits: Limits())
        _ = connection.call()
        #expect(connection.ask(.call(from: bob)) == refused("session-create", "Session ID call already in use"))
        #expect(
            connection.ask(.call("other", from: "Bob@Example.NET"))
                == refused("session-create", "Unknown account specified: Bob@Example.NET"))
        _ = connection.register()
        _ = connection.join()
        for number in 2..<Limits().sessions { _ = connection.call("call-\(number)") }
        let tooMany = [Action.note(.limit(.sessions))]
        #expect(connection.ask(.call("other")) == tooMany + refused("session-create", "too many sessions"))
        #expect(connection.ask(.join("pub-b")) == tooMany + refused("videoroom-join", "too many sessions"))
        #expect(
            connection.ask(.attach("sub", to: "x")) == tooMany + refused("feed-attach", "too many sessions"))
        #expect(
            connection.ask(.call("other", from: bob))
                == refused("session-create", "Unknown account specified: \(bob)"), "the earlier check wins")
    }

    @Test func `R06 Calls and conference sessions may have the same names`() {
        var connection = Transcript()
        _ = connection.join("one")
        let call = connection.call("one")
        #expect(connection.ask(.hangUp("one")) == forwarded(4, .terminate(session: request(call))))
        #expect(connection.ask(.terminate("one")) == forwarded(5, .terminate(session: request(2))))
    }

    @Test func `R06 D36 A call that failed leaves nothing, and what was behind it has no session`() {
        var connection = Transcript()
        _ = connection.ask(.call(), as: "call")
        #expect(connection.ask(.candidates(), as: "trickle") == [.startDeadline(request(3))])
        #expect(
            connection.located(2)
                == [
                    .forward(request(2), .calling(), to: slot(1)), .forward(request(3), .trickling(2), to: slot(1)),
                ])
        #expect(
            connection.answered(2, .error("DNS lookup error: none"))
                == refused("session-create", "DNS lookup error: none", as: "call")
                + refused("session-trickle", "Unknown session specified: call", as: "trickle"))
        #expect(connection.machine.sessions(at: slot(1)).isEmpty)
        #expect(connection.ask(.call()).withoutNews.count == 2, "the name is free")
    }

    @Test func `R06 A call without an answer in time is an error, and its worker is to give it up`() {
        var connection = Transcript()
        _ = connection.ask(.call()) + connection.located(at: 2)
        #expect(
            connection.deadlinePassed()
                == refused("session-create", "request timed out") + [.release(.test(2), at: slot(2))])
        #expect(connection.answered(by: 2).isEmpty)
        #expect(connection.told(2, .call(.progress), by: 2).isEmpty)
        _ = connection.ask(.call())
        #expect(connection.deadlinePassed() == refused("session-create", "request timed out"), "it was not sent")
    }

    // MARK: The home

    @Test func `What is new goes where others live already`() {
        var connection = Transcript(accounts: [alice, bob])
        _ = connection.register(at: 2)
        #expect(connection.ask(.register(bob)) == forwarded(4, .registering(bob), to: 2))
        #expect(connection.ask(.call()).withoutNews == forwarded(5, .calling(), to: 2))
    }

    @Test func `Searches that run together end at one home`() {
        var connection = Transcript(accounts: [alice, bob])
        _ = connection.ask(.register()) + connection.ask(.register(bob))
        _ = connection.located(3, at: 1)
        #expect(connection.located(4, at: 2) == [.forward(request(4), .registering(bob), to: slot(1))])
    }

    @Test func `A home where nothing lives is taken again if it can be`() {
        var connection = Transcript()
        let call = connection.call(at: 2)
        _ = connection.told(call, .call(.terminated(reason: "486 Busy Here")), by: 2)
        #expect(connection.ask(.call()).contains(.findHome(3, preferring: 2)))
        _ = connection.located(at: 1) + connection.answered()
        #expect(connection.ask(.call("more")).withoutNews == forwarded(4, .calling("more"), to: 1))
    }

    @Test func `A worker that is being emptied sends what is new elsewhere, three times`() {
        var connection = Transcript(accounts: [alice, bob])
        let registration = connection.register(at: 1)
        _ = connection.ask(.call()) + connection.ask(.candidates())
        #expect(connection.answered(4, .notOwner(slot(1)), by: 1) == [.findHome(4)])
        #expect(
            connection.located(4, at: 2)
                == [
                    .forward(request(4), .calling(), to: slot(2)), .forward(request(5), .trickling(4), to: slot(2)),
                ])
        #expect(connection.ask(.register(bob)) == forwarded(6, .registering(bob), to: 2), "the new home")
        #expect(
            connection.ask(.register()) == forwarded(7, .registering(again: registration), to: 1), "what is there stays"
        )
        for place in 2...3 {
            #expect(connection.answered(4, .notOwner(slot(place)), by: place).contains { $0.isFindHome })
            _ = connection.located(4, at: place + 1)
        }
    }

    @Test func `A call that is turned away everywhere is an error`() {
        var connection = Transcript()
        _ = connection.ask(.call()) + connection.located(at: 1)
        for place in 1...3 {
            #expect(connection.answered(nil, .notOwner(slot(place)), by: place) == [.findHome(2)])
            _ = connection.located(at: place + 1)
        }
        #expect(
            connection.answered(nil, .notOwner(slot(4)), by: 4) == refused("session-create", "no worker is available"))
        #expect(connection.machine.unansweredCount == 0)
    }

    // MARK: session-answer

    @Test func `R07 A call that came in is answered where it is`() {
        var connection = Transcript()
        let registration = connection.register(at: 2)
        _ = connection.ring(over: registration, by: 2)
        #expect(connection.ask(.accept("in")) == forwarded(3, .accepting(firstCall), to: 2))
        #expect(connection.answered(by: 2) == [.ack("t")])
        #expect(
            connection.told(firstCall, .call(.accepted(answer: nil)), by: 2)
                == [.call("in", .accepted(answer: nil))])
    }

    @Test func `R07 D34 What cannot be answered is refused with its state`() {
        var connection = Transcript()
        let registration = connection.register()
        _ = connection.call("out")
        #expect(connection.ask(.accept("x")) == refused("session-answer", "Unknown session specified: x"))
        #expect(connection.ask(.accept("out")) == refused("session-answer", "Cannot answer outgoing session out"))
        _ = connection.ring(over: registration)
        func invalid(_ state: String) -> [Action] {
            refused("session-answer", "Invalid state for answering session in: \(state)")
        }
        _ = connection.ask(.accept("in"))
        #expect(connection.ask(.accept("in")) == invalid("connecting"), "one is under way")
        _ = connection.answered(4)
        #expect(connection.ask(.accept("in")) == invalid("connecting"), "it is answered")
        _ = connection.told(firstCall, .call(.accepted(answer: nil)))
        #expect(connection.ask(.accept("in")) == invalid("accepted"))
        _ = connection.told(firstCall, .call(.established))
        #expect(connection.ask(.accept("in")) == invalid("established"))
    }

    @Test func `R07 An answer that failed can be given again`() {
        var connection = Transcript()
        _ = connection.ring(over: connection.register())
        _ = connection.ask(.accept("in"))
        #expect(connection.answered(nil, .error("no")) == refused("session-answer", "no"))
        #expect(connection.ask(.accept("in")) == forwarded(4, .accepting(firstCall)))
        #expect(
            connection.answered(nil, .unknownSession) == refused("session-answer", "Unknown session specified: in"))
    }

    @Test func `R07 A call whose answer is not taken in time is over`() {
        var connection = Transcript()
        _ = connection.ring(over: connection.register())
        _ = connection.ask(.accept("in"))
        #expect(
            connection.deadlinePassed().withoutNews
                == refused("session-answer", "request timed out")
                + [
                    .call("in", .terminated(reason: "408 Request Timeout")), .missed(),
                    .release(.test(firstCall), at: slot(1)),
                ])
        #expect(connection.answered().isEmpty)
        #expect(connection.told(firstCall, .call(.accepted(answer: nil))).isEmpty)
        #expect(connection.ask(.accept("in")) == refused("session-answer", "Unknown session specified: in"))
    }

    // MARK: session-trickle, session-terminate

    @Test func `R08 R09 Candidates and the end go to the call`() {
        var connection = Transcript()
        let call = connection.call(at: 2)
        #expect(connection.ask(.candidates()) == forwarded(3, .trickling(call), to: 2))
        #expect(connection.ask(.hangUp()) == forwarded(4, .terminate(session: request(call)), to: 2))
        #expect(connection.answered(3, by: 2) + connection.answered(4, by: 2) == [.ack("t"), .ack("t")])
        let ended = CallState.terminated(reason: "200 Session Terminated")
        #expect(connection.told(call, .call(ended), by: 2).withoutNews == [.call("call", ended)])
        for ask in [Ask.candidates(), .hangUp()] {
            #expect(connection.ask(ask) == refused(ask.type, "Unknown session specified: call"))
        }
    }

    @Test func `R09 D35 A call that is not ended in time is over all the same`() {
        var connection = Transcript()
        let call = connection.call()
        _ = connection.ask(.hangUp())
        #expect(
            connection.deadlinePassed().withoutNews
                == refused("session-terminate", "request timed out")
                + [.call("call", .terminated(reason: "408 Request Timeout")), .release(.test(call), at: slot(1))])
        #expect(connection.told(call, .call(.terminated(reason: "487 Request Terminated"))).isEmpty)
    }

    // MARK: Events

    @Test func `E03 A call that comes in is told once, under the name its account was added by`() {
        var connection = Transcript(accounts: ["sip:Alice@Example.ORG"])
        let registration = connection.register("Alice@example.org")
        let incoming = Action.send(
            .incomingSession(
                account: "sip:Alice@Example.ORG", session: client("in"), caller: .bob, offer: sdp("offer")))
        #expect(connection.ring(over: registration).withoutNews == [incoming])
        #expect(connection.ring(over: registration).isEmpty)
        #expect(connection.machine.sessions(at: slot(1)) == [.test(registration), .test(firstCall)])
    }

    @Test func `E03 A call under a name that is taken is given back`() {
        var connection = Transcript()
        let registration = connection.register()
        _ = connection.call("in")
        #expect(
            connection.ring(over: registration)
                == [.note(.unexpected("another call in")), .release(.test(firstCall), at: slot(1))])
        #expect(connection.ring(over: registration, by: 2).isEmpty, "not of that worker")
    }

    @Test func `E04 A call that comes in while the account has one on another worker is missed`() {
        var connection = Transcript(accounts: [alice, bob])
        let registration = connection.register(at: 1)
        let others = connection.register(bob, at: 1)
        _ = connection.ask(.call(), as: "call") + connection.answered(5, .notOwner(slot(1)), by: 1)
        _ = connection.located(5, at: 2)
        #expect(
            connection.ring(over: registration).withoutNews == [.missed(), .release(.test(firstCall), at: slot(1))])
        #expect(connection.told(firstCall, .call(.terminated(reason: "487 Request Terminated"))).isEmpty)
        #expect(connection.ring(firstCall + 1, over: others).count == 2, "another account's")
        _ = connection.answered(5, .error("no"), by: 2)
        #expect(connection.ring(firstCall + 2, as: "in-2", over: registration).count == 2)
    }

    @Test func `E06 B18 D33 A call's states go forwards only`() {
        var connection = Transcript()
        let call = connection.call()
        func told(_ state: CallState) -> [Action] { connection.told(call, .call(state)).withoutNews }
        let accepted = CallState.accepted(answer: sdp("answer"))
        #expect(told(.progress) == [.call("call", .progress)])
        #expect(told(accepted) == [.call("call", accepted)])
        for late in [CallState.progress, accepted] {
            #expect(!told(late).contains { if case .send = $0 { true } else { false } })
        }
        #expect(told(.established) == [.call("call", .established)])
        #expect(told(.terminated(reason: "DTLS alert")) == [.call("call", .terminated(reason: "DTLS alert"))])
        #expect(told(.terminated(reason: "again")).isEmpty)
        #expect(connection.machine.sessions(at: slot(1)).isEmpty)
    }

    @Test func `E06 A call that came in does not ring anywhere else`() {
        var connection = Transcript()
        _ = connection.ring(over: connection.register())
        #expect(
            connection.told(firstCall, .call(.progress))
                == [.note(.unexpected("progress after nothing, of call \(firstCall)"))])
    }

    @Test func `E04 A call that rings where nobody is left, or over what is given up, is missed after its end`() {
        var connection = Transcript()
        let registration = connection.register()
        _ = connection.ring(over: registration)
        _ = connection.ring(firstCall + 1, as: "up", over: registration)
        _ = connection.told(firstCall + 1, .call(.accepted(answer: nil)))
        let lost = CallState.terminated(reason: "500 Worker lost")
        #expect(
            connection.slotAbandoned().withoutNews.starts(with: [
                .call("in", lost), .missed(), .call("up", lost),
            ]))
        connection = Transcript()
        _ = connection.ring(over: connection.register())
        _ = connection.ask(.register())
        #expect(connection.deadlinePassed().contains(.missed()))
    }

    @Test(arguments: [Ask.unregister(), .removeAccount(), .hangUp("in")])
    func `E04 A call that its client wants to end, by whatever, is not missed when that is late`(ask: Ask) {
        var connection = Transcript()
        _ = connection.ring(over: connection.register())
        _ = connection.ask(ask)
        let late = connection.deadlinePassed()
        #expect(
            late.contains { if case .send(.session(client("in"), .terminated)) = $0 { true } else { false } })
        #expect(!late.contains(.missed()))
    }

    @Test func `E04 A call that nobody answered is missed after its end`() {
        var connection = Transcript(accounts: ["Alice@Example.ORG"])
        let registration = connection.register("Alice@Example.ORG")
        _ = connection.ring(over: registration)
        let reason = "487 Request Terminated"
        #expect(
            connection.told(firstCall, .call(.terminated(reason: reason, missed: .bob))).withoutNews
                == [
                    .call("in", .terminated(reason: reason, missed: .bob)), .missed(.bob, "Alice@Example.ORG"),
                ])
        #expect(
            connection.told(registration, .missedCall(.bob)).withoutNews == [.missed(.bob, "Alice@Example.ORG")])
        _ = connection.ring(firstCall + 1, over: registration)
        #expect(
            connection.told(firstCall + 1, .call(.terminated(reason: "200 Call completed elsewhere"))).withoutNews
                == [.call("in", .terminated(reason: "200 Call completed elsewhere"))])
    }

    @Test func `E04 a call that workers find missed one after the other is told once, and the next one again`() {
        var connection = Transcript(accounts: ["Alice@Example.ORG"])
        let registration = connection.register("Alice@Example.ORG")
        let carol = Caller(uri: "carol@example.org", displayName: "")
        func told(_ caller: Caller, _ number: UInt64) -> [Action] {
            connection.told(registration, .missedCall(caller, number: number)).withoutNews
        }
        #expect(told(.bob, 1) == [.missed(.bob, "Alice@Example.ORG")])
        #expect(told(.bob, 1) == [])
        #expect(
            told(carol, 1) == [.missed(carol, "Alice@Example.ORG")],
            "another call, of which nobody had recorded anything")
        #expect(told(.bob, 2) == [.missed(.bob, "Alice@Example.ORG")])
        #expect(told(.bob, 1) == [] && told(carol, 1) == [])
        for number in 3..<(100 as UInt64) { #expect(told(.bob, number).count == 1) }
        #expect(told(carol, 99).count == 1 && told(.bob, 99) == [])
    }
}

extension ConnectionStateMachine.Action {
    fileprivate var isFindHome: Bool {
        if case .findHome = self { true } else { false }
    }
}
