import Identity
import Registry
import Testing

@Suite("Sessions, in any registry")
struct SessionConformanceTests {
    @Test(arguments: RegistryBackend.allCases)
    func `Sessions are found as they were recorded`(backend: RegistryBackend) throws {
        let registry = backend.makeRegistry()
        let (store, other) = (try registry.store(), try registry.store())
        let owner = try store.take(try slot(1))
        var published = try publisher(try session(1), on: owner.slot)
        published.handle = JanusHandleID(rawValue: .max)
        let feed = SessionRow(
            id: try session(2), slot: owner.slot, clientSession: try #require(ClientSessionID("feed")),
            account: published.account, role: .subscriber, parent: published.id,
            feedTarget: PublisherID(rawValue: (1 << 53) - 1), ended: true)
        try store.recordSession(feed, owner: owner)
        try store.recordSession(published, owner: owner)
        #expect(try other.sessions(of: owner.slot) == [published, feed])
        #expect(try other.sessions(of: try slot(2)).isEmpty)
    }

    @Test(arguments: RegistryBackend.allCases)
    func `The same session again is fine, and what was recorded since stays`(backend: RegistryBackend) throws {
        let store = try backend.makeRegistry().store()
        let owner = try store.take(try slot(1))
        let row = try publisher(try session(1), on: owner.slot)
        try store.recordSession(row, owner: owner)
        try store.recordHandles([(row.id, JanusHandleID(rawValue: 5))], owner: owner)
        try store.markEnded(row.id, owner: owner)
        try store.recordSession(row, owner: owner)
        let found = try #require(try store.sessions(of: owner.slot).first)
        #expect(found.handle == JanusHandleID(rawValue: 5) && found.ended)
        #expect(found.isSameSession(as: row))
    }

    @Test(arguments: RegistryBackend.allCases)
    func `Another session under the same id is a conflict`(backend: RegistryBackend) throws {
        let store = try backend.makeRegistry().store()
        let (owner, other) = (try store.take(try slot(1)), try store.take(try slot(2)))
        let row = try publisher(try session(1), on: owner.slot)
        try store.recordSession(row, owner: owner)
        let conflict = RegistryError.conflict("session f1.abc.0.7.1 is recorded with other content")
        #expect(throws: conflict) {
            try store.recordSession(
                try publisher(row.id, on: owner.slot, account: "bob@example.org"), owner: owner)
        }
        #expect(throws: conflict) {
            try store.recordSession(try publisher(row.id, on: other.slot), owner: other)
        }
        #expect(try store.sessions(of: owner.slot) == [row])
        #expect(try store.sessions(of: other.slot).isEmpty)
    }

    @Test(arguments: RegistryBackend.allCases)
    func `Handles, ends and deletions touch the owner's own sessions only`(backend: RegistryBackend) throws {
        let store = try backend.makeRegistry().store()
        let (owner, other) = (try store.take(try slot(1)), try store.take(try slot(2)))
        let mine = try publisher(try session(1), on: owner.slot)
        let theirs = try publisher(try session(2), on: other.slot)
        try store.recordSession(mine, owner: owner)
        try store.recordSession(theirs, owner: other)
        let absent = try session(3)
        try store.recordHandles(
            [mine.id, theirs.id, absent].map { ($0, JanusHandleID(rawValue: 1 << 63)) }, owner: owner)
        for id in [mine.id, theirs.id, absent] { try store.markEnded(id, owner: owner) }
        let found = try #require(try store.sessions(of: owner.slot).first)
        #expect(found.handle == JanusHandleID(rawValue: 1 << 63) && found.ended)
        #expect(try store.sessions(of: other.slot) == [theirs])
        try store.deleteSessions([mine.id, theirs.id, absent], owner: owner)
        #expect(try store.sessions(of: owner.slot).isEmpty)
        #expect(try store.sessions(of: other.slot) == [theirs])
    }
}
