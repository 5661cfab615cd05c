import Identity
import NIOCore
import Testing

@testable import Bus

/// Each test drives the machine into one state and shows it one kind of input.
@Suite struct DealerLinkStateMachineTests {
    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000)
    private let frontdoor = Incarnation(rawValue: 100)
    private let worker = Incarnation(rawValue: 200)

    private func fresh() -> DealerLinkStateMachine {
        DealerLinkStateMachine(frontdoor: frontdoor, link: 7, openedAt: start)
    }

    private func fromWorker(
        _ kind: MessageKind, _ sequence: UInt64, acknowledged: UInt64 = 0, source: UInt64 = 200,
        destination: UInt64 = 100,
        link: UInt32 = 7
    ) -> Envelope {
        Envelope(
            kind: kind, source: Incarnation(rawValue: source), destination: Incarnation(rawValue: destination),
            link: link,
            sequence: sequence, acknowledged: acknowledged)
    }

    private func greeted() -> DealerLinkStateMachine {
        var machine = fresh()
        #expect(machine.received(fromWorker(.hello, 1), at: start) == .sendList(worker: worker))
        return machine
    }

    private func resyncing() -> DealerLinkStateMachine {
        var machine = greeted()
        #expect(machine.stamp(.list).sequence == 1)
        return machine
    }

    private func dead() -> DealerLinkStateMachine {
        var machine = resyncing()
        machine.closed()
        return machine
    }

    // MARK: The good case

    @Test func `a link comes up, resyncs and works`() throws {
        var machine = fresh()
        #expect(!machine.isUp)
        #expect(machine.worker == nil)

        #expect(machine.received(fromWorker(.hello, 1), at: start) == .sendList(worker: worker))
        #expect(machine.isUp)
        #expect(machine.worker == worker)

        #expect(
            machine.stamp(.list)
                == Envelope(
                    kind: .list, source: frontdoor, destination: worker, link: 7, sequence: 1, acknowledged: 1))
        #expect(machine.received(fromWorker(.answer, 2, acknowledged: 1), at: start) == .deliver)
        #expect(machine.received(fromWorker(.resynced, 3, acknowledged: 1), at: start) == .deliver)
        #expect(machine.acknowledgedByPeer == 1)

        let connection = ConnectionID(
            owner: FrontdoorLoopID(frontdoor: try #require(FrontdoorID(1)), incarnation: frontdoor, loop: 0), number: 5)
        let request = RequestSequence(rawValue: 9)
        #expect(
            machine.stamp(.request, connection: connection, request: request, deadline: 30_000, isRepeat: true)
                == Envelope(
                    kind: .request, source: frontdoor, destination: worker, link: 7, sequence: 2, acknowledged: 3,
                    connection: connection, request: request, deadline: 30_000, isRepeat: true))
        #expect(machine.received(fromWorker(.answer, 4, acknowledged: 2), at: start) == .deliver)
        #expect(machine.acknowledgedByPeer == 2)
    }

    // MARK: Connecting

    @Test func `before the hello everything else ends the link`() {
        for kind in MessageKind.allCases where kind != .hello {
            var machine = fresh()
            #expect(machine.received(fromWorker(kind, 1), at: start) == .giveUp(.violation(kind)))
            #expect(!machine.isUp)
        }
        var machine = fresh()
        #expect(
            machine.received(fromWorker(.event, 2), at: start) == .giveUp(.gap(expected: 1, received: 2)),
            "the hello was lost")
    }

    @Test func `a hello for somebody else is not ours`() {
        var machine = fresh()
        #expect(machine.received(fromWorker(.hello, 1, destination: 99), at: start) == .discard(.otherIncarnation))
        #expect(machine.received(fromWorker(.hello, 1, link: 6), at: start) == .discard(.otherLink))
        #expect(machine.received(fromWorker(.hello, 1), at: start) == .sendList(worker: worker))
    }

    @Test func `a hello without a life or with an impossible acknowledgement ends the link`() {
        var machine = fresh()
        #expect(machine.received(fromWorker(.hello, 1, source: 0), at: start) == .giveUp(.violation(.hello)))
        machine = fresh()
        #expect(machine.received(fromWorker(.hello, 1, acknowledged: 1), at: start) == .giveUp(.violation(.hello)))
    }

    @Test func `a worker that is not there yet is waited for, but not for ever`() {
        var machine = fresh()
        #expect(machine.timerFired(at: start + .seconds(3)) == .none)
        #expect(machine.timerFired(at: start + .milliseconds(4_999)) == .none)
        #expect(machine.timerFired(at: start + .seconds(5)) == .giveUp(.noHello))
        #expect(machine.timerFired(at: start + .seconds(6)) == .none)
    }

    @Test func `closing while connecting is the end`() {
        var machine = fresh()
        machine.closed()
        #expect(machine.received(fromWorker(.hello, 1), at: start) == .discard(.linkDead))
        #expect(machine.worker == nil)
    }

    // MARK: Up

    @Test func `every kind of a worker is delivered in order`() {
        var machine = resyncing()
        var sequence: UInt64 = 1
        for kind in MessageKind.allCases where kind != .hello && kind != .list {
            sequence += 1
            #expect(machine.received(fromWorker(kind, sequence), at: start) == .deliver)
        }
        #expect(machine.received(fromWorker(.list, sequence + 1), at: start) == .giveUp(.violation(.list)))
    }

    @Test(arguments: [UInt64(0), 1, 3, .max]) func `any number but the next is a gap`(sequence: UInt64) {
        var machine = resyncing()
        #expect(
            machine.received(fromWorker(.event, sequence), at: start) == .giveUp(.gap(expected: 2, received: sequence)))
        #expect(!machine.isUp)
        #expect(machine.received(fromWorker(.event, 2), at: start) == .discard(.linkDead))
    }

    @Test func `another life, another destination, another link are not ours and change nothing`() {
        var machine = resyncing()
        #expect(machine.received(fromWorker(.event, 2, source: 199), at: start) == .discard(.otherIncarnation))
        #expect(machine.received(fromWorker(.event, 2, destination: 101), at: start) == .discard(.otherIncarnation))
        #expect(machine.received(fromWorker(.event, 2, link: 6), at: start) == .discard(.otherLink))
        #expect(machine.received(fromWorker(.hello, 1, link: 6), at: start) == .discard(.otherLink))
        #expect(machine.received(fromWorker(.event, 2), at: start) == .deliver)
    }

    @Test func `a second hello ends the link, whoever says it`() {
        var machine = resyncing()
        #expect(
            machine.received(fromWorker(.hello, 1, source: 201), at: start)
                == .giveUp(.secondHello(Incarnation(rawValue: 201))))
        machine = greeted()
        #expect(machine.received(fromWorker(.hello, 2), at: start) == .giveUp(.secondHello(worker)))
        #expect(machine.worker == worker, "the life whose link was lost stays known")
    }

    @Test func `acknowledgements only grow, and never beyond what was sent`() {
        var machine = resyncing()
        #expect(machine.received(fromWorker(.event, 2, acknowledged: 2), at: start) == .giveUp(.violation(.event)))
        machine = resyncing()
        #expect(machine.received(fromWorker(.event, 2, acknowledged: 1), at: start) == .deliver)
        #expect(machine.received(fromWorker(.event, 3, acknowledged: 0), at: start) == .giveUp(.violation(.event)))
        #expect(machine.acknowledgedByPeer == 1)
    }

    @Test func `heartbeats may come before the list and are numbered like everything`() {
        var machine = greeted()
        #expect(machine.timerFired(at: start + .milliseconds(499)) == .none)
        #expect(machine.timerFired(at: start + .milliseconds(500)) == .sendHeartbeat)
        #expect(machine.stamp(.heartbeat).sequence == 1)
        #expect(machine.stamp(.list).sequence == 2)
        #expect(machine.stamp(.list).sequence == 3)
        #expect(machine.timerFired(at: start + .milliseconds(999)) == .none)
        #expect(machine.timerFired(at: start + .milliseconds(1_000)) == .sendHeartbeat)
        #expect(machine.stamp(.heartbeat).sequence == 4)
    }

    @Test func `three seconds of silence end the link`() {
        var machine = resyncing()
        let heard = start + .seconds(2)
        #expect(machine.received(fromWorker(.heartbeat, 2), at: heard) == .deliver)
        #expect(
            machine.received(fromWorker(.event, 3, source: 1), at: heard + .seconds(1)) == .discard(.otherIncarnation))
        #expect(machine.timerFired(at: heard + .milliseconds(2_999)) == .sendHeartbeat)
        #expect(machine.timerFired(at: heard + .seconds(3)) == .giveUp(.silent))
        #expect(!machine.isUp)
    }

    @Test func `a message that could not be sent leaves no gap`() {
        var machine = greeted()
        machine.notSent(machine.stamp(.list))
        #expect(machine.stamp(.list).sequence == 1, "it may be tried again, and still comes first")
        let request = machine.stamp(.request)
        machine.notSent(request)
        #expect(machine.stamp(.heartbeat).sequence == request.sequence)
        #expect(machine.received(fromWorker(.answer, 2, acknowledged: 2), at: start) == .deliver)
    }

    // MARK: Dead

    @Test func `a dead link stays dead`() {
        var machine = dead()
        for kind in MessageKind.allCases {
            #expect(machine.received(fromWorker(kind, 2), at: start) == .discard(.linkDead))
            #expect(machine.received(fromWorker(kind, 9, source: 1, link: 1), at: start) == .discard(.linkDead))
        }
        #expect(machine.timerFired(at: start + .hours(1)) == .none)
        machine.closed()
        #expect(!machine.isUp)
    }
}
