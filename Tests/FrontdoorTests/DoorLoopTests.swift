import Bus
import Identity
import NIOCore
import Sylkrtc
import Testing

@testable import Frontdoor

/// Clients, placement and workers together.
struct DoorLoopTests {
    /// A hall with these workers and one client, held in a box of its loop, that has added alice.
    private struct Scene: Sendable {
        let hall: Hall
        let client: NIOLoopBound<TestSocket>

        init(workers: ClosedRange<Int> = 1...1, settings: String = "") async throws {
            let hall = try await Hall(settings)
            self.hall = hall
            try await hall.run { stage in for number in workers { try stage.addWorker(number) } }
            client = try await hall.client()
            #expect(try await ask(.addAccount()) == ["ready", "ack t"])
        }

        /// - Returns: what the client is told at once.
        func ask(_ ask: Ask, as transaction: String = "t") async throws -> [String] {
            try await hall.run { [client] _ in client.value.ask(ask, as: transaction) }
            return try await told()
        }

        func told() async throws -> [String] { try await hall.told(client) }

        /// What a worker has heard, one after the other: kind and request.
        func heard(by number: Int = 1) async throws -> [String] {
            try await hall.run { stage in
                stage.worker(number).taken().map { "\($0.kind) \($0.request.map(\.description) ?? "")" }
            }
        }

        func answer(_ number: UInt64, _ answer: WorkerAnswer = .ack, by place: Int = 1) async throws -> [String] {
            try await hall.run { stage in stage.worker(place).answer(request(number), of: .test, answer) }
            return try await told()
        }

        func isPaused() async throws -> Bool { try await hall.run { [client] _ in client.value.isPaused } }

        func closing() async throws -> String? { try await hall.closing(client) }

        /// Joins at the only worker.
        func join(_ session: String = "pub-a", as number: UInt64 = 2) async throws {
            _ = try await heard()
            #expect(try await ask(.join(session)) == [])
            #expect(try await heard() == ["request \(number)"])
            #expect(try await answer(number) == ["ack t"])
        }
    }

    // MARK: A conference

    @Test func `R10 A join goes to the serving worker, and what that says goes to the client`() async throws {
        let scene = try await Scene()
        #expect(try await scene.heard() == ["list "])
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
        #expect(try await scene.heard() == ["gone "])
        try await scene.hall.run { stage in stage.worker().tell(.test(2), .state(.progress)) }
        #expect(try await scene.told() == [])
    }

    @Test func `A join without an answer is answered after thirty seconds, and released`() async throws {
        let scene = try await Scene()
        _ = try await scene.ask(.join("pub-a"), as: "join")
        #expect(try await scene.heard() == ["list ", "request 2"])
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

    @Test func `A room that exists is joined where it lives`() async throws {
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
        #expect(try await scene.heard(by: 1) == ["list "])
    }

    @Test func `A join waits for the worker of its room, five seconds at most`() async throws {
        let scene = try await Scene()
        try await scene.hall.claim(room, by: 2)
        #expect(try await scene.ask(.join("pub-a"), as: "join") == [])
        #expect(try await scene.ask(.trickle(), as: "trickle") == [])
        try await scene.hall.pass(.milliseconds(4750))
        #expect(try await scene.told() == [])
        try await scene.hall.pass(.milliseconds(500))
        #expect(
            try await scene.told() == [
                "error join: no worker is available", "error trickle: trickle: unknown video room session: pub-a",
            ])
        #expect(try await scene.heard() == ["list "], "nobody else is asked")
    }

    @Test func `A join whose worker comes back in time goes there, with what came behind it`() async throws {
        let scene = try await Scene()
        try await scene.hall.claim(room, by: 2)
        _ = try await scene.ask(.join("pub-a"), as: "join")
        _ = try await scene.ask(.trickle(), as: "trickle")
        try await scene.hall.pass(.seconds(2))
        try await scene.hall.run { stage in _ = try stage.addWorker(2) }
        try await scene.hall.pass(.milliseconds(250))
        #expect(try await scene.heard(by: 2) == ["list ", "request 2", "request 3"])
    }

    @Test func `A join that met the wrong worker is located again`() async throws {
        let scene = try await Scene()
        _ = try await scene.ask(.join("pub-a"))
        #expect(try await scene.heard() == ["list ", "request 2"])
        try await scene.hall.claim(room, by: 2)
        #expect(try await scene.answer(2, .notOwner(slot(2))) == [])
        try await scene.hall.run { stage in _ = try stage.addWorker(2) }
        try await scene.hall.pass(.milliseconds(250))
        #expect(try await scene.heard(by: 2) == ["list ", "request 2"])
        #expect(try await scene.answer(2, by: 2) == ["ack t"])
    }

    @Test func `Without a worker that serves there is no room`() async throws {
        let scene = try await Scene()
        try await scene.hall.run { stage in
            stage.worker().isJanusUp = false
            stage.worker().beat()
        }
        #expect(try await scene.ask(.join("pub-a")) == ["error t: no worker is available"])
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
        #expect(try await scene.heard() == ["list "])
    }

    // MARK: Losses

    private func lose(
        _ lose: @escaping @Sendable (Hall.Stage) throws -> Void, thenPass time: TimeAmount = .nanoseconds(0)
    ) async throws {
        let scene = try await Scene()
        try await scene.join()
        #expect(try await scene.ask(.trickle(), as: "trickle") == [])
        #expect(try await scene.ask(.join("pub-b", room: "other@example.org"), as: "join") == [])
        try await scene.hall.run(lose)
        try await scene.hall.pass(time)
        #expect(
            try await scene.told() == [
                "error trickle: worker lost", "error join: worker lost", "pub-a terminated: 500 Worker lost",
            ])
        _ = try await scene.heard()
        #expect(try await scene.ask(.join("pub-a")) == [])
        #expect(try await scene.heard() == ["request 5"], "the next life serves")
        #expect(try await scene.answer(5) == ["ack t"])
    }

    @Test func `A worker replaced under the socket takes its sessions with it`() async throws {
        try await lose { stage in try stage.worker().isReplaced() }
    }

    @Test func `A worker that is silent for three seconds takes its sessions with it`() async throws {
        let scene = try await Scene()
        try await scene.join()
        try await scene.hall.run { stage in stage.worker().die() }
        try await scene.hall.pass(.milliseconds(2750))
        #expect(try await scene.told() == [])
        try await scene.hall.pass(.milliseconds(250))
        #expect(try await scene.told() == ["pub-a terminated: 500 Worker lost"])
        #expect(try await scene.ask(.join("pub-a")) == ["error t: no worker is available"])
        try await scene.hall.run { stage in try stage.worker().isReplaced() }
        #expect(try await scene.heard() == ["list "])
        try await scene.join(as: 4)
    }

    @Test func `A worker that hangs is lost like a dead one, and has a fresh link when it goes on`() async throws {
        try await lose({ stage in stage.worker().isSilent = true }, thenPass: .seconds(3))
    }

    @Test func `A message that is missing takes the link's sessions with it`() async throws {
        try await lose { stage in
            stage.worker().loseNext()
            stage.worker().tell(.test(2), .state(.progress))
            stage.worker().tell(.test(2), .state(.established))
        }
    }

    @Test func `A worker that moves takes its sessions with it`() async throws {
        try await lose { stage in _ = try stage.addWorker(endpoint: "ipc:///elsewhere") }
    }

    @Test func `A worker that takes no more refuses requests, and the client is read on`() async throws {
        let scene = try await Scene()
        try await scene.join()
        let isPaused = try await scene.hall.run { [client = scene.client] stage in
            for _ in 0..<(Int(BusLimits.sendHighWaterMark) - 63) {
                stage.door.release(.test(99), at: slot(1))
            }
            for number in 1...64 { client.value.ask(.trickle(), as: "\(number)") }
            return client.value.isPaused
        }
        #expect(!isPaused)
        #expect(try await scene.told() == ["error 64: no worker is available"])
        try await scene.hall.run { [client = scene.client] _ in client.value.ask(.trickle(), as: "65") }
        #expect(try await scene.isPaused())
        #expect(try await scene.answer(3) == ["ack 1"])
        #expect(try await !scene.isPaused())
    }

    @Test func `A release that does not fit ends the link, and every session on it`() async throws {
        let scene = try await Scene()
        try await scene.join()
        try await scene.hall.run { stage in
            for _ in 0...Int(BusLimits.sendHighWaterMark) { stage.door.release(.test(99), at: slot(1)) }
        }
        #expect(try await scene.told() == ["pub-a terminated: 500 Worker lost"])
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
        #expect(try await scene.heard() == ["gone "])
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
