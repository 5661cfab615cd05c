import Identity
import NIOCore
import Registry
import Testing

@testable import Worker

/// From the lock to serving: what a predecessor left behind is removed first (protocol page, sections 5.1 and 5.2).
@Suite struct SlotTakeoverTests {
    private final class World {
        let loop = TestLoop()
        let directory = TemporaryDirectory()
        let janus: FakeJanus
        let registry: RegistryThread
        let owner: RoomOwner
        let session = JanusSessionID.of(slot, in: deployment)
        let mark = "c1:main:host1/1"

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
                case .success: outcomes.append("serving")
                case .failure(.janus(let error)): outcomes.append("Janus: \(error.reason)")
                case .failure(.fatal(let problem)): outcomes.append("fatal: \(problem)")
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

    @Test func `a claimed session is swept: handles, rooms and rows with our mark go, others stay`() throws {
        try run { world in
            try world.leaveBehind()
            let owner = try takeSlot(sample(SlotID("host1/2")), world.registry)
            let claim = RoomRow(
                uri: room("other@x.com"), owner: owner, janusRoom: JanusRoomID(rawValue: 9), configuration: "{}")
            try world.registry.read { store throws(RegistryError) in _ = try store.claimRoom(claim) }.get()

            #expect(try world.takeOver() == "serving")
            #expect(
                world.janus.requests() == [
                    "create", "claim", "list_handles", "handle_info", "detach", "handle_info", "detach", "handle_info",
                    "detach", "attach", "message list", "message destroy",
                ])
            #expect(world.janus.handles.values.map(\.opaque) == ["c1:main:host1/1:rooms"])
            #expect(world.janus.rooms.keys.sorted() == [6, 7])
            #expect(try world.rows(of: slot) == (0, 0))
            #expect(try world.rows(of: sample(SlotID("host1/2"))) == (0, 1))
        }
    }

    @Test(arguments: ["c1:elsewhere:host1/1:rooms", "c1:main:host1/2:rooms", "somebody", "", "c1:main:host1/1:what"])
    func `a handle that is not marked as ours stops it before anything is removed behind it`(opaque: String) throws {
        try run { world in
            world.janus.addSession(world.session.rawValue)
            let foreign = world.janus.addHandle(world.session.rawValue, opaque: opaque)
            world.janus.addHandle(world.session.rawValue, opaque: "\(world.mark):rooms")
            let outcome = try world.takeOver()
            #expect(
                outcome.hasPrefix("fatal: session \(world.session) of slot host1/1 holds a handle marked \"\(opaque)\"")
            )
            #expect(world.janus.handles.count == 2)
            #expect(world.janus.handles[foreign] != nil)
            #expect(world.janus.count("detach") == 0)
        }
    }

    @Test func `handles that go by themselves meanwhile are no obstacle`() throws {
        try run { world in
            try world.leaveBehind()
            var asked = 0
            world.janus.interfere = { request in
                if request.name == "handle_info" { asked += 1 }
                if request.name == "handle_info", asked == 1 { return .refuse(459, "No such handle") }
                if request.name == "detach" { return .refuse(459, "No such handle") }
                return .proceed
            }
            #expect(try world.takeOver() == "serving")
            #expect(world.janus.count("detach") == 2)
        }
    }

    @Test func `without the admin API the session is ended whole and created anew`() throws {
        try run { world in
            try world.leaveBehind()
            #expect(try world.takeOver(isAdminUsed: false) == "serving")
            #expect(
                world.janus.requests() == [
                    "create", "claim", "destroy", "create", "attach", "message list", "message destroy",
                ])
            #expect(world.janus.handles.count == 1)
            #expect(try world.rows(of: slot) == (0, 0))
        }
    }

    @Test func `an admin API that refuses is done without`() throws {
        try run { world in
            try world.leaveBehind()
            world.janus.interfere = { $0.name == "list_handles" ? .refuse(403, "Unauthorized request") : .proceed }
            #expect(try world.takeOver() == "serving")
            #expect(world.janus.count("destroy") == 1)
            #expect(world.janus.handles.count == 1)
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

    @Test(arguments: ["create", "claim", "attach", "message list", "message destroy", "detach"])
    func `a refusal on the way ends it with Janus's reason`(step: String) throws {
        try run { world in
            try world.leaveBehind()
            world.janus.interfere = { request in
                guard request.name == step else { return .proceed }
                return step.hasPrefix("message") ? .refuseByPlugin(499, "no") : .refuse(490, "no")
            }
            let outcome = try world.takeOver()
            #expect(
                outcome == (step == "detach" ? "serving" : "Janus: no"), "handles that stay are ended with the session")
        }
    }

    @Test(arguments: [
        "create", "claim", "list_handles", "handle_info", "detach", "attach", "message list", "message destroy",
    ])
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
            #expect(try world.takeOver() == "registry: superseded")
            #expect(try world.rows(of: slot) == (1, 1))
        }
    }
}
