import Identity
import NIOCore
import Testing

@testable import Bus

@Suite struct RouterLinkStateMachineTests {
    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000)
    private let frontdoor = Incarnation(rawValue: 100)
    private let worker = Incarnation(rawValue: 200)

    private func fresh() throws -> RouterLinkStateMachine {
        let owner = FrontdoorLoopID(frontdoor: try #require(FrontdoorID(1)), incarnation: frontdoor, loop: 0)
        return RouterLinkStateMachine(worker: worker, peer: RoutingID(owner: owner, link: 7))
    }

    private func fromFrontdoor(
        _ kind: MessageKind, _ sequence: UInt64, acknowledged: UInt64 = 0, source: UInt64 = 100,
        destination: UInt64 = 200,
        link: UInt32 = 7
    ) -> Envelope {
        Envelope(
            kind: kind, source: Incarnation(rawValue: source), destination: Incarnation(rawValue: destination),
            link: link,
            sequence: sequence, acknowledged: acknowledged)
    }

    private func greeting() throws -> RouterLinkStateMachine {
        var machine = try fresh()
        #expect(machine.probed(at: start) == .sendHello)
        #expect(machine.stamp(.hello).sequence == 1)
        return machine
    }

    private func open() throws -> RouterLinkStateMachine {
        var machine = try greeting()
        #expect(machine.received(fromFrontdoor(.list, 1, acknowledged: 1), at: start) == .deliver)
        return machine
    }

    private func dead() throws -> RouterLinkStateMachine {
        var machine = try open()
        machine.closed()
        return machine
    }

    // MARK: The good case

    @Test func `a link is probed, greeted, listed and works`() throws {
        var machine = try fresh()
        #expect(machine.probed(at: start) == .sendHello)
        #expect(
            machine.stamp(.hello)
                == Envelope(
                    kind: .hello, source: worker, destination: frontdoor, link: 7, sequence: 1, acknowledged: 0))
        #expect(!machine.isUp)
        #expect(machine.received(fromFrontdoor(.list, 1, acknowledged: 1), at: start) == .deliver)
        #expect(machine.isUp)
        #expect(machine.received(fromFrontdoor(.list, 2, acknowledged: 1), at: start) == .deliver)
        #expect(machine.received(fromFrontdoor(.request, 3, acknowledged: 1), at: start) == .deliver)
        #expect(machine.acknowledgedByPeer == 1)
        let request = RequestSequence(rawValue: 4)
        #expect(
            machine.stamp(.answer, request: request)
                == Envelope(
                    kind: .answer, source: worker, destination: frontdoor, link: 7, sequence: 2, acknowledged: 3,
                    request: request))
    }

    // MARK: Unprobed

    @Test func `before the probe nothing can be for us`() throws {
        for kind in MessageKind.allCases {
            var machine = try fresh()
            #expect(machine.received(fromFrontdoor(kind, 1), at: start) == .giveUp(.violation(kind)))
        }
        var machine = try fresh()
        #expect(machine.received(fromFrontdoor(.list, 1, destination: 199), at: start) == .discard(.otherIncarnation))
        #expect(machine.received(fromFrontdoor(.list, 1, link: 8), at: start) == .discard(.otherLink))
        #expect(machine.timerFired(at: start + .hours(1)) == .none)
        #expect(machine.probed(at: start) == .sendHello)
    }

    // MARK: Greeting

    @Test func `before the list everything but heartbeats ends the link`() throws {
        for kind in MessageKind.allCases where kind != .list && kind != .heartbeat {
            var machine = try greeting()
            #expect(machine.received(fromFrontdoor(kind, 1), at: start) == .giveUp(.violation(kind)))
        }
        var machine = try greeting()
        #expect(machine.received(fromFrontdoor(.heartbeat, 1), at: start) == .deliver)
        #expect(machine.received(fromFrontdoor(.unrecognized, 2), at: start) == .deliver, "a newer front door's")
        #expect(!machine.isUp)
        #expect(machine.received(fromFrontdoor(.list, 3), at: start) == .deliver)
        #expect(machine.isUp)
    }

    @Test func `what was meant for the predecessor is not ours`() throws {
        var machine = try greeting()
        #expect(
            machine.received(fromFrontdoor(.request, 57, destination: 199), at: start) == .discard(.otherIncarnation))
        #expect(machine.received(fromFrontdoor(.list, 1), at: start) == .deliver)
    }

    @Test func `the hello can be repeated by nobody, and without it the link is dead`() throws {
        var machine = try fresh()
        #expect(machine.probed(at: start) == .sendHello)
        machine.notSent(machine.stamp(.hello))
        #expect(machine.timerFired(at: start + .seconds(1)) == .none)
        #expect(machine.received(fromFrontdoor(.list, 1), at: start) == .discard(.linkDead))
        #expect(machine.probed(at: start) == .ignore)
    }

    @Test func `a front door that never sends its list is given up in silence`() throws {
        var machine = try greeting()
        #expect(machine.timerFired(at: start + .milliseconds(500)) == .sendHeartbeat)
        #expect(machine.stamp(.heartbeat).sequence == 2)
        #expect(machine.timerFired(at: start + .seconds(3)) == .giveUp(.silent))
        #expect(machine.timerFired(at: start + .seconds(4)) == .none)
    }

    // MARK: Open

    @Test func `every kind of a front door is delivered in order`() throws {
        var machine = try open()
        var sequence: UInt64 = 1
        for kind in MessageKind.allCases where kind != .hello {
            sequence += 1
            #expect(machine.received(fromFrontdoor(kind, sequence, acknowledged: 1), at: start) == .deliver)
        }
        #expect(
            machine.received(fromFrontdoor(.hello, sequence + 1, acknowledged: 1), at: start)
                == .giveUp(.violation(.hello)))
        #expect(!machine.isUp)
    }

    @Test(arguments: [UInt64(0), 1, 3, .max]) func `any number but the next is a gap`(sequence: UInt64) throws {
        var machine = try open()
        #expect(
            machine.received(fromFrontdoor(.request, sequence), at: start)
                == .giveUp(.gap(expected: 2, received: sequence)))
        #expect(machine.received(fromFrontdoor(.request, 2), at: start) == .discard(.linkDead))
    }

    @Test func `another life, another destination, another link are not ours and change nothing`() throws {
        var machine = try open()
        #expect(machine.received(fromFrontdoor(.request, 2, source: 99), at: start) == .discard(.otherIncarnation))
        #expect(machine.received(fromFrontdoor(.request, 2, destination: 0), at: start) == .discard(.otherIncarnation))
        #expect(machine.received(fromFrontdoor(.request, 2, link: 6), at: start) == .discard(.otherLink))
        #expect(machine.received(fromFrontdoor(.request, 2, acknowledged: 1), at: start) == .deliver)
    }

    @Test func `another probe is a loss, and a new machine takes it up`() throws {
        for state in [try greeting(), try open()] {
            var machine = state
            #expect(machine.probed(at: start) == .giveUp(.reconnected))
            #expect(machine.probed(at: start) == .ignore)
            #expect(machine.received(fromFrontdoor(.request, 2), at: start) == .discard(.linkDead))
        }
        var dealer = DealerLinkStateMachine(frontdoor: frontdoor, link: 7, openedAt: start)
        var first = try fresh()
        #expect(first.probed(at: start) == .sendHello)
        #expect(dealer.received(first.stamp(.hello), at: start) == .sendList(worker: worker))
        #expect(first.probed(at: start) == .giveUp(.reconnected))
        var second = try fresh()
        #expect(second.probed(at: start) == .sendHello)
        #expect(dealer.received(second.stamp(.hello), at: start) == .giveUp(.secondHello(worker)))
    }

    @Test func `acknowledgements only grow, and never beyond what was sent`() throws {
        var machine = try open()
        #expect(
            machine.received(fromFrontdoor(.request, 2, acknowledged: 2), at: start) == .giveUp(.violation(.request)))
        machine = try open()
        #expect(
            machine.received(fromFrontdoor(.request, 2, acknowledged: 0), at: start) == .giveUp(.violation(.request)))
        #expect(machine.acknowledgedByPeer == 1)
    }

    @Test func `heartbeats go out on time and three seconds of silence end the link`() throws {
        var machine = try open()
        let heard = start + .seconds(2)
        #expect(machine.received(fromFrontdoor(.heartbeat, 2, acknowledged: 1), at: heard) == .deliver)
        #expect(machine.timerFired(at: heard) == .sendHeartbeat)
        #expect(machine.stamp(.heartbeat).acknowledged == 2)
        #expect(machine.timerFired(at: heard + .milliseconds(499)) == .none)
        #expect(machine.timerFired(at: heard + .milliseconds(2_999)) == .sendHeartbeat)
        #expect(machine.timerFired(at: heard + .seconds(3)) == .giveUp(.silent))
        #expect(!machine.isUp)
    }

    @Test func `a message that could not be sent leaves no gap`() throws {
        var machine = try open()
        let event = machine.stamp(.event)
        machine.notSent(event)
        #expect(machine.stamp(.answer).sequence == event.sequence)
    }

    // MARK: Dead

    @Test func `a dead link stays dead`() throws {
        var machine = try dead()
        for kind in MessageKind.allCases {
            #expect(machine.received(fromFrontdoor(kind, 2), at: start) == .discard(.linkDead))
        }
        #expect(machine.probed(at: start) == .ignore)
        #expect(machine.timerFired(at: start + .hours(1)) == .none)
        #expect(machine.acknowledgedByPeer == 1)
    }
}
