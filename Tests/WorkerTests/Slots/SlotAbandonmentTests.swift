import Identity
import NIOCore
import Registry
import Testing

@testable import Worker

@Suite struct SlotAbandonmentTests {
    private final class World {
        let loop = TestLoop()
        let directory = TemporaryDirectory()
        let registry: RegistryThread
        let abandonment: SlotAbandonment
        var destroyed: [[JanusRoomID]] = []
        var done: [() -> Void] = []

        init() {
            let path = "\(directory.path)/registry.sqlite"
            registry = RegistryThread(label: "test registry", logger: silentLogger) { () throws(RegistryError) in
                try SQLiteRegistryStore(path: path)
            }
            abandonment = SlotAbandonment(
                janus: "ws://fake:1/", registry: LoopRegistry(registry, loop: loop), loop: loop, logger: silentLogger)
            abandonment.own = { slot }
            abandonment.destroyRooms = { [unowned self] rooms, done in
                destroyed.append(rooms)
                self.done.append(done)
            }
        }

        /// A slot with a room and a session, whose lease has been over for so many milliseconds.
        func lose(_ number: Int, since age: Int = 46_000, janus: String = "ws://fake:1/") throws {
            let slot = sample(SlotID("host1/\(number)"))
            let row = SessionRow(
                id: session(UInt64(number)), slot: slot, clientSession: client("a"), account: account("a@x.com"),
                role: .publisher)
            try registry.read { store throws(RegistryError) in
                let incarnation = try store.takeSlot(
                    slot, endpoint: "test", janus: janus, weight: 1, wallClock: 1,
                    lease: LeaseInstant.now().advanced(byMilliseconds: -age))
                let owner = RoomOwner(slot: slot, incarnation: incarnation)
                let claim = RoomRow(
                    uri: room("r\(number)@x.com"), owner: owner, janusRoom: JanusRoomID(rawValue: UInt64(number)),
                    configuration: "{}")
                _ = try store.claimRoom(claim)
                try store.recordSession(row, owner: owner)
            }.get()
        }

        func look() {
            loop.advance(by: .seconds(5))
            loop.settle(registry)
        }

        /// "1 abandoned 0 rooms 0 sessions", for each slot.
        func found() throws -> [String] {
            try registry.read { store throws(RegistryError) in
                let usage = try store.slotUsage()
                return try store.slots().map { row in
                    let usage = usage[row.slot] ?? SlotUsage()
                    let state = row.isAbandoned ? "abandoned" : "held"
                    return "\(row.slot.number) \(state) \(usage.rooms) rooms \(usage.sessions) sessions"
                }
            }.get()
        }
    }

    private func run(_ test: (World) throws -> Void) throws {
        let world = World()
        defer {
            world.abandonment.stop()
            world.loop.end()
            world.registry.stop()
        }
        world.abandonment.start()
        try test(world)
    }

    @Test func `a lost slot is given up: its rooms go from Janus, then its rows`() throws {
        try run { world in
            try world.lose(2)
            world.look()
            #expect(world.destroyed == [[JanusRoomID(rawValue: 2)]])
            #expect(try world.found() == ["2 abandoned 1 rooms 1 sessions"])
            world.done[0]()
            world.loop.settle(world.registry)
            #expect(try world.found() == ["2 abandoned 0 rooms 0 sessions"])
            world.look()
            #expect(world.destroyed.count == 1)
        }
    }

    @Test func `the worker's own slot, and those that live or were lost just now, are left alone`() throws {
        try run { world in
            try world.lose(1)
            try world.lose(2, since: 30_000)
            try world.lose(3, since: -4000)
            world.look()
            #expect(try world.found().allSatisfy { $0.contains("held 1 rooms 1 sessions") })
            #expect(world.destroyed == [])
        }
    }

    @Test func `rooms in somebody else's Janus are not looked for in ours`() throws {
        try run { world in
            try world.lose(2, janus: "ws://elsewhere:1/")
            world.look()
            #expect(world.destroyed == [])
            #expect(try world.found() == ["2 abandoned 0 rooms 0 sessions"])
        }
    }

    @Test func `a slot that somebody takes meanwhile keeps its rows`() throws {
        try run { world in
            try world.lose(2)
            world.look()
            _ = try takeSlot(sample(SlotID("host1/2")), world.registry)
            world.done[0]()
            world.loop.settle(world.registry)
            #expect(try world.found() == ["2 held 1 rooms 1 sessions"])
        }
    }

    @Test func `several are given up one beside the other, and it goes on looking`() throws {
        try run { world in
            try world.lose(2)
            try world.lose(3)
            world.look()
            #expect(world.destroyed.count == 2)
            try world.lose(4)
            world.look()
            #expect(world.destroyed.count == 3)
        }
    }

    @Test func `a stopped worker gives nobody up`() throws {
        try run { world in
            try world.lose(2)
            world.abandonment.stop()
            world.look()
            #expect(try world.found() == ["2 held 1 rooms 1 sessions"])
        }
    }

    @Test func `what was given up and not cleared away is given up again after the same time`() throws {
        let now = LeaseInstant(rawValue: 1_000_000)
        let row = SlotRow(
            slot: sample(SlotID("host1/2")), incarnation: Incarnation(rawValue: 1), endpoint: "", janus: "j",
            leaseUntil: now.advanced(byMilliseconds: -45_000), load: 0, draining: false, weight: 1, servesJanus: false)
        func overdue(_ usage: SlotUsage?, at now: LeaseInstant) -> Int {
            SlotAbandonment.overdue([row], usage: usage.map { [row.slot: $0] } ?? [:], own: slot, at: now).count
        }
        #expect(overdue(SlotUsage(rooms: 1), at: now) == 1)
        #expect(overdue(SlotUsage(rooms: 1), at: now.advanced(byMilliseconds: -1)) == 0)
        #expect(overdue(nil, at: now) == 0)
    }
}
