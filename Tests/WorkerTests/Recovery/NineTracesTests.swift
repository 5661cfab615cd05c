import Bus
import Foundation
import Identity
import NIOCore
import Registry
import Sylkrtc
import Testing

@testable import Worker

/// The nine ways in which a model of the recovery broke an earlier wording of its rules (architecture page, section 7).
@Suite struct NineTracesTests {
    private let terminate = WorkerRequest.terminate(session: sequence(1))

    private func run(_ test: (CoreWorld) throws -> Void) throws {
        let world = try CoreWorld()
        defer { world.end() }
        try world.serve()
        try test(world)
        world.live()
        world.expectConsistency("at rest")
        try world.everybodyLeaves("at the end")
    }

    // MARK: An acked join lost by a crash

    @Test(arguments: [true, false])
    func `an acked join that Janus still has queued when its worker dies is never repeated`(isDoneUnseen: Bool) throws {
        try run { world in
            world.janus.queues = { $0.name == "message joinandconfigure" }
            world.request(.join(joining("alice")), 1, 1)
            #expect(world.said == ["1/1 ack", "1/1: progress"])
            world.kill()
            world.janus.queues = { _ in false }
            if isDoneUnseen { world.janus.releaseQueued() }
            world.succeed()
            world.settle()
            if !isDoneUnseen {
                #expect(world.said == [], "it waits for what Janus has")
                world.janus.releaseQueued()
                world.settle()
            }
            #expect(world.said == ["1/1: accepted answer", "1/1: there: []"])
            #expect(world.janus.count("message joinandconfigure") == 1)
        }
    }

    @Test func `an unanswered join that Janus still has queued is repeated, and done once`() throws {
        try run { world in
            world.janus.queues = { $0.name == "message joinandconfigure" }
            world.janus.served = { if $0.name == "message joinandconfigure" { world.kill() } }
            world.request(.join(joining("alice")), 1, 1)
            world.janus.served = { _ in }
            #expect(world.said == [])
            world.succeed()
            world.settle()
            world.janus.queues = { _ in false }
            world.janus.releaseQueued()
            world.live()
            #expect(
                world.said == [
                    "1/1 ack", "1/1: progress", "1/1: accepted answer", "1/1: there: []", "1/1: established",
                ])
        }
    }

    @Test func `an acked join whose handle is gone ends with a reason`() throws {
        try run { world in
            world.janus.queues = { $0.name == "message joinandconfigure" }
            world.request(.join(joining("alice")), 1, 1)
            world.kill()
            world.janus.removeHandle(try #require(world.janusHandle(of: 1, 1)))
            world.succeed()
            world.settle()
            #expect(world.said == ["1/1 ack", "1/1: progress", "1/1: terminated reason unspecified"])
        }
    }

    // MARK: A departure, a hangup or a join between claim and snapshot

    @Test func `whoever goes or comes between the claim and the snapshot is told of once`() throws {
        for side in Moment.Side.allCases {
            for index in 0..<12 {
                try run { world in
                    try world.join("alice", 1)
                    try world.join("bob", 2)
                    world.request(.join(joining("carol")), 3, 1)
                    _ = world.transcripts()
                    let (bob, carol) = (world.janusHandle(of: 2, 1), world.janusHandle(of: 3, 1))
                    world.kill()
                    var hasMoved = false
                    world.strike = { world in
                        guard !hasMoved, let bob, let carol else { return }
                        hasMoved = true
                        world.janus.closePeer(bob)
                        world.janus.mediaUp(carol)
                    }
                    world.fate.begin(Moment(deed: .request, index: index, side: side), isLethal: false)
                    world.succeed()
                    world.live()
                    world.fate.stopCounting()
                    world.strike = { $0.kill() }
                    #expect(hasMoved)
                    let lines = world.transcripts()
                    let comment = Comment(rawValue: "\(side) request \(index)")
                    #expect(
                        lines["0-1"]?.sorted() == [
                            "1/1: came: [carol (carol@example.com, Carol)]", "1/1: went: [bob]",
                        ],
                        comment)
                    #expect(lines["0-2"]?.count == 1, comment)
                    #expect(lines["0-2"]?.first?.hasPrefix("2/1: terminated ") == true, comment)
                    #expect(
                        lines["0-3"] == ["3/1: went: [bob]", "3/1: established"]
                            || lines["0-3"] == ["3/1: established", "3/1: went: [bob]"], comment)
                }
            }
        }
    }

    @Test func `a departure and a hangup while nobody owns the session are told by the successor`() throws {
        try run { world in
            try world.join("alice", 1)
            try world.join("bob", 2)
            try world.join("carol", 3)
            world.request(.feedAttach(base: sequence(1), feed: client("feed"), publisher: "bob"), 1, 2)
            _ = world.transcripts()
            world.kill()
            world.janus.closePeer(try #require(world.janusHandle(of: 2, 1)))
            world.janus.removeHandle(try #require(world.janusHandle(of: 3, 1)))
            world.succeed()
            world.live()
            let lines = world.transcripts()
            #expect(lines["0-1"]?.sorted() == ["1/1: feed 2 ended", "1/1: went: [bob, carol]"])
            #expect(lines["0-2"]?.last == "2/1: terminated reason unspecified")
            #expect(lines["0-3"]?.last == "3/1: terminated reason unspecified")
        }
    }

    @Test func `a hangup that nobody saw ends a join that was not answered yet`() throws {
        for isAcked in [true, false] {
            try run { world in
                world.janus.queues = { isAcked && $0.name == "message joinandconfigure" }
                world.janus.served = { if !isAcked, $0.name == "message joinandconfigure" { world.kill() } }
                world.request(.join(joining("alice")), 1, 1)
                world.janus.served = { _ in }
                world.janus.queues = { _ in false }
                if isAcked { world.kill() }
                world.janus.releaseQueued()
                world.janus.closePeer(try #require(world.janusHandle(of: 1, 1)))
                world.succeed()
                world.live()
                #expect(
                    world.said
                        == (isAcked
                            ? ["1/1 ack", "1/1: progress", "1/1: terminated reason unspecified"]
                            : ["1/1 error reason unspecified"]))
            }
        }
    }

    // MARK: A session whose row died before its ack

    @Test func `a join whose row died before its ack begins anew, and what it left goes`() throws {
        try run { world in
            try world.join("alice", 1)
            world.janus.served = { if $0.name == "message joinandconfigure" { world.kill() } }
            world.request(.join(joining("bob")), 2, 1)
            world.janus.served = { _ in }
            let left = try #require(world.janusHandle(of: 2, 1))
            world.succeed()
            let owner = world.registry.read { store throws(RegistryError) in
                let incarnation = try store.slots().first { $0.slot == slot }?.incarnation
                guard let incarnation else { throw .unavailable("no slot") }
                return RoomOwner(slot: slot, incarnation: incarnation)
            }
            try world.registry.read { store throws(RegistryError) in
                try store.deleteSessions([session(2)], owner: owner.get())
            }.get()
            world.live()
            #expect(world.janus.handles[left] == nil)
            #expect(
                world.transcripts()["0-2"] == [
                    "2/1 ack", "2/1: progress", "2/1: accepted answer",
                    "2/1: there: [alice (alice@example.com, Alice)]",
                    "2/1: established",
                ])
        }
    }

    @Test func `an acked session whose row died ends with a reason`() throws {
        try run { world in
            try world.join("alice", 1)
            try world.join("bob", 2)
            world.kill()
            world.succeed()
            let slotRow = try world.row()
            try world.registry.read { store throws(RegistryError) in
                try store.deleteSessions(
                    [session(2)], owner: RoomOwner(slot: slot, incarnation: slotRow.incarnation))
            }.get()
            world.live()
            let lines = world.transcripts()
            #expect(lines["0-2"]?.last == "2/1: terminated 500 Session lost")
            #expect(lines["0-1"]?.last == "1/1: went: [bob]")
        }
    }

    // MARK: An old request on a new link

    @Test func `an old request that arrives on a new link has no effect`() throws {
        try run { world in
            try world.join("alice", 1)
            let old = world.door.rawRequest(.update(session: sequence(1), audio: false, video: nil, bitrate: nil), 1, 2)
            world.network.cut(world.door.routingID, at: world.endpoint)
            world.elapse(.milliseconds(4250))
            #expect(world.door.number == 2)
            _ = world.janus.requests()
            world.door.sendRaw(old)
            world.settle()
            #expect(world.janus.requests() == [])
            #expect(world.said == [])
            world.request(.update(session: sequence(1), audio: false, video: nil, bitrate: nil), 1, 2)
            #expect(world.said == ["1/2 ack"])
        }
    }

    // MARK: An event delivered past a lost ack

    @Test func `an event is not delivered past a lost ack: both come on the next link, in order`() throws {
        try run { world in
            world.network.dropNext(.toFrontdoor, world.door.routingID, at: world.endpoint)
            world.request(.join(joining("alice")), 1, 1)
            world.settle()
            #expect(world.door.losses.count == 1)
            world.live()
            #expect(
                world.said == [
                    "1/1 ack", "1/1: progress", "1/1: accepted answer", "1/1: there: []", "1/1: established",
                ])
            #expect(world.janus.count("message joinandconfigure") == 1)
        }
    }

    // MARK: A deadline error for a join that still succeeds

    @Test(arguments: ["attach", "message create", "message joinandconfigure"])
    func `a join that was given up and still succeeds is undone`(step: String) throws {
        for isOwed in [false, true] {
            try run { world in
                world.janus.interfere = { $0.name == step ? .hold : .proceed }
                world.request(.join(joining("alice")), 1, 1)
                if isOwed {
                    world.network.cut(world.door.routingID, at: world.endpoint)
                    world.door.giveUp(1, 1)
                    world.elapse(.milliseconds(4250))
                } else {
                    world.door.giveUp(1, 1)
                    world.settle()
                }
                world.janus.interfere = { _ in .proceed }
                world.janus.releaseHeld()
                world.live()
                #expect(world.said == [])
                #expect(world.janus.rooms.isEmpty)
                #expect(world.janus.handles.count == 1)
            }
        }
    }

    @Test func `a release owed to a dead worker is paid by its successor`() throws {
        try run { world in
            world.janus.queues = { $0.name == "message joinandconfigure" }
            world.janus.served = { if $0.name == "message joinandconfigure" { world.kill() } }
            world.request(.join(joining("alice")), 1, 1)
            world.janus.served = { _ in }
            world.door.giveUp(1, 1)
            world.janus.queues = { _ in false }
            world.janus.releaseQueued()
            world.succeed()
            world.live()
            #expect(world.said == [])
            #expect(world.janus.rooms.isEmpty)
            #expect(world.janus.handles.count == 1)
        }
    }

    // MARK: A late attach of a dead process

    @Test(arguments: [true, false])
    func `a late attach of a dead process makes a second handle, which goes`(isPublisher: Bool) throws {
        for isKilledAgain in [false, true] {
            try run { world in
                try world.join("alice", 1)
                try world.join("bob", 2)
                _ = world.transcripts()
                // The attach is on its way when the process dies, and reaches Janus when its handles have been listed.
                world.janus.interfere = { request in
                    guard request.name == "attach" else { return .proceed }
                    world.kill()
                    return .drop
                }
                let (number, name): (UInt64, UInt64) = isPublisher ? (3, 1) : (1, 2)
                if isPublisher {
                    world.request(.join(joining("carol")), 3, 1)
                } else {
                    world.request(.feedAttach(base: sequence(1), feed: client("feed"), publisher: "bob"), 1, 2)
                }
                let opaque = OpaqueID(
                    deployment: deployment, slot: slot, purpose: .session(session(number, request: name)))
                var late: UInt64?
                world.janus.interfere = { request in
                    if request.name == "message list", late == nil {
                        late = world.janus.addHandle(request.session, opaque: opaque.description)
                    }
                    return .proceed
                }
                world.succeed()
                world.live()
                let handle = try #require(late)
                #expect(world.janus.handles[handle] != nil, "nobody has looked yet")
                if isKilledAgain {
                    world.kill()
                    world.live()
                } else {
                    world.elapse(JanusSweep.interval + .seconds(1))
                }
                #expect(world.janus.handles[handle] == nil)
                let lines = world.transcripts()["0-\(number)"]
                if isPublisher {
                    #expect(lines?.last == "3/1: established")
                    #expect(lines?.count == 5)
                } else {
                    #expect(lines == ["1/2 ack", "1/1: feed 2 offers offer"])
                }
            }
        }
    }

    // MARK: A late list of a dead front door

    @Test func `a late list of a dead front door changes nothing`() throws {
        let world = try CoreWorld()
        defer { world.end() }
        try world.serve()
        try world.join("alice", 1)
        let old = world.door
        old.isPersistent = false
        let young = world.addDoor(frontdoorLoop(1, incarnation: 101))
        try young.connect()
        world.live()
        #expect(world.janusHandle(of: 1, 1) == nil, "the next life's first hello ends what the last one left")
        young.request(.join(joining("bob")), 1, 1)
        world.live()
        // The dead one's process is a ghost that still sends.
        old.request(.join(joining("mallory")), 7, 1)
        world.live()
        try old.connect()
        world.live()
        #expect(young.transcript().filter { $0.contains("mallory") } == [])
        #expect(
            young.book.state(SessionID(connection: connection(1, of: young.owner), request: sequence(1)))?.stage
                == .established)
        #expect(world.janus.rooms.values.flatMap(\.participants).count == 1)
    }

    // MARK: A lock lost while an intent was open

    @Test(arguments: ["attach", "message create"])
    func `a lock lost while an intent was open: nothing more is said, and the next holder finishes it`(step: String)
        throws
    {
        let world = try CoreWorld()
        defer { world.end() }
        try world.serve()
        world.janus.interfere = { $0.name == step ? .hold : .proceed }
        world.request(.join(joining("alice")), 1, 1)
        try FileManager.default.removeItem(atPath: "\(world.directory.path)/bus/slot-1.lock")
        world.advance(by: .seconds(1))
        #expect(world.ends == ["superseded: the slot's lock file was replaced"])
        #expect(world.said == [])
        world.kill()
        world.janus.interfere = { _ in .proceed }
        world.succeed()
        world.live()
        #expect(
            world.said == [
                "1/1 ack", "1/1: progress", "1/1: accepted answer", "1/1: there: []", "1/1: established",
            ])
        #expect(world.door.book.violations == [])
        try world.everybodyLeaves("at the end")
    }

    @Test func `a slot that another has taken refuses the write that an intent needs`() throws {
        let world = try CoreWorld()
        defer { world.end() }
        try world.serve()
        _ = try takeSlot(slot, world.registry)
        world.request(.join(joining("alice")), 1, 1)
        #expect(world.ends.first == "superseded: a write was refused")
        #expect(world.said == [])
        #expect(world.janus.count("message joinandconfigure") == 0)
    }
}
