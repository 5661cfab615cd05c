import Bus
import Identity
import NIOCore
import NIOEmbedded
import Registry
import Sylkrtc

@testable import Frontdoor

/// A front door's loop with its workers, its clients and a registry of its own, on a loop with a clock of the test's.
struct Hall: Sendable {
    /// What lives on the loop.
    final class Stage {
        let door: DoorLoop
        let loop: NIOAsyncTestingEventLoop
        fileprivate(set) var workers: [Int: ScriptedWorker] = [:]
        private let network: InMemoryNetwork

        fileprivate init(_ door: DoorLoop, _ network: InMemoryNetwork, _ loop: NIOAsyncTestingEventLoop) {
            self.door = door
            self.network = network
            self.loop = loop
            door.start()
        }

        /// A worker appears at a slot, or at another place than before.
        @discardableResult
        func addWorker(_ number: Int = 1, load: Int = 0, endpoint: String? = nil) throws -> ScriptedWorker {
            workers[number]?.die()
            let worker = try ScriptedWorker(slot(number), network, on: loop, endpoint: endpoint)
            worker.load = load
            workers[number] = worker
            door.slotsChanged(workers.values.map(\.row))
            return worker
        }

        /// A slot is given up, as its row says.
        func abandon(_ number: Int) {
            var rows = workers.values.map(\.row)
            for index in rows.indices where rows[index].slot == slot(number) { rows[index].endpoint = "" }
            workers[number]?.die()
            door.slotsChanged(rows)
        }

        func worker(_ number: Int = 1) -> ScriptedWorker { valid(workers[number], "worker") }

        func client() -> TestSocket {
            let socket = TestSocket()
            socket.connection = door.connected(socket, dialect: .sylkRTC1, from: nil)
            return socket
        }
    }

    private let loop = NIOAsyncTestingEventLoop()
    private let registry: RegistryThread
    private let tokens: DeviceTokens
    private let stage: NIOLoopBound<Stage>

    init(_ settings: String = "") async throws {
        let path = TemporaryFolder.folder() + "/registry.sqlite"
        let registry = RegistryThread(label: "registry", logger: .silent) { () throws(RegistryError) in
            try SQLiteRegistryStore(path: path)
        }
        let tokens = DeviceTokens(directory: TemporaryFolder.newPath(), logger: .silent)
        self.tokens = tokens
        let configuration = try FrontdoorConfiguration(file: TemporaryFolder.file(settings))
        stage = try await loop.executeInContext { [loop] in
            let network = InMemoryNetwork()
            let door = DoorLoop(
                .test, loop: loop, configuration: configuration, network: network, registry: registry,
                tokens: tokens, logger: .silent)
            return NIOLoopBound(Stage(door, network, loop), eventLoop: loop)
        }
        self.registry = registry
    }

    /// Does something on the loop, and then everything that follows at once.
    @discardableResult
    func run<Value: Sendable>(_ body: @escaping @Sendable (Stage) throws -> Value) async throws -> Value {
        let value = try await loop.executeInContext { [stage] in try body(stage.value) }
        try await settle()
        return value
    }

    /// A client connects.
    func client() async throws -> NIOLoopBound<TestSocket> {
        try await run { stage in NIOLoopBound(stage.client(), eventLoop: stage.loop) }
    }

    func told(_ client: NIOLoopBound<TestSocket>) async throws -> [String] {
        try await run { _ in client.value.taken() }
    }

    func closing(_ client: NIOLoopBound<TestSocket>) async throws -> String? {
        try await run { _ in client.value.closing }
    }

    func letsIn() async throws -> Bool { try await run { stage in stage.door.letsIn } }

    func value<Value: Sendable>(of box: NIOLoopBoundBox<Value>) async throws -> Value {
        try await run { _ in box.value }
    }

    /// Time passes, in steps, and the workers that live show it.
    func pass(_ time: TimeAmount) async throws {
        var left = time
        while left > .nanoseconds(0) {
            let step = min(left, .milliseconds(250))
            await loop.advanceTime(by: step)
            try await run { stage in
                for worker in stage.workers.values { worker.beat() }
            }
            left = left - step
        }
    }

    /// The registry has a room of that worker's.
    func claim(_ uri: String, by number: Int) async throws {
        _ = try await registry.perform { store throws(RegistryError) in
            let incarnation = try store.takeSlot(
                slot(number), endpoint: "ipc:///\(slot(number))", janus: "ws://127.0.0.1:8188", weight: 1, wallClock: 1,
                lease: .now().advanced(byMilliseconds: 60_000))
            return try store.claimRoom(
                RoomRow(
                    uri: roomURI(uri), owner: RoomOwner(slot: slot(number), incarnation: incarnation),
                    janusRoom: JanusRoomID(rawValue: 1), configuration: "{}"))
        }
    }

    /// What is kept of an account's devices.
    func tokens(of address: String) async throws -> [String] { try await tokens.tokens(of: account(address)) }

    /// The front door's row, whose life is that of the test's loops, is there.
    func register() async throws {
        try await registry.perform { store throws(RegistryError) in
            try store.restoreFrontdoor(
                FrontdoorRow(
                    id: FrontdoorLoopID.test.frontdoor, incarnation: FrontdoorLoopID.test.incarnation,
                    leaseUntil: .now().advanced(byMilliseconds: 60_000)))
        }
    }

    /// Where the registry says that an account is: the numbers of connections.
    func connections(of address: String) async throws -> [UInt64] {
        try await registry.perform(.read) { store throws(RegistryError) in
            try store.connections(for: [account(address)]).map(\.connection.number)
        }
    }

    /// Everything in the registry is gone, as after its file was replaced.
    func forgetFrontdoor() async throws {
        try await registry.perform { store throws(RegistryError) in
            try store.releaseFrontdoor(FrontdoorLoopID.test.frontdoor, incarnation: FrontdoorLoopID.test.incarnation)
        }
    }

    /// The registry can no longer be reached.
    func closeRegistry() { registry.stop() }

    /// Whatever the registry was asked before has been answered, and the answer's consequences have been drawn.
    private func settle() async throws {
        await loop.run()
        for _ in 0..<2 {
            // Likewise the tokens' queue.
            _ = try? await tokens.tokens(of: account(alice))
            await withCheckedContinuation { continuation in
                registry.submit(.read) { _ in
                } completion: { _ in
                    continuation.resume()
                }
            }
            await loop.run()
        }
    }
}

/// A client's socket that writes down what it is told.
final class TestSocket: ClientSocket {
    var connection: Connection?
    private(set) var isPaused = true
    private(set) var closing: String?
    private var said: [String] = []

    func send(_ text: [UInt8]) { said.append(String(decoding: text, as: UTF8.self)) }

    func close(code: UInt16, reason: String) { closing = "\(code) \(reason)" }

    func pauseReading() { isPaused = true }

    func resumeReading() { isPaused = false }

    func ask(_ ask: Ask, as transaction: String = "t") { connection?.received(Array(ask.text(transaction).utf8)) }

    func disconnect() {
        connection?.closed()
        connection = nil
    }

    /// What came since this was last asked, in short: `ready`, `ack t`, `error t: text`, `pub-a progress`.
    func taken() -> [String] {
        defer { said = [] }
        return said.map(Self.short)
    }

    private static func short(_ text: String) -> String {
        func member(_ name: String) -> String? {
            guard let range = text.firstRange(of: "\"\(name)\":\"") else { return nil }
            return String(text[range.upperBound...].prefix { $0 != "\"" })
        }
        switch member("sylkrtc") {
        case "ack": return "ack \(member("transaction") ?? "")"
        case "error": return "error \(member("transaction") ?? ""): \(member("error") ?? "")"
        case "videoroom_event":
            let reason = member("reason").map { ": \($0)" } ?? ""
            return "\(member("session") ?? "") \(member("state") ?? member("event") ?? "")\(reason)"
        case "account_event":
            return [member("state") ?? member("event"), member("reason")].compactMap(\.self).joined(separator: ": ")
        case "session_event":
            return "\(member("session") ?? "") \(member("state") ?? "")\(member("reason").map { ": \($0)" } ?? "")"
        default: return member("event") ?? text
        }
    }
}
