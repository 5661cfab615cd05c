import Identity
import Registry
import Testing

@Suite("Front doors, in any registry")
struct FrontdoorConformanceTests {
    private func door(_ number: Int) throws -> FrontdoorID { try #require(FrontdoorID(number)) }

    @Test(arguments: RegistryBackend.allCases)
    func `Front doors are listed by number with the incarnations they were given`(backend: RegistryBackend) throws {
        let registry = backend.makeRegistry()
        let (first, second) = (try registry.store(), try registry.store())
        let tenth = try first.registerFrontdoor(try door(10), wallClock: 30, lease: .soon)
        let ninth = try second.registerFrontdoor(try door(9), wallClock: 20, lease: .soon)
        let rows = try first.frontdoors()
        #expect(rows.map(\.id.number) == [9, 10])
        #expect(rows.map(\.incarnation) == [ninth, tenth])
        #expect(rows.allSatisfy { $0.leaseUntil > .now() })
    }

    @Test(arguments: RegistryBackend.allCases)
    func `A renewal by an earlier life is superseded`(backend: RegistryBackend) throws {
        let store = try backend.makeRegistry().store()
        let before = try store.registerFrontdoor(try door(1), wallClock: 30, lease: .soon)
        let after = try store.registerFrontdoor(try door(1), wallClock: 20, lease: .over)
        #expect(after > before)
        #expect(throws: RegistryError.superseded) {
            try store.renewFrontdoor(try door(1), incarnation: before, lease: .soon)
        }
        #expect(try store.frontdoors().map(\.leaseUntil) == [.over])
        try store.renewFrontdoor(try door(1), incarnation: after, lease: .soon)
        #expect(try store.frontdoors().allSatisfy { $0.leaseUntil > .now() })
    }

    @Test(arguments: RegistryBackend.allCases)
    func `A release removes the row of this life only`(backend: RegistryBackend) throws {
        let store = try backend.makeRegistry().store()
        let before = try store.registerFrontdoor(try door(1), wallClock: 30, lease: .soon)
        let after = try store.registerFrontdoor(try door(1), wallClock: 40, lease: .soon)
        try store.releaseFrontdoor(try door(1), incarnation: before)
        try store.releaseFrontdoor(try door(2), incarnation: before)
        #expect(try store.frontdoors().map(\.incarnation) == [after])
        try store.releaseFrontdoor(try door(1), incarnation: after)
        #expect(try store.frontdoors().isEmpty)
    }

    @Test(arguments: RegistryBackend.allCases)
    func `After a release the next life is larger still, though the wall clock stepped back`(
        backend: RegistryBackend
    ) throws {
        let store = try backend.makeRegistry().store()
        let before = try store.registerFrontdoor(try door(1), wallClock: 5000, lease: .soon)
        try store.releaseFrontdoor(try door(1), incarnation: before)
        #expect(throws: RegistryError.unavailable("the registry has no row of front door 1")) {
            try store.renewFrontdoor(try door(1), incarnation: before, lease: .soon)
        }
        #expect(try store.registerFrontdoor(try door(1), wallClock: 7, lease: .soon) > before)
        #expect(try store.frontdoors().count == 1)
    }

    @Test(arguments: RegistryBackend.allCases)
    func `A living front door puts its lost row back, a superseded one cannot`(backend: RegistryBackend) throws {
        let store = try backend.makeRegistry().store()
        let row = FrontdoorRow(id: try door(1), incarnation: Incarnation(rawValue: 50), leaseUntil: .soon)
        #expect(throws: RegistryError.unavailable("the registry has no row of front door 1")) {
            try store.renewFrontdoor(row.id, incarnation: row.incarnation, lease: .soon)
        }
        for _ in 1...2 {
            try store.restoreFrontdoor(row)
            try store.renewFrontdoor(row.id, incarnation: row.incarnation, lease: .soon)
        }
        _ = try store.registerFrontdoor(try door(1), wallClock: 1, lease: .soon)
        #expect(throws: RegistryError.superseded) { try store.restoreFrontdoor(row) }
    }

    @Test(arguments: RegistryBackend.allCases)
    func `A registry that knows an earlier life only is behind, and today's puts its row back`(
        backend: RegistryBackend
    ) throws {
        let store = try backend.makeRegistry().store()
        _ = try store.registerFrontdoor(try door(1), wallClock: 7, lease: .soon)
        let row = FrontdoorRow(id: try door(1), incarnation: Incarnation(rawValue: 50), leaseUntil: .soon)
        #expect(throws: RegistryError.unavailable("the registry has no row of front door 1")) {
            try store.renewFrontdoor(row.id, incarnation: row.incarnation, lease: .soon)
        }
        try store.restoreFrontdoor(row)
        try store.renewFrontdoor(row.id, incarnation: row.incarnation, lease: .soon)
        #expect(try store.frontdoors().map(\.incarnation) == [row.incarnation])
    }
}
