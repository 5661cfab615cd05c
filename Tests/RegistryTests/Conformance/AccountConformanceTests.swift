import Identity
import Registry
import Testing

@Suite("Claimed accounts, in any registry")
struct AccountConformanceTests {
    /// A front door's life.
    private struct Door {
        let id: FrontdoorID
        let incarnation: Incarnation

        init(_ number: Int, in store: any RegistryStore, lease: LeaseInstant = .soon) throws {
            id = try #require(FrontdoorID(number))
            incarnation = try store.registerFrontdoor(id, wallClock: 1, lease: lease)
        }

        func claim(_ name: String, _ connection: UInt64, loop: UInt16 = 0) throws -> ClaimedAccount {
            let owner = FrontdoorLoopID(frontdoor: id, incarnation: incarnation, loop: loop)
            return ClaimedAccount(
                account: try address(name), connection: ConnectionID(owner: owner, number: connection))
        }

        func record(_ claims: [ClaimedAccount], in store: any RegistryStore) throws {
            try store.claimAccounts(claims, of: id, incarnation: incarnation)
        }
    }

    private static func address(_ name: String) throws -> AddressOfRecord {
        try #require(AddressOfRecord("\(name)@example.org"))
    }

    @Test(arguments: RegistryBackend.allCases)
    func `R15 An account is found on every connection that claims it, on all front doors`(
        backend: RegistryBackend
    ) throws {
        let registry = backend.makeRegistry()
        let (first, second) = (try registry.store(), try registry.store())
        let doors = (try Door(1, in: first), try Door(2, in: second))
        let bobs = [
            try doors.0.claim("bob", 7), try doors.0.claim("bob", 3, loop: 1), try doors.1.claim("bob", 7),
        ]
        try doors.0.record([bobs[0], bobs[1], try doors.0.claim("alice", 7)], in: first)
        try doors.1.record([bobs[2]], in: second)
        for store in [first, second] {
            #expect(try store.connections(for: [try Self.address("bob")]) == bobs)
            #expect(
                try store.connections(for: [try Self.address("nobody"), try Self.address("alice")])
                    == [try doors.0.claim("alice", 7)])
            #expect(try store.connections(for: []).isEmpty)
        }
    }

    @Test(arguments: RegistryBackend.allCases)
    func `Claiming again is fine, and a release removes exactly that`(backend: RegistryBackend) throws {
        let store = try backend.makeRegistry().store()
        let door = try Door(1, in: store)
        let (first, second) = (try door.claim("bob", 1), try door.claim("bob", 2))
        for _ in 1...2 { try door.record([first, second], in: store) }
        try store.releaseAccounts([first, try door.claim("alice", 2)])
        #expect(try store.connections(for: [first.account]) == [second])
        try store.releaseAccounts([first, second])
        #expect(try store.connections(for: [first.account]).isEmpty)
    }

    @Test(arguments: RegistryBackend.allCases)
    func `What an earlier life claimed goes with the next one's beginning, and that life claims nothing more`(
        backend: RegistryBackend
    ) throws {
        let store = try backend.makeRegistry().store()
        let before = try Door(1, in: store)
        try before.record([try before.claim("bob", 1)], in: store)
        let after = try Door(1, in: store)
        #expect(try store.connections(for: [try Self.address("bob")]).isEmpty)
        #expect(throws: RegistryError.superseded) { try before.record([try before.claim("bob", 1)], in: store) }
        try after.record([try after.claim("bob", 1)], in: store)
        #expect(try store.connections(for: [try Self.address("bob")]) == [try after.claim("bob", 1)])
    }

    @Test(arguments: RegistryBackend.allCases)
    func `A front door whose lease is over has nobody, and has everybody again when it is renewed`(
        backend: RegistryBackend
    ) throws {
        let store = try backend.makeRegistry().store()
        let door = try Door(1, in: store, lease: .over)
        let bob = try door.claim("bob", 1)
        try door.record([bob], in: store)
        #expect(try store.connections(for: [bob.account]).isEmpty)
        try store.renewFrontdoor(door.id, incarnation: door.incarnation, lease: .soon)
        #expect(try store.connections(for: [bob.account]) == [bob])
    }

    @Test(arguments: RegistryBackend.allCases)
    func `What a front door claimed goes with it`(backend: RegistryBackend) throws {
        let store = try backend.makeRegistry().store()
        let (door, other) = (try Door(1, in: store), try Door(2, in: store))
        try door.record([try door.claim("bob", 1)], in: store)
        try other.record([try other.claim("bob", 1)], in: store)
        try store.releaseFrontdoor(door.id, incarnation: door.incarnation)
        #expect(try store.connections(for: [try Self.address("bob")]) == [try other.claim("bob", 1)])
        try store.restoreFrontdoor(
            FrontdoorRow(id: door.id, incarnation: door.incarnation, leaseUntil: .soon))
        #expect(try store.connections(for: [try Self.address("bob")]) == [try other.claim("bob", 1)])
    }

    @Test(arguments: RegistryBackend.allCases)
    func `Without its row a front door claims nothing: it puts that back first`(backend: RegistryBackend) throws {
        let registry = backend.makeRegistry()
        let door = try Door(1, in: try registry.store())
        let empty = try backend.makeRegistry().store()
        #expect(throws: RegistryError.unavailable("the registry has no row of front door 1")) {
            try door.record([try door.claim("bob", 1)], in: empty)
        }
        try empty.restoreFrontdoor(FrontdoorRow(id: door.id, incarnation: door.incarnation, leaseUntil: .soon))
        try door.record([try door.claim("bob", 1)], in: empty)
        #expect(try empty.connections(for: [try Self.address("bob")]).count == 1)
    }

    @Test(arguments: RegistryBackend.allCases)
    func `A front door is forgotten ten minutes after its lease, with what it claimed, and not before`(
        backend: RegistryBackend
    ) throws {
        let store = try backend.makeRegistry().store()
        let dead = try Door(1, in: store, lease: .now().advanced(byMilliseconds: -FrontdoorRow.patience))
        let lost = try Door(2, in: store, lease: .now().advanced(byMilliseconds: 60_000 - FrontdoorRow.patience))
        let living = try Door(3, in: store)
        for door in [dead, lost, living] { try door.record([try door.claim("bob", 1)], in: store) }
        #expect(try store.sweepFrontdoors() == [dead.id])
        #expect(try store.sweepFrontdoors() == [])
        #expect(try store.frontdoors().map(\.id) == [lost.id, living.id])
        // It lives after all: it is as if it had come back to an empty registry.
        try store.restoreFrontdoor(FrontdoorRow(id: dead.id, incarnation: dead.incarnation, leaseUntil: .soon))
        #expect(try store.connections(for: [try Self.address("bob")]) == [try living.claim("bob", 1)])
        #expect(try store.registerFrontdoor(dead.id, wallClock: 1, lease: .soon) > dead.incarnation)
    }

    @Test(arguments: RegistryBackend.allCases)
    func `D53 Of one account no more than a thousand connections are found`(backend: RegistryBackend) throws {
        let store = try backend.makeRegistry().store()
        let doors = [try Door(1, in: store), try Door(2, in: store)]
        for door in doors { try door.record(try (1...600).map { try door.claim("crowd", $0) }, in: store) }
        #expect(try store.connections(for: [try Self.address("crowd")]).count == ClaimedAccount.maximumConnections)
        #expect(
            try store.connections(for: [try Self.address("crowd"), try Self.address("crowd")]).count
                == 2 * ClaimedAccount.maximumConnections, "each has its own bound")
    }
}
