import Bus
import Foundation
import Identity
import NIOCore
import Registry
import Sylkrtc
import Testing

@testable import Worker

@Suite struct WorkerCoreTests {
    private let sessionID = JanusSessionID.of(slot, in: deployment).rawValue
    private let terminate = WorkerRequest.terminate(session: sequence(1))

    // MARK: Start

    @Test func `it takes its slot, its Janus session and serves`() throws {
        try CoreWorld.run { world in
            #expect(world.janus.sessions.keys.sorted() == [sessionID])
            #expect(world.door.status == WorkerStatus(slot: slot, load: 0, isJanusUp: true))
            let row = try world.row()
            #expect(row.endpoint == world.endpoint)
            #expect(row.janus == "ws://fake:1/")
            #expect(row.servesJanus)
            #expect(row.leaseUntil > LeaseInstant.now())
            #expect(world.ends == [])
        }
    }

    @Test func `it waits for a Janus that is not there yet`() throws {
        try CoreWorld.run(isServing: false) { world in
            world.janus.isReachable = false
            world.janus.isAdminReachable = false
            world.core.start()
            world.advance(by: .seconds(5))
            #expect(world.ends == [])
            world.janus.isReachable = true
            world.janus.isAdminReachable = true
            world.advance(by: .seconds(1))
            try world.door.connect()
            world.settle()
            #expect(world.door.status?.isJanusUp == true)
        }
    }

    @Test func `it asks again when Janus does not say what it is`() throws {
        try CoreWorld.run(isServing: false) { world in
            var asked = 0
            world.janus.interfere = { request in
                if request.name == "info" { asked += 1 }
                guard request.name == "info", asked < 3 else { return .proceed }
                return asked == 1
                    ? .refuse(490, "no") : .say(#"{"janus":"success","transaction":"\#(request.transaction)"}"#)
            }
            world.core.start()
            world.advance(by: .seconds(2))
            try world.door.connect()
            world.settle()
            #expect(asked == 3)
            #expect(world.door.status?.isJanusUp == true)
        }
    }

    @Test func `a missing plugin ends the start with a clear message`() throws {
        try CoreWorld.run(isServing: false) { world throws in
            world.janus.plugins = ["janus.plugin.sip"]
            world.core.start()
            world.settle()
            #expect(world.ends == ["fatal: Janus has not loaded janus.plugin.videoroom"])
        }
    }

    @Test func `a wrong secret ends the start with a clear message`() throws {
        try CoreWorld.run(isServing: false) { world throws in
            world.janus.secret = "other"
            world.core.start()
            world.settle()
            #expect(world.ends.count == 1)
            #expect(world.ends.first?.hasPrefix("fatal: Janus refuses [Janus] api_secret") == true)
        }
    }

    @Test func `a wrong admin secret ends the start with a clear message`() throws {
        try CoreWorld.run(isServing: false) { world throws in
            world.janus.adminSecret = "other"
            world.core.start()
            world.settle()
            #expect(world.ends.first?.hasPrefix("fatal: Janus refuses [Janus] admin_secret") == true)
        }
    }

    @Test func `another deployment's session is left alone, and the start ends`() throws {
        try CoreWorld.run(isServing: false) { world throws in
            world.janus.addSession(sessionID)
            world.janus.addHandle(sessionID, opaque: "c1:elsewhere:host1/1:rooms")
            world.core.start()
            world.settle()
            #expect(world.ends.count == 1)
            #expect(world.ends.first?.contains("not ours") == true)
            #expect(world.janus.handles.values.contains { $0.opaque == "c1:elsewhere:host1/1:rooms" })
            #expect(world.janus.count("detach") == 0)
        }
    }

    @Test func `what a dead predecessor left without a row is removed`() throws {
        try CoreWorld.run(isServing: false) { world in
            world.janus.addSession(sessionID)
            world.janus.addHandle(sessionID, opaque: "c1:main:host1/1:f1.2s.0.1.1")
            world.janus.rooms[5] = FakeJanus.Room(description: "c1:main:host1/1", maximum: 10)
            try world.serve()
            #expect(world.janus.handles.values.map(\.opaque) == ["c1:main:host1/1:rooms"])
            #expect(world.janus.rooms.isEmpty)
        }
    }

    @Test func `with every slot taken it stands by, and serves as soon as one is free`() throws {
        try CoreWorld.run(isServing: false) { world in
            var holder = try SlotLock.take(1, in: "\(world.directory.path)/bus")
            world.core.start()
            world.advance(by: .seconds(3))
            #expect(world.janus.sessions.isEmpty)
            holder = nil
            world.advance(by: .milliseconds(50))
            #expect(holder == nil)
            try world.door.connect()
            world.settle()
            #expect(world.door.status?.isJanusUp == true)
        }
    }

    @Test func `a standby whose Janus comes and goes takes one slot only`() throws {
        try CoreWorld.run(configuration: "[Worker]\nslots = 1-2", isServing: false) { world in
            var holders = [
                try SlotLock.take(1, in: "\(world.directory.path)/bus"),
                try SlotLock.take(2, in: "\(world.directory.path)/bus"),
            ]
            world.core.start()
            for _ in 0..<4 {
                world.advance(by: .milliseconds(700))
                world.janus.breakLinks()
            }
            world.advance(by: .seconds(1))
            holders = []
            world.advance(by: .seconds(1))
            #expect(holders.isEmpty)
            #expect(world.janus.sessions.count == 1)
            #expect(try SlotLock.take(2, in: "\(world.directory.path)/bus") != nil)
        }
    }

    // MARK: Serving

    @Test func `R10 R12 R13 R18 a conference from the first join to the last goodbye`() throws {
        try CoreWorld.run { world in
            try world.join("alice", 1)
            try world.join("bob", 2)
            world.request(.feedAttach(base: sequence(1), feed: client("feed"), publisher: "bob"), 1, 2)
            world.request(.feedAnswer(feed: sequence(2), answer: sdp("x")), 1, 3)
            world.janus.mediaUp(try #require(world.janusHandle(of: 1, 2)))
            world.settle()
            #expect(world.said == ["1/2 ack", "1/1: feed 2 offers offer", "1/3 ack", "1/1: feed 2 established"])
            world.advance(by: .seconds(1))
            #expect(world.door.status?.load == 3)
            #expect(try world.row().load == 3)
            world.request(terminate, 2, 2)
            #expect(world.said.sorted() == ["1/1: feed 2 ended", "1/1: went: [bob]", "2/1: terminated", "2/2 ack"])
            world.request(terminate, 1, 4)
            #expect(world.said == ["1/4 ack", "1/1: terminated"])
            #expect(world.janus.rooms.isEmpty)
            world.advance(by: .seconds(1))
            #expect(try world.sessions() == [], "the front door has acknowledged it all")
            #expect(try world.rooms() == [])
        }
    }

    @Test func `rows of what ended stay until the front door has acknowledged what it was told`() throws {
        try CoreWorld.run { world in
            try world.join("alice", 1)
            world.request(terminate, 1, 2)
            #expect(try world.sessions().map(\.ended) == [true])
            world.advance(by: .milliseconds(600))
            #expect(try world.sessions() == [])
        }
    }

    @Test func `an unusable request from a confused front door is answered and harms nobody`() throws {
        try CoreWorld.run { world in
            try world.join("alice", 1)
            for body in ["", "{}", #"{"request":"join","client":"x"}"#, #"{"request":"terminate"}"#] {
                world.door.send(.request, Array(body.utf8), connection(1), sequence(7))
                world.settle()
                #expect(world.said == ["1/7 error internal error"])
            }
            world.request(.update(session: sequence(1), audio: true, video: nil, bitrate: nil), 1, 8)
            #expect(world.said == ["1/8 ack"])
        }
    }

    // MARK: Front doors

    @Test func `a front door that dies has its sessions released after five seconds, and others are told`() throws {
        try CoreWorld.run { world in
            let other = world.addDoor(frontdoorLoop(2))
            try other.connect()
            try world.join("alice", 1)
            other.request(.join(joining("bob")), 1, 1)
            world.settle()
            #expect(other.transcript().contains("1/1 ack"))
            world.door.die()
            world.advance(by: .seconds(5))
            #expect(other.transcript() == [])
            world.advance(by: .seconds(1))
            #expect(other.transcript() == ["1/1: went: [alice]"])
            #expect(world.said == [])
            #expect(world.janusHandle(of: 1, 1) == nil)
            #expect(try world.sessions().map(\.clientSession) == [client("bob")])
            other.die()
            world.advance(by: .seconds(9))
            #expect(world.janus.rooms.isEmpty)
            #expect(try world.sessions() == [])
            #expect(try world.rooms() == [])
        }
    }

    @Test func `a new link's list is what counts: what is not in it is released`() throws {
        try CoreWorld.run { world in
            try world.join("alice", 1)
            world.door.isPersistent = false
            let young = ScriptedFrontdoor(frontdoor, world.network, at: world.endpoint, on: world.loop)
            try young.connect(as: 2)
            world.settle()
            #expect(world.janusHandle(of: 1, 1) == nil)
            young.request(terminate, 1, 2)
            world.settle()
            #expect(young.transcript() == ["1/2 unknown session"])
            young.die()
        }
    }

    @Test func `the next life of a front door ends what its last one left, other loops' sessions stay`() throws {
        try CoreWorld.run { world in
            try world.join("alice", 1)
            let loop = ScriptedFrontdoor(frontdoorLoop(1, loop: 1), world.network, at: world.endpoint, on: world.loop)
            try loop.connect()
            world.settle()
            #expect(world.janusHandle(of: 1, 1) != nil)
            world.door.die()
            let next = ScriptedFrontdoor(
                frontdoorLoop(1, incarnation: 101), world.network, at: world.endpoint, on: world.loop)
            try next.connect()
            world.settle()
            #expect(world.janusHandle(of: 1, 1) == nil)
            loop.die()
            next.die()
        }
    }

    @Test func `a front door may release a session or say that a connection is gone`() throws {
        try CoreWorld.run { world in
            try world.join("alice", 1)
            try world.join("bob", 2)
            try world.join("carol", 3)
            world.door.send(.release, [], connection(1), sequence(1))
            world.settle()
            #expect(world.said.sorted() == ["2/1: went: [alice]", "3/1: went: [alice]"])
            world.door.send(.gone, [], connection(2))
            world.settle()
            #expect(world.said == ["3/1: went: [bob]"])
        }
    }

    // MARK: Janus

    @Test func `a broken link to Janus tells nobody anything, and everything goes on`() throws {
        try CoreWorld.run { world in
            try world.join("alice", 1)
            try world.join("bob", 2)
            _ = world.said
            world.janus.breakLinks()
            world.settle()
            #expect(world.said == [])
            #expect(try !world.row().servesJanus)
            #expect(world.door.status?.isJanusUp == false)
            world.request(.join(joining("carol")), 3, 1)
            #expect(world.said == [], "it waits")
            world.advance(by: .seconds(1))
            #expect(world.door.status?.isJanusUp == true)
            #expect(world.said.map { $0.prefix(10) } == ["3/1 ack", "3/1: progr", "3/1: accep", "3/1: there"])
            #expect(world.door.book.state(session(3))?.announced.count == 2)
            #expect(world.janus.handles.count == 4)
            #expect(world.janus.rooms.count == 1)
            world.request(terminate, 1, 2)
            #expect(world.said.sorted() == ["1/1: terminated", "1/2 ack", "2/1: went: [alice]", "3/1: went: [alice]"])
            #expect(world.ends == [])
        }
    }

    @Test func `B07 a restarted Janus ends every session with a reason, and rooms can be joined again`() throws {
        try CoreWorld.run { world in
            try world.join("alice", 1)
            world.janus.restart()
            world.settle()
            #expect(world.said == [])
            world.advance(by: .seconds(1))
            #expect(world.said == ["1/1: terminated 500 Janus lost"])
            #expect(world.janus.sessions.keys.sorted() == [sessionID])
            #expect(try world.rooms() == [])
            try world.join("alice", 2)
        }
    }

    @Test func `a Janus that stays away is waited for`() throws {
        try CoreWorld.run { world in
            try world.join("alice", 1)
            world.janus.isReachable = false
            world.janus.breakLinks()
            world.advance(by: .seconds(10))
            #expect(world.said == [])
            #expect(world.door.status?.isJanusUp == false)
            world.janus.isReachable = true
            world.advance(by: .seconds(2))
            #expect(world.said == [])
            world.request(.update(session: sequence(1), audio: true, video: nil, bitrate: nil), 1, 2)
            #expect(world.said == ["1/2 ack"])
        }
    }

    @Test func `links that break again and again leave one worker serving`() throws {
        try CoreWorld.run { world in
            for round in UInt64(1)...12 {
                world.janus.breakLinks()
                world.advance(by: .milliseconds(Int64(round) * 70))
            }
            world.advance(by: .seconds(2))
            #expect(world.ends == [])
            #expect(world.janus.handles.values.map(\.opaque) == ["c1:main:host1/1:rooms"])
            try world.join("alice", 1)
        }
    }

    @Test func `B09 a session that Janus times out is made anew over the link that stands`() throws {
        try CoreWorld.run { world in
            try world.join("alice", 1)
            world.janus.timeOut(sessionID)
            world.advance(by: .seconds(2))
            #expect(world.said == ["1/1: terminated 500 Janus lost"])
            #expect(world.janus.sessions.keys.sorted() == [sessionID])
            try world.join("alice", 2)
        }
    }

    @Test func `B09 a keepalive that finds no session makes it look again, and what is there goes on`() throws {
        try CoreWorld.run { world in
            try world.join("alice", 1)
            var refused = false
            world.janus.interfere = { request in
                guard request.name == "keepalive", !refused else { return .proceed }
                refused = true
                return .refuse(458, "No such session")
            }
            world.advance(by: .seconds(7))
            #expect(refused)
            #expect(world.said == [])
            world.request(terminate, 1, 2)
            #expect(world.said == ["1/2 ack", "1/1: terminated"])
        }
    }

    @Test func `a Janus that hangs is given up, and met again on a new connection`() throws {
        try CoreWorld.run { world in
            try world.join("alice", 1)
            world.janus.interfere = { _ in .drop }
            world.advance(by: .seconds(16))
            world.janus.interfere = { _ in .proceed }
            world.advance(by: .seconds(15))
            #expect(world.said == [])
            world.request(terminate, 1, 2)
            #expect(world.said == ["1/2 ack", "1/1: terminated"])
        }
    }

    @Test(arguments: [false, true])
    func `a takeover that brings no answers is begun again on a new connection`(isAdmin: Bool) throws {
        try CoreWorld.run(isServing: false) { world in
            world.janus.nextHalfOpen = isAdmin
            world.janus.addSession(sessionID)
            world.core.start()
            for _ in 0..<20 { world.advance(by: .seconds(1)) }
            #expect(world.janus.count("destroy") == 0, "nothing that was there is ended")
            try world.door.connect()
            world.settle()
            try world.join("alice", 1)
        }
    }

    @Test func `without the admin API a claimed session is ended whole`() throws {
        try CoreWorld.run(isServing: false) { world in
            world.janus.isAdminReachable = false
            world.janus.addSession(sessionID)
            world.janus.addHandle(sessionID, opaque: "c1:main:host1/1:f1.2s.0.1.1")
            world.core.start()
            world.advance(by: .seconds(1))
            #expect(world.janus.count("create") == 0, "it is given the time to connect")
            world.advance(by: .seconds(10))
            try world.door.connect()
            world.settle()
            #expect(world.janus.handles.count == 1)
            try world.join("alice", 1)
        }
    }

    // MARK: The slot

    @Test func `a slot that another incarnation has taken ends the process`() throws {
        try CoreWorld.run { world in
            _ = try takeSlot(slot, world.registry)
            world.advance(by: .seconds(1))
            #expect(world.ends.first == "superseded: another process has taken the slot")
        }
    }

    @Test func `a lock file that is not its own ends the process`() throws {
        try CoreWorld.run { world in
            try FileManager.default.removeItem(atPath: "\(world.directory.path)/bus/slot-1.lock")
            world.advance(by: .seconds(1))
            #expect(world.ends.first == "superseded: the slot's lock file was replaced")
        }
    }

    @Test func `a registry that is lost is filled again with what is there`() throws {
        try CoreWorld.run { world in
            try world.join("alice", 1)
            let before = (try world.rooms(), try world.sessions().map(\.id))
            for suffix in ["", "-wal", "-shm"] {
                try FileManager.default.removeItem(atPath: "\(world.directory.path)/registry.sqlite\(suffix)")
            }
            world.advance(by: .seconds(3))
            #expect(world.ends == [])
            #expect(try world.row().servesJanus)
            #expect(try world.rooms() == before.0)
            #expect(try world.sessions().map(\.id) == before.1)
            world.request(terminate, 1, 2)
            #expect(world.said == ["1/2 ack", "1/1: terminated"])
        }
    }

    @Test func `what ends while the registry is lost leaves no rows in it when it is back`() throws {
        try CoreWorld.run { world in
            try world.join("alice", 1)
            try world.join("bob", 2, in: "other@x.com")
            for suffix in ["", "-wal", "-shm"] {
                try FileManager.default.removeItem(atPath: "\(world.directory.path)/registry.sqlite\(suffix)")
            }
            world.request(terminate, 1, 2)
            #expect(world.said == ["1/2 ack", "1/1: terminated"])
            world.request(.join(joining("carol")), 3, 1)
            #expect(world.said == ["3/1 error the registry is not available"])
            world.advance(by: .seconds(4))
            #expect(try world.sessions().map(\.clientSession) == [client("bob")])
            #expect(try world.rooms().map(\.uri) == [room("other@x.com")])
            try world.join("carol", 4)
        }
    }

    // MARK: Stop

    @Test func `an idle worker takes its Janus session along when it stops`() throws {
        try CoreWorld.run { world throws in
            var isStopped = false
            world.core.stop { isStopped = true }
            world.settle()
            #expect(isStopped)
            #expect(world.janus.sessions.isEmpty)
            #expect(try world.row().leaseUntil <= .now())
            #expect(try SlotLock.take(1, in: "\(world.directory.path)/bus") != nil)
        }
    }

    @Test func `a worker with sessions leaves them standing in Janus when it stops`() throws {
        try CoreWorld.run { world in
            try world.join("alice", 1)
            var isStopped = false
            world.core.stop { isStopped = true }
            world.settle()
            #expect(isStopped)
            #expect(world.janus.sessions.keys.sorted() == [sessionID])
            #expect(world.janusHandle(of: 1, 1) != nil)
            #expect(try world.sessions().count == 1)
            #expect(world.said == [])
        }
    }

    @Test func `a worker that has not begun stops at once`() throws {
        try CoreWorld.run(isServing: false) { world throws in
            var isStopped = false
            world.core.stop { isStopped = true }
            world.settle()
            #expect(isStopped)
        }
    }

    @Test func `a worker that is being started stops, whatever is under way`() throws {
        for step in ["info", "create", "attach", "message list"] {
            try CoreWorld.run(isServing: false) { world throws in
                world.janus.interfere = { $0.name == step ? .drop : .proceed }
                world.core.start()
                world.settle()
                var stops = 0
                world.core.stop { stops += 1 }
                world.advance(by: .seconds(12))
                #expect(stops == 1, "\(step)")
                #expect(world.ends == [], "\(step)")
            }
        }
    }

    @Test func `its successor takes over where it stopped`() throws {
        let directory = TemporaryDirectory()
        let first = try CoreWorld(directory: directory)
        try first.serve()
        let incarnation = try first.row().incarnation
        var isStopped = false
        first.core.stop { isStopped = true }
        first.settle()
        first.end()
        #expect(isStopped)
        let second = try CoreWorld(directory: directory)
        try second.serve()
        #expect(try second.row().incarnation > incarnation)
        try second.join("alice", 1)
        second.end()
    }
}
