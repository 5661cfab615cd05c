import Foundation
import NIOCore
import Registry
import Testing

@testable import Worker

@Suite struct SlotLeaseTests {
    private final class World {
        let loop = TestLoop()
        let directory = TemporaryDirectory()
        let registry: RegistryThread
        let row: SlotRow
        let lease: SlotLease
        var lost: [String] = []
        var restored = 0

        init() throws {
            let path = "\(directory.path)/registry.sqlite"
            registry = RegistryThread(label: "test registry", logger: silentLogger) { () throws(RegistryError) in
                try SQLiteRegistryStore(path: path)
            }
            let owner = try takeSlot(slot, registry)
            row = SlotRow(
                slot: slot, incarnation: owner.incarnation, endpoint: "test", janus: "ws://fake:1/", leaseUntil: .over,
                load: 0, draining: false, weight: 1, servesJanus: false)
            guard let lock = try SlotLock.take(1, in: directory.path) else { throw RegistryError.superseded }
            lease = SlotLease(
                row, lock: lock, registry: LoopRegistry(registry, loop: loop), loop: loop, logger: silentLogger)
            lease.lost = { [unowned self] in lost.append($0) }
            lease.restored = { [unowned self] in restored += 1 }
        }

        func found() throws -> SlotRow? {
            try registry.read { store throws(RegistryError) in try store.slots() }.get().first
        }
    }

    private func run(_ test: (World) throws -> Void) throws {
        let world = try World()
        defer {
            world.lease.stop()
            world.loop.end()
            world.registry.stop()
        }
        try test(world)
    }

    @Test func `it is renewed at once and every second, with what the worker says of itself`() throws {
        try run { world in
            var load = 1
            world.lease.state = {
                load += 1
                return (load, load > 2)
            }
            world.lease.start()
            world.loop.settle(world.registry)
            #expect(try world.found()?.load == 2)
            #expect(try world.found()?.servesJanus == false)
            world.loop.advance(by: .seconds(1))
            world.loop.settle(world.registry)
            let row = try #require(try world.found())
            #expect(row.load == 3)
            #expect(row.servesJanus)
            let left = row.leaseUntil.rawValue - LeaseInstant.now().rawValue
            #expect((1...UInt64(SlotLease.length)).contains(left))
            #expect(world.lost == [])
        }
    }

    @Test func `a slot that another incarnation has is lost`() throws {
        try run { world in
            world.lease.start()
            world.loop.settle(world.registry)
            _ = try takeSlot(slot, world.registry)
            world.lease.renew()
            world.loop.settle(world.registry)
            #expect(world.lost == ["another process has taken the slot"])
        }
    }

    @Test func `a lock file that is not ours any more is a slot that is lost`() throws {
        try run { world in
            try FileManager.default.removeItem(atPath: "\(world.directory.path)/slot-1.lock")
            world.lease.renew()
            #expect(world.lost == ["the slot's lock file was replaced"])
        }
    }

    @Test func `a row that the registry lost is put back by its owner`() throws {
        try run { world in
            world.lease.start()
            world.loop.settle(world.registry)
            for suffix in ["", "-wal", "-shm"] {
                try FileManager.default.removeItem(atPath: "\(world.directory.path)/registry.sqlite\(suffix)")
            }
            for _ in 0..<3 {
                world.loop.advance(by: .seconds(1))
                world.loop.settle(world.registry)
            }
            #expect(world.lost == [])
            #expect(world.restored == 1)
            let row = try #require(try world.found())
            #expect(row.incarnation == world.row.incarnation)
            #expect(row.leaseUntil > LeaseInstant.now())
        }
    }

    @Test func `what the operator wants is told with every renewal, and put back with a row that was lost`() throws {
        try run { world in
            var orders: [SlotOrders] = []
            world.lease.orders = { orders.append($0) }
            world.lease.start()
            world.loop.settle(world.registry)
            let wanted = SlotOrders(draining: true, drainUntil: LeaseInstant(rawValue: 99))
            let isThere = try world.registry.read { store throws(RegistryError) in
                try store.drainSlot(slot, until: wanted.drainUntil)
            }.get()
            #expect(isThere)
            world.lease.renew()
            world.loop.settle(world.registry)
            #expect(orders == [.serve, wanted])
            for suffix in ["", "-wal", "-shm"] {
                try FileManager.default.removeItem(atPath: "\(world.directory.path)/registry.sqlite\(suffix)")
            }
            for _ in 0..<3 {
                world.loop.advance(by: .seconds(1))
                world.loop.settle(world.registry)
            }
            #expect(world.restored == 1)
            #expect(try world.found()?.orders == wanted)
            #expect(orders.last == wanted)
        }
    }

    @Test func `a registry that cannot be reached is no loss of the slot`() throws {
        try run { world in
            world.registry.stop()
            world.lease.start()
            world.loop.advance(by: .seconds(5))
            world.loop.run()
            #expect(world.lost == [])
        }
    }

    @Test func `a stopped lease is not renewed`() throws {
        try run { world in
            world.lease.start()
            world.lease.stop()
            var renewals = 0
            world.lease.state = {
                renewals += 1
                return (0, true)
            }
            world.loop.advance(by: .seconds(10))
            #expect(renewals == 0)
        }
    }
}
