import NIOCore
import Testing

@testable import Frontdoor

@Suite struct DrainStateMachineTests {
    private let time = TimeAmount.seconds(60)

    private func open(_ time: TimeAmount, loops: Int = 1) -> DrainStateMachine {
        var machine = DrainStateMachine(time: time, loops: loops)
        #expect(machine.mayOpen() == .open)
        #expect(machine.mayOpen() == .none, "once")
        return machine
    }

    @Test func `Without a time to drain a signal ends everything at once`() {
        var machine = open(.seconds(0))
        #expect(machine.signalled() == .end(.atOnce))
        #expect(machine.signalled() == .none)
        #expect(machine.handedOver() == .none)
        #expect(machine.superseded() == .none)
    }

    @Test func `A drain ends when the last loop has no client left`() {
        var machine = open(time, loops: 3)
        #expect(machine.signalled() == .drain(time))
        #expect(machine.loopEmptied() == .none)
        #expect(machine.loopEmptied() == .none)
        #expect(machine.loopEmptied() == .end(.drained))
        #expect(machine.deadlinePassed() == .none)
    }

    @Test func `A drain ends at the deadline`() {
        var machine = open(time, loops: 2)
        #expect(machine.deadlinePassed() == .none, "none runs")
        _ = machine.signalled()
        _ = machine.loopEmptied()
        #expect(machine.deadlinePassed() == .end(.deadline))
        #expect(machine.loopEmptied() == .none)
        #expect(machine.signalled() == .none)
    }

    @Test func `A second signal ends a drain`() {
        var machine = open(time)
        _ = machine.signalled()
        #expect(machine.signalled() == .end(.insisted))
    }

    @Test func `After a hand-over the first signal is expected, the second insists`() {
        var machine = open(time, loops: 2)
        #expect(machine.handedOver() == .drain(time))
        #expect(machine.handedOver() == .none)
        #expect(machine.signalled() == .none)
        #expect(machine.handedOver() == .none)
        #expect(machine.loopEmptied() == .none)
        #expect(machine.signalled() == .end(.insisted))
    }

    @Test func `A hand-over after a signal changes nothing`() {
        var machine = open(time)
        _ = machine.signalled()
        #expect(machine.handedOver() == .none)
        #expect(machine.loopEmptied() == .end(.drained))
    }

    @Test func `Who is superseded ends at once, whatever it was doing`() {
        var machine = open(time)
        #expect(machine.superseded() == .end(.superseded))
        machine = open(time)
        _ = machine.signalled()
        #expect(machine.superseded() == .end(.superseded))
        machine = DrainStateMachine(time: time, loops: 1)
        #expect(machine.superseded() == .end(.superseded))
    }

    @Test func `Who is told to end before it has opened does not open`() {
        var machine = DrainStateMachine(time: time, loops: 1)
        #expect(machine.signalled() == .drain(time))
        #expect(machine.mayOpen() == .none)
        #expect(machine.loopEmptied() == .end(.drained))
        #expect(machine.mayOpen() == .none)
    }
}
