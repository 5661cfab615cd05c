import Identity
import NIOCore
import Registry
import Testing

@testable import Worker

@Suite struct FrontdoorSweepTests {
    @Test func `a front door that has been lost for ten minutes is forgotten within a minute`() throws {
        try SlotWorld.run { world in
            let sweep = FrontdoorSweep(
                registry: LoopRegistry(world.registry, loop: world.loop), loop: world.loop, logger: silentLogger)
            sweep.start()
            defer { sweep.stop() }
            let dead = sample(FrontdoorID(7))
            try world.registry.read { store throws(RegistryError) in
                try store.restoreFrontdoor(
                    FrontdoorRow(
                        id: dead, incarnation: Incarnation(rawValue: 3),
                        leaseUntil: .now().advanced(byMilliseconds: -FrontdoorRow.patience)))
            }.get()
            try world.registry.claim([("bob", 5)])
            func known() throws -> [FrontdoorID] {
                try world.registry.read { store throws(RegistryError) in try store.frontdoors().map(\.id) }.get()
            }
            #expect(try known() == [frontdoor.frontdoor, dead])
            world.advance(by: FrontdoorSweep.interval)
            #expect(try known() == [frontdoor.frontdoor])
        }
    }
}
