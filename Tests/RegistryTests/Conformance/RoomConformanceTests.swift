import Identity
import Registry
import Testing

@Suite("Rooms, in any registry")
struct RoomConformanceTests {
    @Test(arguments: RegistryBackend.allCases)
    func `A claimed room is found as it was claimed`(backend: RegistryBackend) throws {
        let registry = backend.makeRegistry()
        let (store, other) = (try registry.store(), try registry.store())
        let owner = try store.take(try slot(1))
        let row = RoomRow(
            uri: try uri("dev"), owner: owner, janusRoom: JanusRoomID(rawValue: (1 << 53) - 1),
            configuration: #"{"a":["ä",null]}"#, activeParticipants: ["x,\"y\"", "Ω"], originator: "video1",
            version: .max, configuredBy: [try session(1), try session(2)], state: .created)
        #expect(try store.room(row.uri) == nil)
        #expect(try store.claimRoom(row) == .claimed)
        #expect(try other.room(row.uri) == row)
        #expect(try other.rooms(of: owner.slot) == [row])
        #expect(try other.rooms(of: try slot(2)).isEmpty)
    }

    @Test(arguments: RegistryBackend.allCases)
    func `The loser of a race gets the winner's row`(backend: RegistryBackend) throws {
        let registry = backend.makeRegistry()
        let (store, other) = (try registry.store(), try registry.store())
        let (winner, loser) = (try store.take(try slot(1)), try other.take(try slot(2)))
        let room = claim(try uri("dev"), by: winner, janusRoom: 11)
        #expect(try store.claimRoom(room) == .claimed)
        #expect(try other.claimRoom(claim(room.uri, by: loser, janusRoom: 22)) == .ownedBy(room))
        #expect(try other.claimRoom(claim(room.uri, by: loser, janusRoom: 11)) == .ownedBy(room))
        #expect(try store.room(room.uri) == room)
    }

    @Test(arguments: RegistryBackend.allCases)
    func `Claiming again what one owns changes nothing, under another Janus room it is refused`(
        backend: RegistryBackend
    ) throws {
        let store = try backend.makeRegistry().store()
        let owner = try store.take(try slot(1))
        let room = claim(try uri("dev"), by: owner)
        #expect(try store.claimRoom(room) == .claimed)
        try store.roomCreated(room.uri, owner: owner, janusRoom: room.janusRoom)
        #expect(try store.claimRoom(room) == .claimed)
        let row = try #require(try store.room(room.uri))
        #expect(row.state == .created)
        #expect(try store.claimRoom(claim(room.uri, by: owner, janusRoom: 2)) == .ownedBy(row))
    }

    @Test(arguments: RegistryBackend.allCases)
    func `A room goes from claimed over created and destroying to nothing`(backend: RegistryBackend) throws {
        let store = try backend.makeRegistry().store()
        let owner = try store.take(try slot(1))
        let room = claim(try uri("dev"), by: owner)
        #expect(try store.claimRoom(room) == .claimed)
        #expect(try store.room(room.uri)?.state == .claimed)
        for _ in 1...2 {
            try store.roomCreated(room.uri, owner: owner, janusRoom: room.janusRoom)
            #expect(try store.room(room.uri)?.state == .created)
        }
        try store.roomDestroying(room.uri, owner: owner, janusRoom: room.janusRoom)
        #expect(try store.room(room.uri)?.state == .destroying)
        for _ in 1...2 {
            try store.releaseRoom(room.uri, owner: owner, janusRoom: room.janusRoom)
            #expect(try store.room(room.uri) == nil)
        }
    }

    @Test(arguments: RegistryBackend.allCases)
    func `A late release cannot remove a newer life of the room`(backend: RegistryBackend) throws {
        let registry = backend.makeRegistry()
        let (store, other) = (try registry.store(), try registry.store())
        let (first, second) = (try store.take(try slot(1)), try other.take(try slot(2)))
        let (old, new) = (JanusRoomID(rawValue: 1), JanusRoomID(rawValue: 2))
        #expect(try store.claimRoom(claim(try uri("dev"), by: first, janusRoom: 1)) == .claimed)
        try store.releaseRoom(try uri("dev"), owner: first, janusRoom: old)

        #expect(try store.claimRoom(claim(try uri("dev"), by: first, janusRoom: 2)) == .claimed)
        try store.releaseRoom(try uri("dev"), owner: first, janusRoom: old)
        #expect(try store.room(try uri("dev"))?.janusRoom == new)
        try store.releaseRoom(try uri("dev"), owner: first, janusRoom: new)

        #expect(try other.claimRoom(claim(try uri("dev"), by: second, janusRoom: 1)) == .claimed)
        try store.releaseRoom(try uri("dev"), owner: first, janusRoom: old)
        #expect(try store.room(try uri("dev"))?.owner == second)
    }

    @Test(arguments: RegistryBackend.allCases)
    func `Only the owner's own life of a room can be changed`(backend: RegistryBackend) throws {
        let store = try backend.makeRegistry().store()
        let (owner, other) = (try store.take(try slot(1)), try store.take(try slot(2)))
        let room = claim(try uri("dev"), by: owner)
        #expect(throws: RegistryError.unavailable("the registry has no row of the room")) {
            try store.roomCreated(room.uri, owner: owner, janusRoom: room.janusRoom)
        }
        #expect(try store.claimRoom(room) == .claimed)
        let conflict = RegistryError.conflict("the registry has another life or a later version of the room")
        #expect(throws: conflict) { try store.roomCreated(room.uri, owner: other, janusRoom: room.janusRoom) }
        #expect(throws: conflict) {
            try store.roomDestroying(room.uri, owner: owner, janusRoom: JanusRoomID(rawValue: 99))
        }
        #expect(try store.room(room.uri) == room)
    }

    @Test(arguments: RegistryBackend.allCases)
    func `The list of active participants never goes back to an earlier version`(backend: RegistryBackend) throws {
        let store = try backend.makeRegistry().store()
        let owner = try store.take(try slot(1))
        let room = claim(try uri("dev"), by: owner)
        #expect(try store.claimRoom(room) == .claimed)
        func configure(_ participants: [String], by originator: String?, version: Int64, _ request: Int) throws {
            try store.configureRoom(
                room.uri, owner: owner, janusRoom: room.janusRoom, activeParticipants: participants,
                originator: originator, version: version, by: [try session(request)])
        }
        for _ in 1...2 { try configure(["a", "b"], by: "a", version: 2, 7) }
        #expect(throws: RegistryError.self) { try configure(["c"], by: nil, version: 1, 8) }
        let row = try #require(try store.room(room.uri))
        #expect(row.activeParticipants == ["a", "b"] && row.originator == "a" && row.version == 2)
        #expect(row.configuredBy == [try session(7)])
        try configure([], by: nil, version: 3, 9)
        #expect(try store.room(room.uri)?.activeParticipants == [])
    }
}
