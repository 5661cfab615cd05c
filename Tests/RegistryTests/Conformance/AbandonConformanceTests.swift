import Identity
import Registry
import Testing

@Suite("Slots given up, in any registry")
struct AbandonConformanceTests {
    /// A slot whose lease has been over for so many milliseconds, with a room and a session.
    private func lost(_ store: any RegistryStore, _ number: Int = 1, since age: Int = 46_000) throws -> RoomOwner {
        let slot = try slot(number)
        let incarnation = try store.takeSlot(
            slot, endpoint: "e", janus: "ws://janus", weight: 1, wallClock: 1,
            lease: LeaseInstant.now().advanced(byMilliseconds: -age))
        let owner = RoomOwner(slot: slot, incarnation: incarnation)
        #expect(try store.claimRoom(claim(try uri("room\(number)"), by: owner)) == .claimed)
        try store.recordSession(try publisher(try session(number), on: slot), owner: owner)
        return owner
    }

    @Test(arguments: RegistryBackend.allCases)
    func `A slot given up is nobody's, and what it had can be cleared away`(backend: RegistryBackend) throws {
        let store = try backend.makeRegistry().store()
        let (before, neighbour) = (try lost(store), try lost(store, 2))
        let given = try #require(
            try store.abandonSlot(before.slot, incarnation: before.incarnation, wallClock: 1))
        #expect(given.owner.slot == before.slot && given.owner.incarnation > before.incarnation)
        #expect(given.janus == "ws://janus")
        #expect(given.rooms == [claim(try uri("room1"), by: given.owner)])
        let row = try #require(try store.slots().first)
        #expect(row.isAbandoned && row.endpoint.isEmpty && !row.servesJanus && row.owner == given.owner)

        #expect(throws: RegistryError.superseded) {
            try store.renewSlot(before, load: 0, servesJanus: true, lease: .soon)
        }
        try store.freeAbandonedSlot(given.owner)
        #expect(try store.slotUsage() == [neighbour.slot: SlotUsage(rooms: 1, sessions: 1)])
        #expect(try store.slots().map(\.owner) == [given.owner, neighbour])
    }

    @Test(arguments: RegistryBackend.allCases)
    func `A slot is given up only when its lease has been over for long enough`(backend: RegistryBackend) throws {
        let store = try backend.makeRegistry().store()
        for age in [-4000, 0, 30_000, 44_000] {
            let owner = try lost(store, since: age)
            #expect(try store.abandonSlot(owner.slot, incarnation: owner.incarnation, wallClock: 1) == nil)
            #expect(try store.slots().map(\.owner) == [owner])
            #expect(try store.slots().map(\.endpoint) == ["e"])
        }
    }

    @Test(arguments: RegistryBackend.allCases)
    func `A slot that was released counts from then`(backend: RegistryBackend) throws {
        let store = try backend.makeRegistry().store()
        let owner = try lost(store)
        try store.releaseSlot(owner)
        #expect(try store.abandonSlot(owner.slot, incarnation: owner.incarnation, wallClock: 1) == nil)
    }

    @Test(arguments: RegistryBackend.allCases)
    func `Another incarnation, or no row at all, is not given up`(backend: RegistryBackend) throws {
        let store = try backend.makeRegistry().store()
        let (before, after) = (try lost(store), try lost(store))
        #expect(try store.abandonSlot(before.slot, incarnation: before.incarnation, wallClock: 1) == nil)
        #expect(try store.abandonSlot(try slot(9), incarnation: before.incarnation, wallClock: 1) == nil)
        #expect(try store.slots().map(\.owner) == [after])
    }

    @Test(arguments: RegistryBackend.allCases)
    func `What was given up is not given up again while it is cleared away, nor afterwards`(
        backend: RegistryBackend
    ) throws {
        let store = try backend.makeRegistry().store()
        let before = try lost(store)
        let given = try #require(
            try store.abandonSlot(before.slot, incarnation: before.incarnation, wallClock: 1))
        func again() throws -> AbandonedSlot? {
            try store.abandonSlot(before.slot, incarnation: given.owner.incarnation, wallClock: 1)
        }
        #expect(try again() == nil)
        try store.freeAbandonedSlot(given.owner)
        #expect(try again() == nil)
    }

    @Test(arguments: RegistryBackend.allCases)
    func `A slot given up can be taken, and is then no longer another's to clear away`(
        backend: RegistryBackend
    ) throws {
        let store = try backend.makeRegistry().store()
        let before = try lost(store)
        let given = try #require(
            try store.abandonSlot(before.slot, incarnation: before.incarnation, wallClock: 1))
        let successor = try store.take(before.slot)
        #expect(successor.incarnation > given.owner.incarnation)
        #expect(throws: RegistryError.superseded) { try store.freeAbandonedSlot(given.owner) }
        #expect(try store.rooms(of: before.slot).map(\.owner) == [successor])
        #expect(try store.slots().map(\.isAbandoned) == [false])
    }
}
