import NIOCore
import Registry
import Testing

@testable import Worker

@Suite struct SlotDrainTests {
    private final class World {
        let loop = TestLoop()
        var now = LeaseInstant(rawValue: 100_000)
        var load = 2
        var done: [String] = []
        private(set) lazy var drain = SlotDrain(loop: loop, logger: silentLogger) { [unowned self] in now }

        init() {
            drain.load = { [unowned self] in load }
            drain.refuseRooms = { [unowned self] in done.append($0 ? "refuse" : "take") }
            drain.endSessions = { [unowned self] in done.append("end: \($0)") }
            drain.giveUpSlot = { [unowned self] in done.append("give up") }
        }

        func pass(seconds: Int) {
            for _ in 0..<(4 * seconds) {
                now = now.advanced(byMilliseconds: 250)
                loop.advance(by: .milliseconds(250))
            }
        }
    }

    @Test func `from the order to the end`() {
        let world = World()
        defer { world.loop.end() }
        world.drain.ordered(SlotOrders(draining: true, drainUntil: world.now.advanced(byMilliseconds: 10_000)))
        world.pass(seconds: 9)
        #expect(world.done == ["refuse"])
        world.pass(seconds: 2)
        #expect(world.done == ["refuse", "end: 503 Worker drained"])
        world.load = 0
        world.pass(seconds: 2)
        #expect(world.done.last == "give up")
        world.pass(seconds: 60)
        #expect(world.done.count == 3)
    }

    @Test func `a drain that is cancelled is over`() {
        let world = World()
        defer { world.loop.end() }
        world.drain.ordered(SlotOrders(draining: true, drainUntil: world.now.advanced(byMilliseconds: 10_000)))
        world.pass(seconds: 5)
        world.drain.ordered(.serve)
        world.load = 0
        world.pass(seconds: 60)
        #expect(world.done == ["refuse", "take"])
    }

    @Test func `a worker that stops looks no more`() {
        let world = World()
        defer { world.loop.end() }
        world.drain.ordered(SlotOrders(draining: true))
        world.drain.stop()
        world.load = 0
        world.pass(seconds: 10)
        #expect(world.done == ["refuse"])
    }
}
