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
        #expect(!found.isMissed)
        try store.markEnded(row.id, isMissed: true, owner: owner)
        try store.recordSession(row, owner: owner)
        let missed = try #require(try store.sessions(of: owner.slot).first)
        #expect(missed.ended && missed.isMissed)
        #expect(missed.isSameSession(as: row))
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

    // MARK: Registrations and calls

    private func registration(_ id: SessionID, on slot: SlotID) throws -> SessionRow {
        SessionRow(
            id: id, slot: slot, clientSession: try #require(ClientSessionID("registration")),
            account: try #require(AddressOfRecord("alice@example.org")), role: .registration)
    }

    private func call(_ id: SessionID, on slot: SlotID, over parent: SessionID? = nil) throws -> SessionRow {
        SessionRow(
            id: id, slot: slot, clientSession: try #require(ClientSessionID("c0ffee")),
            account: try #require(AddressOfRecord("alice@example.org")), role: .call, parent: parent,
            callID: "1a2b-3c4d", caller: parent.map { _ in "bob@example.org" }, callerName: parent.map { _ in "Böb \"" }
        )
    }

    @Test(arguments: RegistryBackend.allCases)
    func `Registrations and calls are found as they were recorded`(backend: RegistryBackend) throws {
        let registry = backend.makeRegistry()
        let (store, other) = (try registry.store(), try registry.store())
        let owner = try store.take(try slot(1))
        var registered = try registration(try session(1), on: owner.slot)
        registered.master = .max
        let incoming = try call(try session(2), on: owner.slot, over: registered.id)
        var outgoing = try call(try session(3), on: owner.slot)
        outgoing.isCallSent = true
        for row in [registered, incoming, outgoing] { try store.recordSession(row, owner: owner) }
        #expect(try other.sessions(of: owner.slot) == [registered, incoming, outgoing])
    }

    @Test(arguments: RegistryBackend.allCases)
    func `Masters are recorded of the owner's own registrations only`(backend: RegistryBackend) throws {
        let store = try backend.makeRegistry().store()
        let (owner, other) = (try store.take(try slot(1)), try store.take(try slot(2)))
        let mine = try registration(try session(1), on: owner.slot)
        let theirs = try registration(try session(2), on: other.slot)
        try store.recordSession(mine, owner: owner)
        try store.recordSession(theirs, owner: other)
        try store.recordMasters([mine.id, theirs.id, try session(3)].map { ($0, 1 << 63) }, owner: owner)
        let found = try #require(try store.sessions(of: owner.slot).first)
        #expect(found.master == 1 << 63 && found.isSameSession(as: mine))
        #expect(try store.sessions(of: other.slot) == [theirs])
        try store.recordSession(mine, owner: owner)
        #expect(try store.sessions(of: owner.slot).first?.master == 1 << 63, "what was recorded since stays")
    }

    @Test(arguments: RegistryBackend.allCases)
    func `E04 What calls a registration has seen is recorded of the owner's own only`(backend: RegistryBackend) throws {
        let store = try backend.makeRegistry().store()
        let (owner, other) = (try store.take(try slot(1)), try store.take(try slot(2)))
        let mine = try registration(try session(1), on: owner.slot)
        let theirs = try registration(try session(2), on: other.slot)
        try store.recordSession(mine, owner: owner)
        try store.recordSession(theirs, owner: other)
        #expect(try store.sessions(of: owner.slot).first?.seenCalls == nil, "an earlier version's")
        for calls in [
            SeenCalls(), SeenCalls(number: .max),
            SeenCalls(
                number: 3, callers: [JanusHandleID(rawValue: .max): "böb \"\n@x", JanusHandleID(rawValue: 1): ""]),
        ] {
            try store.recordSeenCalls([mine.id, theirs.id, try session(3)].map { ($0, calls) }, owner: owner)
            let found = try #require(try store.sessions(of: owner.slot).first)
            #expect(found.seenCalls == calls && found.isSameSession(as: mine))
        }
        #expect(try store.sessions(of: other.slot) == [theirs])
        var fresh = try registration(try session(4), on: owner.slot)
        fresh.seenCalls = SeenCalls()
        try store.recordSession(fresh, owner: owner)
        #expect(try store.sessions(of: owner.slot).last == fresh)
    }

    @Test(arguments: RegistryBackend.allCases)
    func `R06 A call that is about to be sent is so for good, over its handle`(backend: RegistryBackend) throws {
        let store = try backend.makeRegistry().store()
        let owner = try store.take(try slot(1))
        let row = try call(try session(1), on: owner.slot)
        try store.recordSession(row, owner: owner)
        #expect(try store.sessions(of: owner.slot).first?.isCallSent == false)
        for _ in 0..<2 { try store.callSent(row.id, handle: JanusHandleID(rawValue: .max), owner: owner) }
        try store.recordSession(row, owner: owner)
        let found = try #require(try store.sessions(of: owner.slot).first)
        #expect(found.isCallSent && found.handle == JanusHandleID(rawValue: .max) && found.isSameSession(as: row))
    }

    @Test(arguments: RegistryBackend.allCases)
    func `R06 A call that is absent, over or another slot's is not sent`(backend: RegistryBackend) throws {
        let store = try backend.makeRegistry().store()
        let (owner, other) = (try store.take(try slot(1)), try store.take(try slot(2)))
        let (over, theirs) = (try call(try session(1), on: owner.slot), try call(try session(2), on: other.slot))
        try store.recordSession(over, owner: owner)
        try store.recordSession(theirs, owner: other)
        try store.markEnded(over.id, owner: owner)
        for id in [over.id, theirs.id, try session(3)] {
            #expect(throws: RegistryError.conflict("call \(id) is not recorded")) {
                try store.callSent(id, handle: JanusHandleID(rawValue: 7), owner: owner)
            }
        }
        #expect(try store.sessions(of: other.slot) == [theirs])
        #expect(try store.sessions(of: owner.slot).first?.isCallSent == false)
    }

    @Test(arguments: RegistryBackend.allCases)
    func `A slot's former owner records neither masters nor calls`(backend: RegistryBackend) throws {
        let store = try backend.makeRegistry().store()
        let former = try store.take(try slot(1), wallClock: 1)
        let row = try call(try session(1), on: former.slot)
        try store.recordSession(row, owner: former)
        _ = try store.take(try slot(1), wallClock: 2)
        #expect(throws: RegistryError.superseded) { try store.recordMasters([(row.id, 5)], owner: former) }
        #expect(throws: RegistryError.superseded) {
            try store.recordSeenCalls([(row.id, SeenCalls())], owner: former)
        }
        #expect(throws: RegistryError.superseded) {
            try store.callSent(row.id, handle: JanusHandleID(rawValue: 5), owner: former)
        }
        #expect(try store.sessions(of: former.slot) == [row])
    }
}
