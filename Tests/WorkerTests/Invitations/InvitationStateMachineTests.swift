import Identity
import Registry
import Testing

@testable import Worker

@Suite struct InvitationStateMachineTests {
    private let here = frontdoorLoop(1)
    private let there = frontdoorLoop(2)

    private func target(_ number: UInt64, _ owner: FrontdoorLoopID) -> ClaimedAccount {
        ClaimedAccount(account: account("bob@example.com"), connection: connection(number, of: owner))
    }

    @Test func `each front door gets its share, and the last to take it completes the request`() {
        let (one, two, three) = (target(1, here), target(1, there), target(2, here))
        var machine = InvitationStateMachine([one, two, three])
        let sent = machine.began { _ in true }
        #expect(sent == [.send([one, three], to: here), .send([two], to: there)])
        #expect(machine.acknowledged(by: there) == [])
        #expect(machine.acknowledged(by: here) == [.finish])
        #expect(machine.acknowledged(by: here) == [])
        #expect(machine.deadlinePassed() == [])
    }

    @Test func `nobody to invite is done at once`() {
        var machine = InvitationStateMachine([])
        let actions = machine.began { _ in true }
        #expect(actions == [.finish])
        #expect(machine.deadlinePassed() == [])
    }

    @Test func `a front door without a link gets its share with the next one`() {
        var machine = InvitationStateMachine([target(1, here), target(1, there)])
        let sent = machine.began { $0 == here }
        #expect(sent == [.send([target(1, here)], to: here)])
        #expect(machine.acknowledged(by: here) == [])
        #expect(machine.linkUp(there) == [.send([target(1, there)], to: there)])
        #expect(machine.linkUp(there) == [], "it is under way")
        #expect(machine.acknowledged(by: there) == [.finish])
    }

    @Test func `what was under way when a link was lost is sent again`() {
        var machine = InvitationStateMachine([target(1, here)])
        _ = machine.began { _ in true }
        machine.linkLost(here)
        machine.linkLost(there)
        #expect(machine.acknowledged(by: here) == [], "of a link that is gone")
        #expect(machine.linkUp(there) == [])
        #expect(machine.linkUp(here) == [.send([target(1, here)], to: here)])
        #expect(machine.acknowledged(by: here) == [.finish])
    }

    @Test func `who stays away is given up`() {
        var machine = InvitationStateMachine([target(1, here), target(1, there)])
        _ = machine.began { $0 == here }
        #expect(machine.deadlinePassed() == [.finish])
        #expect(machine.acknowledged(by: here) == [])
        #expect(machine.linkUp(there) == [])
    }

    @Test func `a large share goes out in parts, so that the link keeps up`() {
        let crowd = (1...UInt64(InvitationStateMachine.batch + 2)).map { target($0, here) }
        var machine = InvitationStateMachine(crowd)
        let sent = machine.began { _ in true }
        #expect(sent == [.send(Array(crowd.prefix(InvitationStateMachine.batch)), to: here)])
        let rest = Array(crowd.suffix(2))
        #expect(machine.acknowledged(by: here) == [.send(rest, to: here)])
        machine.linkLost(here)
        #expect(machine.linkUp(here) == [.send(rest, to: here)], "the first part has arrived")
        #expect(machine.acknowledged(by: here) == [.finish])
    }
}
