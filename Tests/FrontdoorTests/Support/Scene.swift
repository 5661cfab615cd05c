import Identity
import NIOCore
import Sylkrtc
import Testing

@testable import Frontdoor

/// A hall with these workers and one client, held in a box of its loop, that has added alice.
struct Scene: Sendable {
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
            stage.worker(number).taken().map(\.short)
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
