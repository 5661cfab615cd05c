import Identity
import Registry
import Testing

@Suite("The operator's orders, in any registry")
struct OperatorConformanceTests {
    private let deadline = LeaseInstant.now().advanced(byMilliseconds: 300_000)

    @Test(arguments: RegistryBackend.allCases)
    func `Orders reach the holder with its next renewal`(backend: RegistryBackend) throws {
        let registry = backend.makeRegistry()
        let (store, `operator`) = (try registry.store(), try registry.store())
        let owner = try store.take(try slot(1))
        func renewal() throws -> SlotOrders {
            try store.renewSlot(owner, load: 0, servesJanus: true, lease: .soon)
        }
        #expect(try renewal() == .serve)
        #expect(try `operator`.drainSlot(owner.slot, until: nil))
        #expect(try renewal() == SlotOrders(draining: true))
        #expect(try `operator`.drainSlot(owner.slot, until: deadline))
        #expect(try renewal() == SlotOrders(draining: true, drainUntil: deadline))
        #expect(try `operator`.undrainSlot(owner.slot))
        #expect(try renewal() == .serve)
    }

    @Test(arguments: RegistryBackend.allCases)
    func `Orders outlive the holder`(backend: RegistryBackend) throws {
        let store = try backend.makeRegistry().store()
        _ = try store.take(try slot(1))
        #expect(try store.drainSlot(try slot(1), until: deadline))
        let successor = try store.take(try slot(1))
        #expect(try store.slots().map(\.orders) == [SlotOrders(draining: true, drainUntil: deadline)])
        try store.releaseSlot(successor)
        #expect(try store.slots().map(\.draining) == [true])
        #expect(try store.undrainSlot(try slot(1)))
        #expect(try store.slots().map(\.orders) == [.serve])
    }

    @Test(arguments: RegistryBackend.allCases)
    func `There are no orders for a slot that is not there`(backend: RegistryBackend) throws {
        let store = try backend.makeRegistry().store()
        #expect(try !store.drainSlot(try slot(1), until: deadline))
        #expect(try !store.undrainSlot(try slot(1)))
        #expect(try store.slots().isEmpty)
    }

    @Test(arguments: RegistryBackend.allCases)
    func `A holder that puts its row back brings the orders it knew, and takes no newer ones away`(
        backend: RegistryBackend
    ) throws {
        let orders = SlotOrders(draining: true, drainUntil: deadline)
        let row = SlotRow(
            slot: try slot(1), incarnation: Incarnation(rawValue: 5), endpoint: "e", janus: "j", leaseUntil: .soon,
            load: 0, draining: true, drainUntil: deadline, weight: 1, servesJanus: true)
        let store = try backend.makeRegistry().store()
        try store.restoreSlot(row)
        #expect(try store.slots().map(\.orders) == [orders])
        #expect(try store.undrainSlot(row.slot))
        try store.restoreSlot(row)
        #expect(try store.slots().map(\.orders) == [.serve])
    }

    @Test(arguments: RegistryBackend.allCases)
    func `Rooms and sessions are counted slot by slot, ended ones not`(backend: RegistryBackend) throws {
        let store = try backend.makeRegistry().store()
        #expect(try store.slotUsage().isEmpty)
        let (one, two) = (try store.take(try slot(1)), try store.take(try slot(2)))
        #expect(try store.claimRoom(claim(try uri("dev"), by: one)) == .claimed)
        #expect(try store.claimRoom(claim(try uri("ops"), by: one)) == .claimed)
        for number in 1...3 {
            try store.recordSession(try publisher(try session(number), on: two.slot), owner: two)
        }
        try store.markEnded(try session(2), owner: two)
        #expect(
            try store.slotUsage() == [one.slot: SlotUsage(rooms: 2), two.slot: SlotUsage(rooms: 0, sessions: 2)])
    }
}
