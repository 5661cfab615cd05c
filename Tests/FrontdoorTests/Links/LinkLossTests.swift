import Bus
import Identity
import NIOCore
import Registry
import Sylkrtc
import Testing

@testable import Frontdoor

/// Links to workers are lost in every way there is, and clients notice nothing.
struct LinkLossTests {
    /// A client with a session and two unanswered requests: however the link is lost, the next one begins with them.
    private func lose(
        _ lose: @escaping @Sendable (Hall.Stage) throws -> Void, thenPass time: TimeAmount = .nanoseconds(0)
    ) async throws {
        let scene = try await Scene()
        try await scene.join()
        #expect(try await scene.ask(.trickle(), as: "trickle") == [])
        #expect(try await scene.ask(.join("pub-b", room: "other@example.org"), as: "join") == [])
        #expect(try await scene.heard() == ["request 3", "request 4"])
        try await scene.hall.run(lose)
        try await scene.hall.pass(time)
        #expect(try await scene.heard() == ["list", "request 3 again", "request 4 again", "list end"])
        #expect(try await scene.ask(.update(), as: "update") == [])
        #expect(try await scene.heard() == [])
        #expect(try await scene.answer(3) == ["ack trickle"])
        try await scene.hall.run { stage in stage.worker().resynced(.test(2)) }
        #expect(try await scene.heard() == ["request 5"])
        #expect(try await scene.answer(5) == ["ack update"])
        #expect(try await scene.answer(4) == ["ack join"])
        #expect(try await scene.closing() == nil)
    }

    @Test func `A worker is replaced under the socket`() async throws {
        try await lose { stage in try stage.worker().isReplaced() }
    }

    @Test func `A link is cut with both ends alive`() async throws {
        try await lose({ stage in stage.worker().cut() }, thenPass: .seconds(3))
    }

    @Test func `A worker is silent for three seconds`() async throws {
        try await lose({ stage in stage.worker().isSilent = true }, thenPass: .seconds(3))
    }

    @Test func `A message is missing, and nothing behind it counts`() async throws {
        try await lose { stage in
            stage.worker().loseNext()
            stage.worker().tell(.test(2), .state(.progress))
            stage.worker().tell(.test(2), .state(.established))
        }
    }

    @Test func `A worker moves`() async throws {
        try await lose { stage in
            _ = try stage.addWorker(endpoint: "ipc:///elsewhere")
        }
    }

    @Test func `A link to a worker that moved has a number of its own`() async throws {
        let scene = try await Scene()
        try await scene.hall.run { stage in _ = try stage.addWorker(endpoint: "ipc:///elsewhere") }
        try await scene.hall.run { stage in _ = try stage.addWorker() }
        let link = try await scene.hall.run { stage in stage.worker().link?.link }
        #expect(link == 3)
    }

    // MARK: The list

    /// The session ids and releases of the first list since this was last asked.
    private func list(_ scene: Scene) async throws -> ConnectionList? {
        try await scene.hall.run { stage in stage.worker().taken().compactMap(\.list).first }
    }

    @Test func `The list names every session of the loop on that worker, with what its client was told`() async throws {
        let scene = try await Scene()
        try await scene.join()
        try await scene.hall.run { stage in stage.worker().tell(.test(2), .state(.progress)) }
        #expect(try await scene.ask(.attach("sub-1", to: "pub-b")) == ["pub-a progress"])
        #expect(try await scene.answer(3) == ["ack t"])
        let other = try await scene.hall.client()
        try await scene.hall.run { _ in
            other.value.ask(.addAccount())
            other.value.ask(.join("pub-x"), as: "x")
        }
        try await scene.hall.run { stage in try stage.worker().isReplaced() }
        let second = SessionID(connection: ConnectionID(owner: .test, number: 2), request: request(2))
        _ = try await scene.hall.run { stage in
            let list = try #require(stage.worker().taken().compactMap(\.list).first { !$0.isLast })
            #expect(
                list.sessions == [
                    ConnectionList.Entry(
                        session: .test(2), told: .publisher(ToldState(isAcked: true, stage: .progress))),
                    ConnectionList.Entry(session: .test(3), told: .feed(base: request(2), ToldFeed(isAcked: true))),
                    ConnectionList.Entry(session: second, told: .publisher(ToldState())),
                ])
        }
    }

    @Test func `Repeats bear the time that is left`() async throws {
        let scene = try await Scene()
        try await scene.join()
        _ = try await scene.ask(.trickle())
        try await scene.hall.pass(.seconds(10))
        _ = try await scene.ask(.trickle())
        try await scene.hall.run { stage in
            #expect(stage.worker().taken().map(\.deadline) == [30_000, 30_000])
            try stage.worker().isReplaced()
        }
        try await scene.hall.run { stage in
            #expect(stage.worker().taken().compactMap(\.deadline) == [20_000, 30_000])
        }
        _ = try await scene.ask(.trickle())
        try await scene.hall.pass(.seconds(5))
        try await scene.hall.run { stage in stage.worker().resynced(.test(2)) }
        try await scene.hall.run { stage in #expect(stage.worker().taken().map(\.deadline) == [25_000]) }
    }

    @Test func `The list comes first, even when it names nothing`() async throws {
        let scene = try await Scene()
        try await scene.join()
        _ = try await scene.ask(.trickle())
        try await scene.hall.run { stage in
            _ = stage.worker().taken()
            stage.worker().tell(.test(2), .state(.terminated(reason: nil)))
        }
        try await scene.hall.run { stage in try stage.worker().isReplaced() }
        #expect(try await scene.heard() == ["list", "request 3 again", "list end"])
        #expect(try await scene.answer(3) == ["pub-a terminated", "ack t"])
    }

    @Test func `Requests to a dead worker are held, and have not been sent before`() async throws {
        let scene = try await Scene()
        try await scene.join()
        try await scene.hall.run { stage in stage.worker().die() }
        #expect(try await scene.ask(.trickle(), as: "trickle") == [])
        try await scene.hall.pass(.seconds(10))
        #expect(try await scene.ask(.update(), as: "update") == [])
        try await scene.hall.run { stage in try stage.worker().isReplaced() }
        try await scene.hall.pass(.seconds(1))
        #expect(try await scene.heard() == ["list", "request 3", "request 4", "list end"])
        #expect(try await scene.answer(3) == ["ack trickle"])
        #expect(try await scene.answer(4) == ["ack update"])
    }

    @Test func `A worker that stays away lets requests time out, and the sessions stay`() async throws {
        let scene = try await Scene()
        try await scene.join()
        try await scene.hall.run { stage in stage.worker().die() }
        #expect(try await scene.ask(.trickle()) == [])
        try await scene.hall.pass(.seconds(31))
        #expect(try await scene.told() == ["error t: request timed out"])
        try await scene.hall.run { stage in try stage.worker().isReplaced() }
        try await scene.hall.pass(.seconds(1))
        #expect(try await list(scene)?.sessions.map(\.session) == [.test(2)])
    }

    @Test func `B08 A client that goes while its worker is away is not in the list`() async throws {
        let scene = try await Scene()
        try await scene.join()
        try await scene.hall.run { [client = scene.client] stage in
            stage.worker().die()
            client.value.disconnect()
        }
        try await scene.hall.run { stage in try stage.worker().isReplaced() }
        try await scene.hall.pass(.milliseconds(250))
        #expect(try await scene.heard() == ["list end"])
    }

    @Test func `Thousands of unanswered requests are repeated on one new link`() async throws {
        let scene = try await Scene()
        let clients = try await scene.hall.run { stage in
            NIOLoopBound((0..<80).map { _ in stage.client() }, eventLoop: stage.loop)
        }
        try await scene.hall.run { _ in
            for client in clients.value {
                client.ask(.addAccount())
                client.ask(.join("pub-a"))
            }
        }
        try await scene.hall.run { stage in
            stage.worker().die()
            for client in clients.value { for _ in 1..<63 { client.ask(.trickle()) } }
            try stage.worker().isReplaced()
            _ = stage.worker().taken()
        }
        let heard = try await scene.hall.run { stage in stage.worker().taken().map(\.kind) }
        #expect(heard.count { $0 == .request } == 80 * 63)
        #expect(heard.last == .list)
        let link = try await scene.hall.run { stage in stage.worker().link?.link }
        #expect(link == 2, "the first try was enough")
    }

    // MARK: Owed releases

    @Test func `A release is in every list until the worker has taken it`() async throws {
        let scene = try await Scene()
        _ = try await scene.ask(.join("pub-a"))
        try await scene.hall.run { stage in stage.worker().die() }
        try await scene.hall.pass(.seconds(30))
        #expect(try await scene.told() == ["error t: request timed out"])
        for _ in 0..<2 {
            _ = try await scene.heard()
            try await scene.hall.run { stage in try stage.worker().isReplaced() }
            #expect(try await list(scene) == ConnectionList(releases: [.test(2)], isLast: false))
        }
        try await scene.hall.pass(.seconds(1))
        try await scene.hall.run { stage in try stage.worker().isReplaced() }
        #expect(try await scene.heard() == ["list end"])
    }

    @Test func `A release that was sent is owed until it is acknowledged`() async throws {
        let scene = try await Scene()
        try await scene.hall.run { stage in
            stage.door.release(.test(9), at: slot(1))
            try stage.worker().isReplaced()
        }
        #expect(try await list(scene)?.releases == [])
        try await scene.hall.run { stage in _ = stage.worker().taken() }
        try await scene.hall.pass(.seconds(1))
        try await scene.hall.run { stage in try stage.worker().isReplaced() }
        #expect(try await scene.heard() == ["list end"])
    }

    @Test func `A release that does not fit ends the link, and is in the next list`() async throws {
        let scene = try await Scene()
        try await scene.join()
        try await scene.hall.run { stage in
            for _ in 0...Int(BusLimits.sendHighWaterMark) { stage.door.release(.test(99), at: slot(1)) }
        }
        let lists = try await scene.hall.run { stage in stage.worker().taken().compactMap(\.list) }
        #expect(lists.flatMap(\.sessions).map(\.session) == [.test(2)])
        #expect(lists.flatMap(\.releases) == [.test(99)])
        #expect(try await scene.told() == [])
    }

    // MARK: Abandoned slots

    @Test func `A slot that is given up ends its sessions, and its successor has links of its own`() async throws {
        let scene = try await Scene()
        try await scene.join()
        _ = try await scene.ask(.trickle(), as: "trickle")
        try await scene.hall.run { stage in
            stage.worker().die()
            var row = stage.worker().row
            row.endpoint = ""
            stage.door.slotsChanged([row])
            stage.door.slotsChanged([row])
        }
        #expect(try await scene.told() == ["error trickle: worker lost", "pub-a terminated: 500 Worker lost"])
        try await scene.hall.pass(.seconds(10))
        try await scene.hall.run { stage in
            try stage.worker().isReplaced()
            stage.door.slotsChanged([stage.worker().row])
        }
        try await scene.hall.pass(.milliseconds(250))
        #expect(try await scene.heard() == ["request 3", "list end"])
        let link = try await scene.hall.run { stage in stage.worker().link?.link }
        #expect(link.map { $0 > 1 } == true)
        try await scene.join(as: 4)
    }

    @Test func `A slot whose row is gone for forty-five seconds is given up`() async throws {
        let scene = try await Scene()
        try await scene.join()
        func look(_ hasRow: Bool) async throws {
            try await scene.hall.run { stage in stage.door.slotsChanged(hasRow ? [stage.worker().row] : []) }
        }
        try await look(false)
        try await scene.hall.pass(.seconds(44))
        try await look(false)
        try await look(true)
        try await scene.hall.pass(.seconds(44))
        try await look(false)
        try await scene.hall.pass(.seconds(44))
        try await look(false)
        #expect(try await scene.told() == [])
        try await scene.hall.pass(.seconds(1))
        try await look(false)
        #expect(try await scene.told() == ["pub-a terminated: 500 Worker lost"])
        try await look(true)
        _ = try await scene.heard()
        try await scene.join(as: 3)
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
}
