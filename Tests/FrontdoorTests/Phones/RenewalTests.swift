import Identity
import NIOCore
import Sylkrtc
import Testing

@testable import Frontdoor

/// Registrations that are lost, and come back without anybody having asked.
@Suite struct RenewalTests {
    private func renewal(_ number: UInt64 = 1, failures: Int = 0) -> Action {
        .renew(account(alice), number: number, failures: failures)
    }

    @Test func `A lost registration is put back with a number of its own, and its client is told of that alone`() {
        var connection = Transcript()
        let registration = connection.register()
        #expect(connection.told(registration, .registrationLost).withoutNews == [renewal()])
        #expect(connection.machine.accounts.isVerified(account(alice)), "for the time being")
        #expect(connection.renew() == [.startDeadline(request(3)), .findHome(3, preferring: 1)])
        #expect(connection.machine.unansweredCount == 0, "it is nobody's request")
        #expect(connection.located(3, at: 2) == [.forward(request(3), .registering(), to: slot(2))])
        #expect(connection.answered(3, by: 2).isEmpty)
        #expect(connection.told(3, .registration(.registering), by: 2) == [.registration(.registering)])
        #expect(
            connection.told(3, .registration(.registered), by: 2).withoutNews == [.registration(.registered)],
            "it is claimed still")
        #expect(connection.renew().isEmpty)
        #expect(connection.outcomes().count == 2, "account-add and the client's own account-register")
    }

    @Test func `It is tried again and again, and its account is not believed meanwhile`() {
        var connection = Transcript()
        _ = connection.told(connection.register(), .registrationLost)
        _ = connection.renew()
        #expect(
            connection.notLocated(3, "no worker is available")
                == [
                    .registration(.failed(reason: "no worker is available")),
                    .note(.registrationFailed(alice, "no worker is available")), .unclaim(nil, [account(alice)]),
                    renewal(failures: 1),
                ])
        _ = connection.renew() + connection.located(4)
        #expect(connection.answered(4, .error("no")) == [renewal(failures: 2)])
        _ = connection.renew() + connection.located(5)
        #expect(connection.deadlinePassed(5) == [renewal(failures: 3), .release(.test(5), at: slot(1))])
        _ = connection.renew() + connection.located(6)
        #expect(connection.undeliverable(6) == [renewal(failures: 4)])
        _ = connection.renew() + connection.located(7) + connection.answered(7)
        #expect(connection.told(7, .registration(.registering)).isEmpty, "only what comes of it is news")
        let back = connection.told(7, .registration(.registered))
        #expect(back.first == .registration(.registered))
        #expect(back.contains(.claim(nil, account(alice))))
        #expect(connection.told(7, .registration(.registering)) == [.registration(.registering)])
    }

    @Test func `E02 What the registrar says to a later try is told if it is another reason`() {
        for reason in ["no", "403 Forbidden"] {
            var connection = Transcript()
            _ = connection.told(connection.register(), .registrationLost)
            _ = connection.renew() + connection.located(3) + connection.answered(3, .error("no"))
            _ = connection.renew() + connection.located(4) + connection.answered(4)
            _ = connection.told(4, .registration(.registering))
            let failed = RegistrationState.failed(reason: reason)
            #expect(
                connection.told(4, .registration(failed)).withoutNews
                    == (reason == "no" ? [] : [.registration(failed)]))
        }
    }

    @Test func `R03 E02 Whoever asks after a failure hears of it from the beginning, also when what he got is lost`() {
        var connection = Transcript()
        let failed = RegistrationState.failed(reason: "403 Forbidden")
        let registration = connection.register()
        _ = connection.told(registration, .registration(failed))
        _ = connection.ask(.register()) + connection.answered()
        _ = connection.told(registration, .registrationLost)
        _ = connection.renew() + connection.located(4) + connection.answered(4)
        #expect(connection.told(4, .registration(.registering)) == [.registration(.registering)])
        #expect(connection.told(4, .registration(failed)).first == .registration(failed))
    }

    @Test func `R03 E02 Who asks in the place of a renewal and is refused is told that there is no registration`() {
        var connection = Transcript()
        _ = connection.told(connection.register(), .registrationLost)
        _ = connection.ask(.register())
        #expect(
            connection.notLocated(3, "no worker is available").withoutNews
                == refused("account-register", "no worker is available")
                + [.registration(.failed(reason: "no worker is available")), .unclaim(nil, [account(alice)])])
        #expect(connection.renew().isEmpty, "it is his turn")
    }

    @Test func `Between the tries lie 1, 2, 4 and at most 30 seconds`() {
        let delays = (0...9).map { ConnectionStateMachine.renewalDelay(after: $0) }
        let seconds: [Int64] = [0, 1, 2, 4, 8, 16, 30, 30, 30, 30]
        #expect(delays == seconds.map(TimeAmount.seconds))
    }

    @Test func `A client's own request takes the place of a renewal`() {
        var connection = Transcript()
        _ = connection.told(connection.register(), .registrationLost)
        _ = connection.renew()
        #expect(connection.ask(.register()) == [.startDeadline(request(4)), .findHome(4, preferring: 1)])
        #expect(connection.located(3).isEmpty, "nobody looks for that any more")
        _ = connection.located(4)
        #expect(connection.answered(4) == [.ack("t")])
        #expect(connection.renew().isEmpty)
    }

    @Test func `A client's own request comes behind a renewal that is under way`() {
        for isRenewed in [true, false] {
            var connection = Transcript()
            _ = connection.told(connection.register(), .registrationLost)
            _ = connection.renew() + connection.located(3)
            #expect(connection.ask(.register()) == [.startDeadline(request(4))])
            let next: [Action] =
                isRenewed
                ? [.forward(request(4), .registering(again: 3), to: slot(1))]
                : [.unclaim(nil, [account(alice)]), .findHome(4, preferring: 1)]
            #expect(connection.answered(3, isRenewed ? .ack : .error("no")) == next)
            #expect(connection.renew().isEmpty)
        }
    }

    @Test func `R04 Who unregisters is not registered again`() {
        var connection = Transcript()
        _ = connection.told(connection.register(), .registrationLost)
        #expect(connection.ask(.unregister()) == [.ack("t"), .unclaim(nil, [account(alice)])])
        #expect(connection.renew().isEmpty)
    }

    @Test func `R04 What is lost while it is being ended stays lost`() {
        var connection = Transcript()
        let registration = connection.register()
        _ = connection.ask(.unregister())
        #expect(connection.told(registration, .registrationLost).isEmpty)
        #expect(connection.answered(nil, .unknownSession).withoutNews == [.ack("t"), .unclaim(nil, [account(alice)])])
    }

    @Test func `R02 B08 Nothing is renewed of a removed account or a closed connection`() {
        var connection = Transcript()
        _ = connection.told(connection.register(), .registrationLost)
        _ = connection.ask(.removeAccount())
        #expect(connection.renew().isEmpty)
        connection = Transcript()
        _ = connection.told(connection.register(), .registrationLost)
        _ = connection.closed()
        #expect(connection.renew().isEmpty)
    }

    @Test func `A registration that had failed is not tried again by itself`() {
        var connection = Transcript()
        let registration = connection.register()
        _ = connection.told(registration, .registration(.failed(reason: "403 Forbidden")))
        #expect(connection.told(registration, .registrationLost).isEmpty)
    }

    // MARK: While something is asked of it

    @Test func `R03 D22 What renews a registration that is lost meanwhile begins one, whatever the worker says then`() {
        var connection = Transcript()
        let registration = connection.register()
        _ = connection.ask(.register())
        #expect(connection.told(registration, .registrationLost).isEmpty)
        #expect(connection.answered(nil, .error("the slot is gone")) == [.findHome(3, preferring: 1)])
        #expect(connection.located(at: 2) == [.forward(request(3), .registering(), to: slot(2))])
        #expect(connection.answered(by: 2) == [.ack("t")])
        for state in [RegistrationState.registering, .registered] {
            #expect(connection.told(3, .registration(state), by: 2).withoutNews == [.registration(state)])
        }
        #expect(connection.machine.accounts.isVerified(account(alice)))
    }

    @Test func `R03 D22 What renews a registration that is lost is refused once, and its account not believed`() {
        var connection = Transcript()
        let registration = connection.register()
        _ = connection.ask(.register())
        _ = connection.told(registration, .registrationLost)
        _ = connection.answered(nil, .error("the slot is gone")) + connection.located()
        let actions = connection.answered(nil, .error("no"))
        #expect(actions.starts(with: refused("account-register", "no")))
        #expect(actions.contains(.registration(.failed(reason: "no"))))
        #expect(actions.contains(.unclaim(nil, [account(alice)])))
        #expect(connection.machine.unansweredCount == 0)
    }

    @Test func `R04 The end of a registration that is lost meanwhile is reached, whatever the worker says then`() {
        var connection = Transcript()
        let registration = connection.register()
        _ = connection.ask(.unregister())
        _ = connection.told(registration, .registrationLost)
        #expect(
            connection.answered(nil, .error("too many requests")).withoutNews
                == [.ack("t"), .unclaim(nil, [account(alice)])])
    }

    @Test(arguments: [Ask.register(), .unregister()])
    func `R03 R04 D22 Nobody believes the account of a lost registration when what was asked of it is late`(ask: Ask) {
        var connection = Transcript()
        let registration = connection.register()
        _ = connection.ask(ask)
        _ = connection.told(registration, .registrationLost)
        #expect(connection.deadlinePassed().contains(.unclaim(nil, [account(alice)])))
        #expect(connection.invited().isEmpty)
        #expect(!connection.ask(.register()).isEmpty, "and it can begin anew")
    }

    // MARK: Slots that are given up

    @Test func `B07 Of a slot that is given up calls end, registrations are put back elsewhere`() {
        var connection = Transcript()
        let registration = connection.register()
        _ = connection.call("up")
        _ = connection.ring(over: registration)
        _ = connection.ask(.call("new"), as: "new")
        _ = connection.ask(.candidates("up"), as: "trickle")
        let reason = "500 Worker lost"
        #expect(
            connection.slotAbandoned().withoutNews
                == refused("session-create", "worker lost", as: "new")
                + refused("session-trickle", "worker lost", as: "trickle")
                + [
                    .call("up", .terminated(reason: reason)), .call("in", .terminated(reason: reason)), .missed(),
                    renewal(),
                ])
        #expect(connection.renew() == [.startDeadline(request(6)), .findHome(6)])
        #expect(connection.located(6, at: 2) == [.forward(request(6), .registering(), to: slot(2))])
    }

    @Test func `R03 R04 A registration under way moves to the next home, and an end is reached`() {
        var connection = Transcript(accounts: [alice, bob, "carol@example.org"])
        let ended = connection.register(bob)
        let renewed = connection.register("carol@example.org")
        _ = connection.ask(.register(), as: "new")
        _ = connection.ask(.unregister(bob), as: "end")
        _ = connection.ask(.register("carol@example.org"), as: "again")
        #expect((ended, renewed) == (4, 5))
        #expect(
            connection.slotAbandoned().withoutNews
                == [.findHome(6), .ack("end"), .unclaim(nil, [account(bob)]), .findHome(8)])
        _ = connection.located(6, at: 2)
        #expect(
            connection.located(8, at: 2) == [.forward(request(8), .registering("carol@example.org"), to: slot(2))])
        #expect(connection.answered(8, by: 2) + connection.answered(6, by: 2) == [.ack("again"), .ack("new")])
        #expect(connection.machine.sessions(at: slot(2)) == [.test(6), .test(8)])
    }

    // MARK: Links

    @Test func `A call, a registration and a call that came in are listed, with what was told of them`() {
        var connection = Transcript()
        let registration = connection.register()
        let call = connection.call()
        _ = connection.told(call, .call(.progress))
        _ = connection.ring(over: registration)
        _ = connection.ask(.accept("in")) + connection.answered()
        _ = connection.ask(.register())
        connection.linkLost()
        let resync = connection.resync()
        #expect(
            resync.entries.map(\.told)
                == [
                    .registration(ToldRegistration(isAcked: true, stage: .registered)),
                    .call(registration: nil, ToldCall(isAcked: true, stage: .progress)),
                    .call(registration: request(registration), ToldCall(isAcked: true, isAnswered: true)),
                ])
        #expect(resync.repeats == ["5 again"])
    }

    @Test func `Requests wait until their own session is in sync`() {
        var connection = Transcript()
        let registration = connection.register()
        let call = connection.call()
        _ = connection.ring(over: registration)
        connection.linkLost()
        #expect(connection.ask(.candidates()) == [.startDeadline(request(4))])
        #expect(connection.ask(.accept("in")) == [.startDeadline(request(5))])
        #expect(connection.ask(.unregister()) == [.startDeadline(request(6))])
        #expect(connection.ask(.call("new")).withoutNews == [.startDeadline(request(7))])
        #expect(connection.resync().repeats == ["4", "5", "6", "7"])
        connection.linkLost()
        #expect(connection.ask(.removeAccount()).count == 3)
        #expect(connection.resync().repeats.count == 5)
        #expect(connection.ask(.candidates()) == [.startDeadline(request(9))])
        #expect(connection.resynced(registration).isEmpty)
        #expect(connection.resynced(call) == [.forward(request(9), .trickling(call), to: slot(1))])
        #expect(connection.ask(.hangUp("in")) == [.startDeadline(request(10))])
        #expect(
            connection.resynced(firstCall)
                == [.forward(request(10), .terminate(session: request(firstCall)), to: slot(1))])
    }

    @Test func `A registration that is gone when its link is back does not hold what was asked of it`() {
        var connection = Transcript()
        let registration = connection.register()
        connection.linkLost()
        _ = connection.resync()
        _ = connection.ask(.register())
        #expect(connection.told(registration, .registrationLost) == [.findHome(3, preferring: 1)])
        #expect(connection.located() == [.forward(request(3), .registering(), to: slot(1))])
    }
}
