import Registry
import Testing

@testable import Worker

@Suite struct DrainStateMachineTests {
    private var machine = DrainStateMachine()

    private func at(_ milliseconds: UInt64) -> LeaseInstant { LeaseInstant(rawValue: milliseconds) }

    private func drain(until deadline: UInt64? = nil) -> SlotOrders {
        SlotOrders(draining: true, drainUntil: deadline.map(at))
    }

    private let end = DrainStateMachine.LookAction.endSessions(reason: "503 Worker drained")

    @Test mutating func `nothing ordered is nothing done`() {
        #expect(machine.ordered(.serve) == .none)
        #expect(machine.looked(load: 0, at: at(100)) == .none)
        #expect(machine.looked(load: 5, at: at(1_000_000)) == .none)
    }

    @Test mutating func `new rooms are refused, what is there goes on, and the empty slot is given up`() {
        #expect(machine.ordered(drain()) == .refuseRooms(true))
        #expect(machine.ordered(drain()) == .none)
        #expect(machine.looked(load: 3, at: at(1000)) == .none)
        #expect(machine.looked(load: 3, at: at(900_000)) == .none)
        #expect(machine.looked(load: 0, at: at(901_000)) == .none)
        #expect(machine.looked(load: 0, at: at(901_999)) == .none)
        #expect(machine.looked(load: 0, at: at(902_000)) == .giveUpSlot)
        #expect(machine.looked(load: 0, at: at(903_000)) == .none)
        #expect(machine.state == .givenUp)
    }

    @Test mutating func `at the deadline what is left is ended, and asked for again when it stays`() {
        #expect(machine.ordered(drain(until: 5000)) == .refuseRooms(true))
        #expect(machine.looked(load: 3, at: at(4999)) == .none)
        #expect(machine.looked(load: 3, at: at(5000)) == end)
        #expect(machine.looked(load: 2, at: at(6000)) == .none)
        #expect(machine.looked(load: 1, at: at(10_000)) == end)
        #expect(machine.looked(load: 0, at: at(11_000)) == .none)
        #expect(machine.looked(load: 0, at: at(12_000)) == .giveUpSlot)
    }

    @Test mutating func `a deadline of an earlier boot is past`() {
        _ = machine.ordered(SlotOrders(draining: true, drainUntil: .over))
        #expect(machine.looked(load: 1, at: at(0)) == end)
    }

    @Test mutating func `the deadline may be changed, or taken away`() {
        _ = machine.ordered(drain(until: 5000))
        #expect(machine.ordered(drain(until: 9000)) == .none)
        #expect(machine.looked(load: 1, at: at(5000)) == .none)
        #expect(machine.ordered(drain()) == .none)
        #expect(machine.looked(load: 1, at: at(100_000)) == .none)
        #expect(machine.ordered(drain(until: 100)) == .none)
        #expect(machine.looked(load: 1, at: at(100_001)) == end)
    }

    @Test(arguments: [0, 1, 2, 3])
    func `it can be cancelled at any time before the slot is given up`(looks: Int) {
        var machine = DrainStateMachine()
        _ = machine.ordered(drain(until: 1000))
        let course: [(Int, UInt64)] = [(2, 500), (2, 1000), (0, 1500)]
        for (load, time) in course.prefix(looks) { _ = machine.looked(load: load, at: at(time)) }
        #expect(machine.ordered(.serve) == .refuseRooms(false))
        #expect(machine.looked(load: 0, at: at(100_000)) == .none)
        #expect(machine.looked(load: 2, at: at(100_000)) == .none)
        #expect(machine.ordered(drain()) == .refuseRooms(true))
    }

    @Test mutating func `somebody who comes into the last room keeps the slot from being given up`() {
        _ = machine.ordered(drain(until: 5000))
        #expect(machine.looked(load: 0, at: at(1000)) == .none)
        #expect(machine.looked(load: 2, at: at(1500)) == .none)
        #expect(machine.looked(load: 2, at: at(4000)) == .none)
        #expect(machine.looked(load: 2, at: at(5000)) == end)
    }

    @Test mutating func `orders for a slot that was given up are another holder's`() {
        _ = machine.ordered(drain())
        _ = machine.looked(load: 0, at: at(0))
        #expect(machine.looked(load: 0, at: at(1000)) == .giveUpSlot)
        #expect(machine.ordered(.serve) == .none)
        #expect(machine.ordered(drain()) == .none)
    }
}
