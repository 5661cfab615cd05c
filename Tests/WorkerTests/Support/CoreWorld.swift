import Bus
import Foundation
import Identity
import NIOCore
import Registry
import Sylkrtc
import Testing

@testable import Worker

/// A whole worker: its core on a loop driven by hand, a fake Janus, a real registry in a temporary file, the bus in
/// memory, and a front door at the other end of it.
final class CoreWorld {
    let loop = TestLoop()
    let janus: FakeJanus
    let network = InMemoryNetwork()
    let directory: TemporaryDirectory
    let registry: RegistryThread
    let core: WorkerCore
    let door: ScriptedFrontdoor
    let endpoint: String
    private let ended: Ends

    private final class Ends {
        var lines: [String] = []
    }

    /// How the worker says that it has to end.
    var ends: [String] { ended.lines }

    init(configuration: String = "", directory: TemporaryDirectory = TemporaryDirectory()) throws {
        self.directory = directory
        janus = FakeJanus(loop: loop)
        let path = "\(directory.path)/registry.sqlite"
        registry = RegistryThread(label: "test registry", logger: silentLogger) { () throws(RegistryError) in
            try SQLiteRegistryStore(path: path)
        }
        let file = try directory.file(
            "worker.ini",
            """
            [Deployment]
            id = main
            node = host1
            [Bus]
            directory = \(directory.path)/bus
            [Janus]
            api_url = ws://fake:1
            admin_url = ws://fake:2
            api_secret =
            \(configuration)
            """)
        endpoint = "ipc://\(directory.path)/bus/slot-1.ipc"
        let ended = Ends()
        self.ended = ended
        core = WorkerCore(
            try WorkerConfiguration(file: file), loop: loop, network: network, connector: janus, registry: registry,
            logger: silentLogger
        ) { end in
            switch end {
            case .fatal(let problem): ended.lines.append("fatal: \(problem)")
            case .superseded(let reason): ended.lines.append("superseded: \(reason)")
            }
        }
        door = ScriptedFrontdoor(frontdoor, network, at: endpoint, on: loop)
    }

    static func run(configuration: String = "", isServing: Bool = true, _ test: (CoreWorld) throws -> Void) throws {
        let world = try CoreWorld(configuration: configuration)
        defer { world.end() }
        if isServing { try world.serve() }
        try test(world)
        #expect(world.janus.violations == [])
    }

    func end() {
        loop.end()
        registry.stop()
    }

    /// Starts, up to a front door that has its link.
    func serve() throws {
        core.start()
        settle()
        try door.connect()
        settle()
        #expect(door.status?.isJanusUp == true)
        _ = janus.requests()
    }

    func settle() { loop.settle(registry) }

    /// Lets time pass in steps, so that replies arrive while it does.
    func advance(by amount: TimeAmount) {
        var left = amount
        while left > .zero {
            let step = min(left, .milliseconds(50))
            loop.advance(by: step)
            settle()
            left = left - step
        }
    }

    func request(_ request: WorkerRequest, _ connectionNumber: UInt64, _ number: UInt64) {
        door.request(request, connectionNumber, number)
        settle()
    }

    /// Joins as `name` on a connection, up to its media, and forgets the transcript.
    func join(_ name: String, _ connectionNumber: UInt64, in room: String = "room@conference.example.com") throws {
        request(.join(joining(name, room)), connectionNumber, 1)
        janus.mediaUp(try #require(janusHandle(of: connectionNumber, 1)))
        settle()
        #expect(said.contains("\(connectionNumber)/1: established"))
    }

    /// What the front door was told since the last call.
    var said: [String] { door.transcript() }

    func janusHandle(of connectionNumber: UInt64, _ number: UInt64) -> UInt64? {
        let purpose = OpaqueID.Purpose.session(session(connectionNumber, request: number))
        let opaque = OpaqueID(deployment: deployment, slot: slot, purpose: purpose)
        return janus.handles.first { $0.value.opaque == opaque.description }?.key
    }

    func row() throws -> SlotRow {
        let rows = try registry.read { store throws(RegistryError) in try store.slots() }.get()
        return try #require(rows.first { $0.slot == slot })
    }

    func sessions() throws -> [SessionRow] {
        try registry.read { store throws(RegistryError) in try store.sessions(of: slot) }.get()
    }

    func rooms() throws -> [RoomRow] {
        try registry.read { store throws(RegistryError) in try store.rooms(of: slot) }.get()
    }
}
