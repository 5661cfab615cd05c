import Bus
import Identity
import NIOCore
import Registry
import Sylkrtc
import Testing

@testable import Frontdoor

/// Clients, placement and workers together.
struct DoorLoopTests {
    // MARK: A conference

    @Test func `R10 A join goes to the serving worker, and what that says goes to the client`() async throws {
        let scene = try await Scene()
        #expect(try await scene.heard() == ["list end"])
        try await scene.join()
        try await scene.hall.run { stage in
            stage.worker().tell(.test(2), .state(.progress))
            stage.worker().tell(.test(2), .state(.accepted(answer: sdp("answer"))))
            stage.worker().tell(.test(2), .initialPublishers([]))
        }
        #expect(try await scene.told() == ["pub-a progress", "pub-a accepted", "pub-a initial_publishers"])
    }

    @Test func `What concerns another life of this front door is not heard`() async throws {
        let scene = try await Scene()
        try await scene.join()
        try await scene.hall.run { stage in
            let owner = FrontdoorLoopID(
                frontdoor: ConnectionID.test.owner.frontdoor, incarnation: Incarnation(rawValue: 99), loop: 0)
            let other = ConnectionID(owner: owner, number: 1)
            stage.worker().tell(SessionID(connection: other, request: request(2)), .state(.progress))
            stage.worker().answer(request(2), of: other)
            stage.worker().tell(
                SessionID(connection: ConnectionID(owner: .test, number: 9), request: request(2)), .state(.progress))
        }
        #expect(try await scene.told() == [])
    }

    @Test func `B08 A client that is gone is told to its worker`() async throws {
        let scene = try await Scene()
        try await scene.join()
        try await scene.hall.run { [client = scene.client] _ in client.value.disconnect() }
        #expect(try await scene.heard() == ["gone"])
        try await scene.hall.run { stage in stage.worker().tell(.test(2), .state(.progress)) }
        #expect(try await scene.told() == [])
    }

    @Test func `B10 A join without an answer is answered after thirty seconds, and released`() async throws {
        let scene = try await Scene()
        _ = try await scene.ask(.join("pub-a"), as: "join")
        #expect(try await scene.heard() == ["list end", "request 2"])
        try await scene.hall.pass(.milliseconds(29_750))
        #expect(try await scene.told() == [])
        try await scene.hall.pass(.milliseconds(250))
        #expect(try await scene.told() == ["error join: request timed out"])
        #expect(try await scene.heard() == ["release 2"])
        #expect(try await scene.answer(2) == [])
    }

    @Test func `Deadlines of several clients pass each in their turn`() async throws {
        let scene = try await Scene()
        let other = try await scene.hall.client()
        _ = try await scene.ask(.join("pub-a"))
        try await scene.hall.pass(.seconds(10))
        try await scene.hall.run { _ in
            other.value.ask(.addAccount())
            other.value.ask(.join("pub-x"), as: "x")
        }
        try await scene.hall.pass(.seconds(20))
        #expect(try await scene.told() == ["error t: request timed out"])
        #expect(try await scene.hall.told(other) == ["ready", "ack t"])
        try await scene.hall.pass(.seconds(10))
        #expect(try await scene.hall.told(other) == ["error x: request timed out"])
    }

    // MARK: Placement

    @Test func `R10 A room that exists is joined where it lives`() async throws {
        let scene = try await Scene(workers: 1...3)
        try await scene.hall.claim(room, by: 2)
        for number in UInt64(2)...6 {
            _ = try await scene.ask(.join("pub-\(number)"))
            #expect(try await scene.heard(by: 2).last == "request \(number)")
        }
    }

    @Test func `New rooms are spread over the workers`() async throws {
        let scene = try await Scene(workers: 1...2)
        for number in 0..<20 { _ = try await scene.ask(.join("pub-\(number)", room: "room\(number)@example.org")) }
        let counts = [try await scene.heard(by: 1).count - 1, try await scene.heard(by: 2).count - 1]
        #expect(counts == [10, 10])
    }

    @Test func `New rooms go to the worker with less to do`() async throws {
        let scene = try await Scene(workers: 1...2)
        try await scene.hall.run { stage in
            stage.worker(1).load = 100
            stage.worker(1).beat()
        }
        for number in 0..<20 { _ = try await scene.ask(.join("pub-\(number)", room: "room\(number)@example.org")) }
        #expect(try await scene.heard(by: 1) == ["list end"])
    }

    @Test func `A join waits for the worker of its room, as long as it may take at all`() async throws {
        let scene = try await Scene()
        try await scene.hall.claim(room, by: 2)
        #expect(try await scene.ask(.join("pub-a"), as: "join") == [])
        #expect(try await scene.ask(.trickle(), as: "trickle") == [])
        try await scene.hall.pass(.milliseconds(29_750))
        #expect(try await scene.told() == [])
        try await scene.hall.pass(.milliseconds(250))
        #expect(
            try await scene.told() == [
                "error join: request timed out", "error trickle: trickle: unknown video room session: pub-a",
            ])
        #expect(try await scene.heard() == ["list end"], "nobody else is asked")
        try await scene.hall.run { stage in _ = try stage.addWorker(2) }
        try await scene.hall.pass(.seconds(1))
        #expect(try await scene.heard(by: 2) == ["list end"], "the search has ended")
        #expect(try await scene.told() == [])
    }

    @Test func `A join whose worker comes back in time goes there, with what came behind it`() async throws {
        let scene = try await Scene()
        try await scene.hall.claim(room, by: 2)
        _ = try await scene.ask(.join("pub-a"), as: "join")
        _ = try await scene.ask(.trickle(), as: "trickle")
        try await scene.hall.pass(.seconds(2))
        try await scene.hall.run { stage in _ = try stage.addWorker(2) }
        try await scene.hall.pass(.milliseconds(250))
        #expect(try await scene.heard(by: 2) == ["list end", "request 2", "request 3"])
    }

    @Test func `A join that met the wrong worker is located again`() async throws {
        let scene = try await Scene()
        _ = try await scene.ask(.join("pub-a"))
        #expect(try await scene.heard() == ["list end", "request 2"])
        try await scene.hall.claim(room, by: 2)
        #expect(try await scene.answer(2, .notOwner(slot(2))) == [])
        try await scene.hall.run { stage in _ = try stage.addWorker(2) }
        try await scene.hall.pass(.milliseconds(250))
        #expect(try await scene.heard(by: 2) == ["list end", "request 2"])
        #expect(try await scene.answer(2, by: 2) == ["ack t"])
    }

    @Test func `Without a worker that serves there is no room`() async throws {
        let scene = try await Scene()
        try await scene.hall.run { stage in
            stage.worker().isJanusUp = false
            stage.worker().beat()
        }
        #expect(try await scene.ask(.join("pub-a")) == [])
        try await scene.hall.pass(.milliseconds(4750))
        #expect(try await scene.told() == [])
        try await scene.hall.pass(.milliseconds(500))
        #expect(try await scene.told() == ["error t: no worker is available"])
    }

    @Test func `A join for a new room waits for the first worker that serves again`() async throws {
        let scene = try await Scene()
        try await scene.hall.run { stage in
            stage.worker().isJanusUp = false
            stage.worker().beat()
        }
        _ = try await scene.ask(.join("pub-a"))
        try await scene.hall.pass(.seconds(3))
        try await scene.hall.run { stage in
            stage.worker().isJanusUp = true
            stage.worker().beat()
        }
        try await scene.hall.pass(.milliseconds(250))
        #expect(try await scene.heard() == ["list end", "request 2"])
    }

    @Test func `Slots that drain or want no rooms get none, but keep what they have`() async throws {
        let scene = try await Scene(workers: 1...3)
        try await scene.hall.claim(room, by: 3)
        try await scene.hall.run { stage in
            var rows = [1, 2, 3].map { stage.worker($0).row }
            rows[0].draining = true
            rows[2].weight = 0
            stage.door.slotsChanged(rows)
        }
        for number in 0..<10 { _ = try await scene.ask(.join("pub-\(number)", room: "room\(number)@example.org")) }
        #expect(try await scene.heard(by: 2).count == 11)
        _ = try await scene.ask(.join("pub-a"))
        #expect(try await scene.heard(by: 3) == ["list end", "request 12"])
    }

    @Test func `Without a registry there is no room`() async throws {
        let scene = try await Scene()
        scene.hall.closeRegistry()
        #expect(try await scene.ask(.join("pub-a")) == ["error t: the registry is not available"])
    }

    @Test func `A client that is gone before its room is found leaves nothing behind`() async throws {
        let scene = try await Scene()
        try await scene.hall.run { [client = scene.client] _ in
            client.value.ask(.join("pub-a"))
            client.value.disconnect()
        }
        #expect(try await scene.heard() == ["list end"])
    }

    // MARK: Coming and going

    @Test func `E01 B03 Clients that come while no worker serves wait, and are welcomed in order or turned away`()
        async throws
    {
        let hall = try await Hall()
        try await hall.run { stage in _ = try stage.addWorker() }
        try await hall.run { stage in
            stage.worker().isJanusUp = false
            stage.worker().beat()
        }
        let waiting = [try await hall.client(), try await hall.client()]
        try await hall.pass(.seconds(4))
        #expect(try await [hall.told(waiting[0]), hall.told(waiting[1])] == [[], []])
        try await hall.run { stage in
            stage.worker().isJanusUp = true
            stage.worker().beat()
        }
        #expect(try await [hall.told(waiting[0]), hall.told(waiting[1])] == [["ready"], ["ready"]])
        try await hall.run { stage in
            stage.worker().isJanusUp = false
            stage.worker().beat()
        }
        let late = try await hall.client()
        let gone = try await hall.client()
        try await hall.run { _ in gone.value.disconnect() }
        try await hall.pass(.milliseconds(5250))
        #expect(try await hall.closing(late) == "3000 no worker is available")
        #expect(try await hall.closing(gone) == nil)
        #expect(try await [hall.closing(waiting[0]), hall.closing(waiting[1])] == [nil, nil])
    }

    @Test func `B03 A worker that moves away and does not come back serves nobody`() async throws {
        let hall = try await Hall()
        try await hall.run { stage in _ = try stage.addWorker() }
        #expect(try await hall.letsIn())
        try await hall.run { stage in try stage.addWorker(endpoint: "ipc:///elsewhere").die() }
        let client = try await hall.client()
        #expect(try await hall.told(client) == [])
        try await hall.pass(.milliseconds(5250))
        #expect(try await !hall.letsIn())
    }

    @Test func `A front door that goes away says so to everybody, and waits until the workers know`() async throws {
        let scene = try await Scene()
        try await scene.join()
        let stopped = try await scene.hall.run { stage in
            let stopped = NIOLoopBoundBox(false, eventLoop: stage.loop)
            stage.door.stop { stopped.value = true }
            return stopped
        }
        #expect(try await scene.closing() == "1001 the gateway is going away")
        #expect(try await scene.heard() == ["gone"])
        #expect(try await !scene.hall.value(of: stopped))
        try await scene.hall.pass(.milliseconds(250))
        try await scene.hall.pass(.milliseconds(250))
        #expect(try await scene.hall.value(of: stopped))
    }

    @Test func `A front door does not wait longer than a second for workers that say nothing`() async throws {
        let scene = try await Scene()
        try await scene.join()
        let stopped = try await scene.hall.run { stage in
            stage.worker().isSilent = true
            let stopped = NIOLoopBoundBox(false, eventLoop: stage.loop)
            stage.door.stop { stopped.value = true }
            return stopped
        }
        try await scene.hall.pass(.milliseconds(900))
        #expect(try await !scene.hall.value(of: stopped))
        try await scene.hall.pass(.milliseconds(200))
        #expect(try await scene.hall.value(of: stopped))
    }
}
