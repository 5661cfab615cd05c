import Identity
import NIOCore
import Registry
import Testing

@testable import Worker

@Suite struct DrainedSlotsTests {
    @Test func `a slot that drains is left alone once it is empty, until it is wanted again`() throws {
        let loop = TestLoop()
        let directory = TemporaryDirectory()
        let path = "\(directory.path)/registry.sqlite"
        let registry = RegistryThread(label: "test registry", logger: silentLogger) { () throws(RegistryError) in
            try SQLiteRegistryStore(path: path)
        }
        let drained = DrainedSlots(registry: LoopRegistry(registry, loop: loop), loop: loop, logger: silentLogger)
        defer {
            drained.stop()
            loop.end()
            registry.stop()
        }
        func look() -> Set<SlotID> {
            loop.advance(by: .seconds(1))
            loop.settle(registry)
            return drained.slots
        }
        let owner = try takeSlot(slot, registry)
        let claim = RoomRow(
            uri: room("r@x.com"), owner: owner, janusRoom: JanusRoomID(rawValue: 5), configuration: "{}")
        drained.start()
        #expect(look() == [])
        try registry.read { store throws(RegistryError) in
            _ = try store.claimRoom(claim)
            _ = try store.drainSlot(slot, until: nil)
        }.get()
        #expect(look() == [], "its calls want their worker back")
        try registry.read { store throws(RegistryError) in
            try store.releaseRoom(claim.uri, owner: owner, janusRoom: claim.janusRoom)
        }.get()
        #expect(look() == [slot])
        try registry.read { store throws(RegistryError) in _ = try store.undrainSlot(slot) }.get()
        #expect(look() == [])
    }
}
