import Bus
import Foundation
import Identity
import NIOCore
import Registry
import Sylkrtc
import Testing

@testable import Worker

/// A whole worker: its core on a loop driven by hand, a fake Janus, a real registry in a temporary file, the bus in
/// memory, and a front door at the other end of it. The worker can be killed at any moment and have a successor.
final class CoreWorld {
    let loop = TestLoop()
    let janus: FakeJanus
    let network = InMemoryNetwork()
    let directory: TemporaryDirectory
    let fate = Fate()
    private(set) var core: WorkerCore
    private(set) var doors: [ScriptedFrontdoor] = []
    let endpoint: String
    private let configuration: WorkerConfiguration
    private var lives: [Life] = []
    private let ended: Ends

    private final class Ends {
        var lines: [String] = []
    }

    /// How the worker says that it has to end.
    var ends: [String] { ended.lines }
    var door: ScriptedFrontdoor { doors[0] }
    var registry: RegistryThread { lives[lives.count - 1].registry }
    var isDead: Bool { lives[lives.count - 1].isOver }

    init(configuration: String = "", directory: TemporaryDirectory = TemporaryDirectory()) throws {
        self.directory = directory
        janus = FakeJanus(loop: loop)
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
        self.configuration = try WorkerConfiguration(file: file)
        let ended = Ends()
        self.ended = ended
        let life = Life(on: loop, janus, network, registry: "\(directory.path)/registry.sqlite", fate: fate)
        lives = [life]
        core = Self.makeCore(self.configuration, life, ended)
        addDoor(frontdoor)
        janus.interfere = { [unowned self] in met($0) ?? .proceed }
        janus.served = { [unowned self] _ in if diesAfterwards { strikeNow() } }
    }

    private static func makeCore(_ configuration: WorkerConfiguration, _ life: Life, _ ended: Ends) -> WorkerCore {
        WorkerCore(
            configuration, loop: life.loop, network: life.network, connector: life.connector,
            registry: life.registry, proxies: ScriptedProxies(life.loop), logger: silentLogger
        ) { [unowned life] end in
            guard !life.isOver else { return }
            switch end {
            case .fatal(let problem): ended.lines.append("fatal: \(problem)")
            case .superseded(let reason): ended.lines.append("superseded: \(reason)")
            }
        }
    }

    /// Another front door; it is not connected yet.
    @discardableResult
    func addDoor(_ owner: FrontdoorLoopID) -> ScriptedFrontdoor {
        let door = ScriptedFrontdoor(owner, network, at: endpoint, on: loop)
        door.isPersistent = true
        doors.append(door)
        return door
    }

    /// A front door dies for good.
    func remove(_ door: ScriptedFrontdoor) {
        door.die()
        doors.removeAll { $0 === door }
    }

    // MARK: Life and death

    /// SIGKILL: nothing is said, and nothing more is done.
    func kill() {
        diesAfterwards = false
        lives[lives.count - 1].end()
        // The kernel frees its lock. Here it is still in this process, so the file makes room for the next one's.
        try? FileManager.default.removeItem(atPath: "\(directory.path)/bus/slot-1.lock")
    }

    /// A successor of a dead worker.
    func succeed() {
        let life = Life(on: loop, janus, network, registry: "\(directory.path)/registry.sqlite", fate: fate)
        lives.append(life)
        core = Self.makeCore(configuration, life, ended)
        core.start()
    }

    private func strikeNow() {
        diesAfterwards = false
        strike(self)
    }

    /// What a request meets: a fault that strikes now, or later, or none.
    var strike: (CoreWorld) -> Void = { $0.kill() }
    private var diesAfterwards = false
    var isJanusBroken = false

    private func met(_ request: FakeJanus.Request) -> FakeJanus.Verdict? {
        guard request.name != "keepalive" else { return nil }
        switch fate.due(.request, request.name) {
        case nil: return nil
        case .before:
            strike(self)
            // Whoever is alive still sends it, as far as there is a connection.
            return isDead || isJanusBroken ? .drop : nil
        case .after:
            diesAfterwards = true
            return nil
        }
    }

    static func run(configuration: String = "", isServing: Bool = true, _ test: (CoreWorld) throws -> Void) throws {
        let world = try CoreWorld(configuration: configuration)
        defer { world.end() }
        if isServing { try world.serve() }
        try test(world)
        #expect(world.janus.violations == [])
        for door in world.doors { #expect(door.book.violations == []) }
    }

    func end() {
        loop.end()
        for life in lives { life.registry.stop() }
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

    /// Lets everything happen that is due; a process whose time has come dies before it hears of it.
    func settle() {
        var idle = 0
        while idle < 2 {
            registry.barrier()
            if fate.takeDoom() { strike(self) }
            idle = loop.run() == 0 ? idle + 1 : 0
        }
    }

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
    var said: [String] { door.transcript().filter { !$0.hasSuffix("resynced") } }

    func janusHandle(
        of connectionNumber: UInt64, _ number: UInt64, by owner: FrontdoorLoopID = frontdoor
    ) -> UInt64? {
        let session = SessionID(connection: connection(connectionNumber, of: owner), request: sequence(number))
        let purpose = OpaqueID.Purpose.session(session)
        let opaque = OpaqueID(deployment: deployment, slot: slot, purpose: purpose)
        return janus.handles.first { $0.value.opaque == opaque.description }?.key
    }

    /// Front doors have these accounts on connections of theirs: `bob` stands for his whole address.
    func claim(_ names: [(String, UInt64)], by owner: FrontdoorLoopID = frontdoor) throws {
        try registry.claim(names, by: owner)
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
