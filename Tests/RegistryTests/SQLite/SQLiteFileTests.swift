import Foundation
import Identity
import Testing

@testable import Registry

@Suite("The registry's file")
struct SQLiteFileTests {
    private let directory = TemporaryDirectory()

    private func store(boot: BootID? = nil) throws -> SQLiteRegistryStore {
        try SQLiteRegistryStore(path: directory.registry, boot: boot)
    }

    private func remove(_ suffix: String = "") throws {
        try FileManager.default.removeItem(atPath: directory.registry + suffix)
    }

    @Test func `Nobody else may read it or what lies beside it`() throws {
        let store = try store()
        _ = try store.take(try slot(1))
        for suffix in ["", "-wal", "-shm"] {
            let attributes = try FileManager.default.attributesOfItem(atPath: directory.registry + suffix)
            #expect(attributes[.posixPermissions] as? Int == 0o600, "registry.sqlite\(suffix)")
        }
    }

    @Test func `Rows are there for the process that opens it next`() throws {
        let owner = try {
            let store = try store()
            defer { store.close() }
            return try store.take(try slot(1))
        }()
        #expect(try store().slots().map(\.owner) == [owner])
    }

    @Test func `A lease is read as it was written, one of another boot is over`() throws {
        let (now, later) = (try store(boot: BootID("now")), try store(boot: BootID("later")))
        let lease = LeaseInstant(rawValue: .max)
        let incarnation = try now.takeSlot(
            try slot(1), endpoint: "e", janus: "j", weight: 1, wallClock: 1, lease: lease)
        _ = try now.registerFrontdoor(try #require(FrontdoorID(1)), wallClock: 1, lease: lease)
        #expect(try now.slots().map(\.leaseUntil) == [lease])
        #expect(try now.frontdoors().map(\.leaseUntil) == [lease])
        #expect(try later.slots().map(\.leaseUntil) == [.over])
        #expect(try later.frontdoors().map(\.leaseUntil) == [.over])
        try later.renewSlot(
            RoomOwner(slot: try slot(1), incarnation: incarnation), load: 0, servesJanus: true, lease: lease)
        #expect(try later.slots().map(\.leaseUntil) == [lease])
        #expect(try now.slots().map(\.leaseUntil) == [.over])
    }

    @Test func `A deadline to drain by, and a lease, of another boot are over`() throws {
        let (now, later) = (try store(boot: BootID("now")), try store(boot: BootID("later")))
        let owner = try now.take(try slot(1))
        #expect(try now.claimRoom(claim(try uri("dev"), by: owner)) == .claimed)
        #expect(try now.drainSlot(owner.slot, until: .soon))
        #expect(try later.slots().map(\.orders) == [SlotOrders(draining: true, drainUntil: .over)])
        #expect(try now.abandonSlot(owner.slot, incarnation: owner.incarnation, wallClock: 1) == nil)
        let given = try #require(try later.abandonSlot(owner.slot, incarnation: owner.incarnation, wallClock: 1))
        // Whoever gave it up went away, too, before it was cleared away.
        let again = try #require(
            try now.abandonSlot(owner.slot, incarnation: given.owner.incarnation, wallClock: 1))
        #expect(again.rooms == [claim(try uri("dev"), by: again.owner)])
        #expect(throws: RegistryError.superseded) { try later.freeAbandonedSlot(given.owner) }
        try now.freeAbandonedSlot(again.owner)
        #expect(try now.slotUsage().isEmpty)
    }

    @Test func `A lock held for too long makes writers unavailable in time, and they work afterwards`() throws {
        let (store, other) = (try store(), try store())
        let owner = try store.take(try slot(1))
        let clock = ContinuousClock()
        let locked = RegistryError.unavailable("\(directory.registry): locked by somebody else for too long")
        let waited = try other.transaction(.write) { () throws(RegistryError) in
            clock.measure {
                #expect(throws: locked) {
                    try store.renewSlot(owner, load: 1, servesJanus: true, lease: .soon)
                }
                #expect(throws: Never.self) { try store.slots() }
            }
        }
        #expect(waited >= .milliseconds(250))
        try store.renewSlot(owner, load: 1, servesJanus: true, lease: .soon)
        #expect(try other.slots().map(\.load) == [1])
    }

    @Test func `A deleted file is noticed at the next operation, and a fresh one takes its place`() throws {
        let store = try store()
        let owner = try store.take(try slot(1))
        let row = try #require(try store.slots().first)
        try remove()
        #expect(throws: RegistryError.unavailable("the registry file was replaced")) {
            try store.renewSlot(owner, load: 1, servesJanus: true, lease: .soon)
        }
        #expect(try store.slots().isEmpty)
        try store.restoreSlot(row)
        try store.renewSlot(owner, load: 1, servesJanus: true, lease: .soon)
        #expect(try self.store().slots().map(\.owner) == [owner])
    }

    @Test func `All who had the deleted file open meet in the fresh one`() throws {
        let stores = try (1...4).map { number in
            let store = try store()
            return (store, try store.take(try slot(number)))
        }
        let rows = try stores[0].0.slots()
        try remove()
        for ((store, owner), row) in zip(stores, rows) {
            #expect(throws: RegistryError.unavailable("the registry file was replaced")) { try store.slots() }
            try store.restoreSlot(row)
            #expect(try store.claimRoom(claim(try uri("room\(owner.slot.number)"), by: owner)) == .claimed)
        }
        for (store, _) in stores { store.close() }
        let last = try store()
        #expect(try last.slots() == rows)
        for (_, owner) in stores { #expect(try last.rooms(of: owner.slot).count == 1) }
    }

    @Test func `When the log was deleted all who had the file open meet in a fresh one`() throws {
        let (first, second) = (try store(), try store())
        _ = try first.take(try slot(1))
        try remove("-wal")
        for store in [first, second] {
            #expect(throws: RegistryError.unavailable("the registry file was replaced")) { try store.slots() }
        }
        _ = try second.take(try slot(2))
        for store in [first, second, try store()] { #expect(try store.slots().map(\.slot.number) == [2]) }
    }

    @Test func `A file put in the place of ours is used from then on`() throws {
        let replacement = TemporaryDirectory()
        let successor = try {
            let store = try SQLiteRegistryStore(path: replacement.registry)
            defer { store.close() }
            return try store.take(try slot(9))
        }()
        let store = try store()
        _ = try store.take(try slot(1))
        #expect(rename(replacement.registry, directory.registry) == 0)
        #expect(throws: RegistryError.unavailable("the registry file was replaced")) { try store.slots() }
        #expect(try store.slots().map(\.owner) == [successor])
    }

    @Test func `While its directory is gone the registry is unavailable, and it comes back by itself`() throws {
        let store = try store()
        _ = try store.take(try slot(1))
        let elsewhere = directory.path + ".moved"
        #expect(rename(directory.path, elsewhere) == 0)
        for _ in 1...2 {
            let missing = "cannot open the directory \(directory.path): No such file or directory"
            #expect(throws: RegistryError.unavailable(missing)) { try store.slots() }
        }
        #expect(rename(elsewhere, directory.path) == 0)
        #expect(throws: RegistryError.unavailable("the registry file was replaced")) { try store.slots() }
        #expect(try store.slots().count == 1)
    }

    @Test func `A file that is no database is refused with its name`() throws {
        try Data(repeating: UInt8(ascii: "x"), count: 4096).write(to: URL(fileURLWithPath: directory.registry))
        #expect(throws: RegistryError.unavailable("\(directory.registry): is not an SQLite database")) { try store() }
    }

    @Test func `A directory in the file's place is refused`() throws {
        try FileManager.default.createDirectory(atPath: directory.registry, withIntermediateDirectories: false)
        #expect(throws: RegistryError.unavailable("\(directory.registry): cannot be opened")) { try store() }
    }

    @Test(.enabled(if: getuid() != 0, "root may write everywhere"))
    func `A file that may not be written is refused`() throws {
        try store().close()
        #expect(chmod(directory.registry, 0o400) == 0)
        #expect(throws: RegistryError.self) {
            let store = try store()
            _ = try store.take(try slot(1))
        }
    }

    @Test func `A file overwritten in place is unavailable until it is removed`() throws {
        let store = try store()
        let owner = try store.take(try slot(1))
        for suffix in ["", "-wal"] {
            let file = try #require(FileHandle(forWritingAtPath: directory.registry + suffix))
            try file.truncate(atOffset: 0)
            try file.write(contentsOf: Data(repeating: 0xFF, count: 100_000))
        }
        let other = Result { try SQLiteRegistryStore(path: directory.registry) }
        #expect(throws: RegistryError.self) { try other.get() }
        try remove()
        #expect(throws: RegistryError.self) {
            try store.renewSlot(owner, load: 1, servesJanus: true, lease: .soon)
        }
        #expect(try store.slots().isEmpty)
    }
}
