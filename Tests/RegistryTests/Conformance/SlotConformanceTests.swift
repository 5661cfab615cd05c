import Identity
import Registry
import Testing

@Suite("Slots, in any registry")
struct SlotConformanceTests {
    @Test(arguments: RegistryBackend.allCases)
    func `A slot that was taken is listed with what its holder said`(backend: RegistryBackend) throws {
        let store = try backend.makeRegistry().store()
        let incarnation = try store.takeSlot(
            try slot(2), endpoint: "ipc:///run/x", janus: "ws://janus", weight: 3, wallClock: 1000, lease: .soon)
        let row = try #require(try store.slots().first)
        #expect(incarnation == Incarnation(rawValue: 1000))
        #expect(
            row
                == SlotRow(
                    slot: try slot(2), incarnation: incarnation, endpoint: "ipc:///run/x", janus: "ws://janus",
                    leaseUntil: row.leaseUntil, load: 0, draining: false, weight: 3, servesJanus: false))
        #expect(row.leaseUntil > .now())
    }

    @Test(arguments: RegistryBackend.allCases)
    func `Slots are listed in order, whoever took them`(backend: RegistryBackend) throws {
        let registry = backend.makeRegistry()
        let (first, second) = (try registry.store(), try registry.store())
        _ = try second.take(try slot(2))
        _ = try first.take(try slot(1))
        #expect(try first.slots().map(\.slot.number) == [1, 2])
        #expect(try second.slots() == first.slots())
    }

    @Test(arguments: RegistryBackend.allCases)
    func `Every holder has a larger incarnation, though the wall clock steps back`(backend: RegistryBackend) throws {
        let store = try backend.makeRegistry().store()
        let first = try store.take(try slot(1), wallClock: 5000)
        let second = try store.take(try slot(1), wallClock: 10)
        let third = try store.take(try slot(1), wallClock: 9000)
        #expect(first.incarnation < second.incarnation && second.incarnation < third.incarnation)
        #expect(try store.slots().map(\.owner) == [third])
    }

    @Test(arguments: RegistryBackend.allCases)
    func `A renewal changes load, Janus and lease, and only those`(backend: RegistryBackend) throws {
        let store = try backend.makeRegistry().store()
        let owner = try store.take(try slot(1))
        let before = try #require(try store.slots().first)
        try store.renewSlot(owner, load: 17, servesJanus: true, lease: .soon.advanced(byMilliseconds: 60_000))
        var after = try #require(try store.slots().first)
        #expect(after.load == 17 && after.servesJanus && after.leaseUntil > before.leaseUntil)
        (after.load, after.servesJanus, after.leaseUntil) = (before.load, before.servesJanus, before.leaseUntil)
        #expect(after == before)
    }

    @Test(arguments: RegistryBackend.allCases)
    func `A superseded holder can write nothing at all`(backend: RegistryBackend) throws {
        let registry = backend.makeRegistry()
        let (old, new) = (try registry.store(), try registry.store())
        let before = try old.take(try slot(1))
        let room = claim(try uri("dev"), by: before)
        #expect(try old.claimRoom(room) == .claimed)
        try old.recordSession(try publisher(try session(1), on: before.slot), owner: before)
        _ = try new.take(try slot(1))
        let (slots, rooms, sessions) = (
            try new.slots(), try new.rooms(of: before.slot), try new.sessions(of: before.slot)
        )

        let writes: [(any RegistryStore) throws -> Void] = [
            { try $0.renewSlot(before, load: 1, servesJanus: true, lease: .soon) },
            { try $0.releaseSlot(before) },
            { try $0.freeAbandonedSlot(before) },
            { _ = try $0.claimRoom(claim(try uri("other"), by: before)) },
            { _ = try $0.claimRoom(room) },
            { try $0.roomCreated(room.uri, owner: before, janusRoom: room.janusRoom) },
            {
                try $0.configureRoom(
                    room.uri, owner: before, janusRoom: room.janusRoom, activeParticipants: ["a"], originator: nil,
                    version: 1, by: [])
            },
            { try $0.roomDestroying(room.uri, owner: before, janusRoom: room.janusRoom) },
            { try $0.releaseRoom(room.uri, owner: before, janusRoom: room.janusRoom) },
            { try $0.recordSession(try publisher(try session(2), on: before.slot), owner: before) },
            { try $0.recordHandles([(try session(1), JanusHandleID(rawValue: 5))], owner: before) },
            { try $0.markEnded(try session(1), owner: before) },
            { try $0.deleteSessions([try session(1)], owner: before) },
            { try $0.restoreSlot(try #require(slots.first).with(before.incarnation)) },
        ]
        for write in writes {
            #expect(throws: RegistryError.superseded) { try write(old) }
        }
        #expect(try new.slots() == slots)
        #expect(try new.rooms(of: before.slot) == rooms)
        #expect(try new.sessions(of: before.slot) == sessions)
    }

    @Test(arguments: RegistryBackend.allCases)
    func `Rooms and sessions go to the next holder of their slot`(backend: RegistryBackend) throws {
        let store = try backend.makeRegistry().store()
        let (before, neighbour) = (try store.take(try slot(1)), try store.take(try slot(2)))
        #expect(try store.claimRoom(claim(try uri("dev"), by: before)) == .claimed)
        #expect(try store.claimRoom(claim(try uri("ops"), by: neighbour)) == .claimed)
        try store.recordSession(try publisher(try session(1), on: before.slot), owner: before)
        let after = try store.take(try slot(1))
        #expect(try store.room(try uri("dev")) == claim(try uri("dev"), by: after))
        #expect(try store.room(try uri("ops"))?.owner == neighbour)
        #expect(try store.claimRoom(claim(try uri("dev"), by: after)) == .claimed)
        #expect(try store.sessions(of: after.slot).map(\.id) == [try session(1)])
    }

    @Test(arguments: RegistryBackend.allCases)
    func `A released slot keeps its row, its rooms and its incarnation`(backend: RegistryBackend) throws {
        let store = try backend.makeRegistry().store()
        let owner = try store.take(try slot(1), wallClock: 700)
        #expect(try store.claimRoom(claim(try uri("dev"), by: owner)) == .claimed)
        let before = LeaseInstant.now()
        try store.releaseSlot(owner)
        let lease = try #require(try store.slots().first).leaseUntil
        #expect(lease >= before && lease <= .now(), "it counts from its release")
        #expect(try store.slots().map(\.owner) == [owner])
        #expect(try store.rooms(of: owner.slot).count == 1)
        #expect(try store.take(try slot(1), wallClock: 3).incarnation > owner.incarnation)
    }

    @Test(arguments: RegistryBackend.allCases)
    func `A holder whose row was lost is unavailable, not superseded, until it puts it back`(
        backend: RegistryBackend
    ) throws {
        let remembered = try {
            let store = try backend.makeRegistry().store()
            _ = try store.take(try slot(1), wallClock: 4711)
            return try #require(try store.slots().first)
        }()
        let store = try backend.makeRegistry().store()
        let unavailable = RegistryError.unavailable("the registry has no row of slot host1/1")
        #expect(throws: unavailable) {
            try store.renewSlot(remembered.owner, load: 1, servesJanus: true, lease: .soon)
        }
        #expect(throws: unavailable) { try store.claimRoom(claim(try uri("dev"), by: remembered.owner)) }
        for _ in 1...2 {
            try store.restoreSlot(remembered)
            #expect(try store.slots().map(\.owner) == [remembered.owner])
        }
        try store.renewSlot(remembered.owner, load: 1, servesJanus: true, lease: .soon)
        #expect(try store.claimRoom(claim(try uri("dev"), by: remembered.owner)) == .claimed)
    }
}

extension SlotConformanceTests {
    @Test(arguments: RegistryBackend.allCases)
    func `A registry that knows an earlier holder only is behind, and today's puts its row back`(
        backend: RegistryBackend
    ) throws {
        let store = try backend.makeRegistry().store()
        let before = try store.take(try slot(1), wallClock: 7)
        #expect(try store.claimRoom(claim(try uri("dev"), by: before)) == .claimed)
        var row = try #require(try store.slots().first)
        row.incarnation = Incarnation(rawValue: 9)
        let behind = RegistryError.unavailable("the registry knows an earlier holder of slot host1/1 only")
        #expect(throws: behind) { try store.renewSlot(row.owner, load: 1, servesJanus: true, lease: .soon) }
        #expect(throws: behind) { try store.releaseSlot(row.owner) }
        try store.restoreSlot(row)
        try store.renewSlot(row.owner, load: 1, servesJanus: true, lease: .soon)
        #expect(try store.room(try uri("dev"))?.owner == row.owner)
        #expect(throws: RegistryError.superseded) { try store.releaseSlot(before) }
    }
}

extension SlotRow {
    fileprivate func with(_ incarnation: Incarnation) -> SlotRow {
        var row = self
        row.incarnation = incarnation
        return row
    }
}
