import Testing

@testable import Worker

@Suite struct WatchdogStateMachineTests {
    private var machine = WatchdogStateMachine(limit: 100)

    @Test mutating func `a process that has not begun to beat may take its time`() {
        #expect(machine.deadline == nil)
        #expect(machine.timerFired(at: 1_000_000) == .none)
        #expect(machine.state == .silent)
    }

    @Test mutating func `every beat puts the deadline off`() {
        machine.beaten(at: 50)
        #expect(machine.deadline == 150)
        machine.beaten(at: 140)
        #expect(machine.timerFired(at: 150) == .none)
        #expect(machine.timerFired(at: 239) == .none)
        #expect(machine.deadline == 240)
    }

    @Test mutating func `a beat that is overdue kills, once`() {
        machine.beaten(at: 0)
        #expect(machine.timerFired(at: 100) == .kill)
        #expect(machine.timerFired(at: 200) == .none)
        #expect(machine.deadline == nil)
    }

    @Test mutating func `a beat that comes after the end was decided saves nobody`() {
        machine.beaten(at: 0)
        #expect(machine.timerFired(at: 100) == .kill)
        machine.beaten(at: 101)
        #expect(machine.state == .overdue)
    }
}
