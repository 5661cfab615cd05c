import Identity
import NIOCore
import Registry
import Testing

@testable import Worker

/// From the lock to serving: what a predecessor left behind is found, and nothing of it is touched.
@Suite struct SlotTakeoverTests {
    private final class World {
        let loop = TestLoop()
        let directory = TemporaryDirectory()
        let janus: FakeJanus
        let registry: RegistryThread
        let owner: RoomOwner
        let session = JanusSessionID.of(slot, in: deployment)
        let mark = "c1:main:host1/1"
        private(set) var inheritance = Inheritance()

        init() throws {
            janus = FakeJanus(loop: loop)
            let path = "\(directory.path)/registry.sqlite"
            registry = RegistryThread(label: "test registry", logger: silentLogger) { () throws(RegistryError) in
                try SQLiteRegistryStore(path: path)
            }
            owner = try takeSlot(slot, registry)
        }

        /// How it ended, readable.
        func takeOver(isAdminUsed: Bool = true, _ meanwhile: () -> Void = {}) throws -> String {
            let gateway = try connectGateway(janus, loop)
            let admin = isAdminUsed ? try connectGateway(janus, loop, admin: true) : nil
            var outcomes: [String] = []
            let takeover = SlotTakeover(
                owner: owner, deployment: deployment,
                session: JanusSlotSession(session, loop: loop, logger: silentLogger), gateway: gateway, admin: admin,
                registry: LoopRegistry(registry, loop: loop), loop: loop, logger: silentLogger
            ) { result in
                switch result {
                case .success(let (_, inheritance)):
                    self.inheritance = inheritance
                    outcomes.append("serving")
                case .failure(.janus(let error)): outcomes.append("Janus: \(error.reason)")
                case .failure(.adminHangs): outcomes.append("the admin API hangs")
                case .failure(.registry(let error)): outcomes.append("registry: \(error)")
                }
            }
            takeover.start()
            meanwhile()
            loop.settle(registry)
            return outcomes.joined(separator: ", ")
        }

        func leaveBehind() throws {
            janus.addSession(session.rawValue)
            for purpose in ["rooms", "f1.2s.0.1.1", "f1.2s.0.1.2"] {
                janus.addHandle(session.rawValue, opaque: "\(mark):\(purpose)")
            }
            janus.rooms[5] = FakeJanus.Room(description: mark, maximum: 10)
            janus.rooms[6] = FakeJanus.Room(description: "c1:other:host1/1", maximum: 10)
            janus.rooms[7] = FakeJanus.Room(description: "Demo Room", maximum: 10)
            let owner = owner
            let row = SessionRow(
                id: WorkerTests.session(1), slot: slot, clientSession: client("a"), account: account("a@x.com"),
                role: .publisher)
            let claim = RoomRow(
                uri: room("r@x.com"), owner: owner, janusRoom: JanusRoomID(rawValue: 5), configuration: "{}")
            try registry.read { store throws(RegistryError) in
                try store.recordSession(row, owner: owner)
                _ = try store.claimRoom(claim)
            }.get()
        }

        func rows(of slot: SlotID) throws -> (sessions: Int, rooms: Int) {
            try registry.read { store throws(RegistryError) in
                (try store.sessions(of: slot).count, try store.rooms(of: slot).count)
            }.get()
        }
    }

    private func run(_ test: (World) throws -> Void) throws {
        let world = try World()
        defer {
            world.loop.end()
            world.registry.stop()
        }
        try test(world)
        #expect(world.janus.violations == [])
    }

    @Test func `a fresh slot creates its session, attaches its handle and looks for rooms`() throws {
        try run { world throws in
            #expect(try world.takeOver() == "serving")
            #expect(world.janus.requests() == ["create", "attach", "message list"])
            #expect(world.janus.handles.values.map(\.opaque) == ["c1:main:host1/1:rooms"])
        }
    }

    @Test func `of a claimed session everything is found: handles, rooms with our mark, rows`() throws {
        try run { world in
            try world.leaveBehind()
            let owner = try takeSlot(sample(SlotID("host1/2")), world.registry)
            let claim = RoomRow(
                uri: room("other@x.com"), owner: owner, janusRoom: JanusRoomID(rawValue: 9), configuration: "{}")
            try world.registry.read { store throws(RegistryError) in _ = try store.claimRoom(claim) }.get()

            #expect(try world.takeOver() == "serving")
            #expect(world.janus.requests() == ["create", "claim", "list_handles", "attach", "message list"])
            #expect(world.inheritance.handles?.count == 3)
            #expect(world.inheritance.janusRooms == [JanusRoomID(rawValue: 5)])
            #expect(world.inheritance.sessions.map(\.id) == [WorkerTests.session(1)])
            #expect(world.inheritance.rooms.map(\.uri) == [room("r@x.com")])
            #expect(world.janus.handles.count == 4)
            #expect(world.janus.rooms.keys.sorted() == [5, 6, 7])
            #expect(try world.rows(of: slot) == (1, 1))
        }
    }

    @Test func `of a session made anew nothing can be found but the rows`() throws {
        try run { world in
            try world.leaveBehind()
            world.janus.restart()
            #expect(try world.takeOver() == "serving")
            #expect(world.inheritance.handles == nil)
            #expect(world.inheritance.sessions.count == 1)
            #expect(world.inheritance.janusRooms == [])
        }
    }

    @Test func `without the admin API the session is ended whole and created anew`() throws {
        try run { world in
            try world.leaveBehind()
            #expect(try world.takeOver(isAdminUsed: false) == "serving")
            #expect(
                world.janus.requests() == [
                    "create", "claim", "attach", "message which_call", "destroy", "create", "attach", "message list",
                ])
            #expect(world.janus.handles.count == 1)
            #expect(world.inheritance.handles == nil)
            #expect(try world.rows(of: slot) == (1, 1))
        }
    }

    @Test func `an admin API that refuses costs nothing: it is tried again`() throws {
        try run { world in
            try world.leaveBehind()
            world.janus.interfere = { $0.name == "list_handles" ? .refuse(403, "Unauthorized request") : .proceed }
            #expect(try world.takeOver() == "Janus: Unauthorized request")
            #expect(world.janus.count("destroy") == 0)
            #expect(world.janus.handles.count == 3)
        }
    }

    @Test func `a list that cannot be read is done without, too`() throws {
        try run { world in
            try world.leaveBehind()
            world.janus.interfere = { request in
                request.name == "list_handles"
                    ? .say(#"{"janus":"success","transaction":"\#(request.transaction)"}"#) : .proceed
            }
            #expect(try world.takeOver() == "serving")
            #expect(world.janus.handles.count == 1)
        }
    }

    @Test func `a session that ended before it could be destroyed is fine`() throws {
        try run { world in
            try world.leaveBehind()
            world.janus.interfere = { request in
                guard request.name == "destroy" else { return .proceed }
                world.janus.restart()
                return .proceed
            }
            #expect(try world.takeOver(isAdminUsed: false) == "Janus: the media server is not connected")
        }
    }

    @Test(arguments: ["create", "claim", "attach", "message list"])
    func `a refusal on the way ends it with Janus's reason`(step: String) throws {
        try run { world in
            try world.leaveBehind()
            world.janus.interfere = { request in
                guard request.name == step else { return .proceed }
                return step.hasPrefix("message") ? .refuseByPlugin(499, "no") : .refuse(490, "no")
            }
            #expect(try world.takeOver() == "Janus: no")
        }
    }

    @Test(arguments: ["create", "claim", "list_handles", "attach", "message list"])
    func `a link that breaks on the way ends it once`(step: String) throws {
        try run { world in
            try world.leaveBehind()
            world.janus.interfere = { request in
                guard request.name == step else { return .proceed }
                world.janus.breakLinks()
                return .drop
            }
            #expect(try world.takeOver() == "Janus: the media server is not connected")
        }
    }

    @Test func `an attach without an id ends it`() throws {
        try run { world throws in
            world.janus.interfere = { request in
                request.name == "attach"
                    ? .say(#"{"janus":"success","transaction":"\#(request.transaction)"}"#) : .proceed
            }
            #expect(try world.takeOver() == "Janus: the media server's answer is unusable: attach without id")
        }
    }

    @Test func `a slot that another has by now ends it before it serves`() throws {
        try run { world in
            try world.leaveBehind()
            _ = try takeSlot(slot, world.registry)
            #expect(try world.takeOver() == "serving", "reading is anybody's")
            #expect(try world.rows(of: slot) == (1, 1))
        }
    }
}
