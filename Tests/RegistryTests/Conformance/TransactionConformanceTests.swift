import Identity
import Registry
import Testing

@Suite("Transactions, in any registry")
struct TransactionConformanceTests {
    @Test(arguments: RegistryBackend.allCases)
    func `What throws undoes all of itself`(backend: RegistryBackend) throws {
        let registry = backend.makeRegistry()
        let (store, other) = (try registry.store(), try registry.store())
        let owner = try store.take(try slot(1))
        let room = claim(try uri("dev"), by: owner)
        #expect(throws: RegistryError.conflict("enough")) {
            try store.transaction(.write) { () throws(RegistryError) in
                _ = try store.claimRoom(room)
                throw .conflict("enough")
            }
        }
        #expect(try store.room(room.uri) == nil)
        #expect(try other.claimRoom(claim(room.uri, by: owner)) == .claimed)
    }

    @Test(arguments: RegistryBackend.allCases)
    func `A part that throws undoes only itself, and the rest is committed together`(backend: RegistryBackend) throws {
        let registry = backend.makeRegistry()
        let (store, other) = (try registry.store(), try registry.store())
        let owner = try store.take(try slot(1))
        let names = try ["a", "b", "c"].map(uri)
        try store.transaction(.write) { () throws(RegistryError) in
            for name in names {
                do throws(RegistryError) {
                    try store.transaction(.write) { () throws(RegistryError) in
                        _ = try store.claimRoom(claim(name, by: owner))
                        if name == names[1] { throw .conflict("not this one") }
                    }
                } catch {
                    #expect(error == .conflict("not this one"))
                }
            }
            let seenByOthers = try other.rooms(of: owner.slot)
            #expect(seenByOthers.isEmpty)
        }
        #expect(try other.rooms(of: owner.slot).map(\.uri) == [names[0], names[2]])
    }

    @Test(arguments: RegistryBackend.allCases)
    func `What only reads sees one moment, and is not held up by a writer`(backend: RegistryBackend) throws {
        let registry = backend.makeRegistry()
        let (store, other) = (try registry.store(), try registry.store())
        let owner = try store.take(try slot(1))
        let room = claim(try uri("dev"), by: owner)
        let (before, after) = try other.transaction(.read) { () throws(RegistryError) -> (RoomRow?, RoomRow?) in
            let before = try other.room(room.uri)
            _ = try store.claimRoom(room)
            return (before, try other.room(room.uri))
        }
        #expect(before == nil && after == nil)
        #expect(try other.room(room.uri) == room)
    }

    @Test(arguments: RegistryBackend.allCases)
    func `A closed store is unavailable`(backend: RegistryBackend) throws {
        let store = try backend.makeRegistry().store()
        store.close()
        store.close()
        #expect(throws: RegistryError.unavailable("the registry is closed")) { try store.slots() }
    }
}
