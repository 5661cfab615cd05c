import Foundation
import Identity
import Logging
import NIOCore
import Registry
import Settings
import Sylkrtc
import Testing

@testable import Worker

/// A worker that has its slot and Janus, without bus: conferences over a fake Janus and a real registry in a temporary
/// file. Nothing happens before ``settle()``.
final class SlotWorld {
    let loop = TestLoop()
    let janus: FakeJanus
    let outbox = RecordingOutbox()
    let proxies: ScriptedProxies
    let directory = TemporaryDirectory()
    let registry: RegistryThread
    let owner: RoomOwner
    let sessionID = JanusSessionID.of(slot, in: deployment)
    let configurationFile: String
    private(set) var gateway: JanusGateway
    private(set) var conferences: Conferences
    private(set) var wasSuperseded = false

    private init(configuration: String, logger: Logger) throws {
        janus = FakeJanus(loop: loop)
        proxies = ScriptedProxies(loop)
        let path = "\(directory.path)/registry.sqlite"
        registry = RegistryThread(label: "test registry", logger: silentLogger) { () throws(RegistryError) in
            try SQLiteRegistryStore(path: path)
        }
        configurationFile = try directory.file("rooms.ini", configuration)
        owner = try takeSlot(slot, registry)
        gateway = try connectGateway(janus, loop, logger: logger)
        let rules = RoomRules(
            defaults: RoomConfiguration(), file: configurationFile, recordings: "\(directory.path)/recordings")
        let (possession, _) = try takeOver(
            SlotWorld.Parts(loop: loop, janus: janus, registry: registry, owner: owner), gateway,
            logger: logger)
        gateway.willFail = { possession.give() }
        conferences = Conferences(
            possession: possession, outbox: outbox, ended: EndedSessions(), rules: rules,
            proxies: proxies)
        possession.superseded = { [unowned self] in wasSuperseded = true }
        _ = janus.requests()
    }

    struct Parts {
        let loop: TestLoop
        let janus: FakeJanus
        let registry: RegistryThread
        let owner: RoomOwner
    }

    static func run(
        configuration: String = "", logger: Logger = silentLogger, _ test: (SlotWorld) throws -> Void
    ) throws {
        let world = try SlotWorld(configuration: configuration, logger: logger)
        defer {
            world.loop.end()
            world.registry.stop()
        }
        try test(world)
        #expect(world.janus.violations == [])
    }

    // MARK: Another life

    /// The connection to Janus is gone, and with it all that was known: a new one takes over what is there.
    func takeOverAgain() throws {
        janus.breakLinks()
        settle()
        conferences.close()
        gateway = try connectGateway(janus, loop)
        let admin = try connectGateway(janus, loop, admin: true)
        let (possession, inheritance) = try takeOver(
            SlotWorld.Parts(loop: loop, janus: janus, registry: registry, owner: owner), gateway, admin: admin)
        gateway.willFail = { possession.give() }
        conferences = Conferences(
            possession: possession, outbox: outbox, ended: EndedSessions(), rules: conferences.roomRules,
            proxies: proxies)
        conferences.admin = { admin }
        var isRecovered = false
        let recovery = Recovery(conferences, inheritance: inheritance, admin: admin) { result in
            if case .success = result { isRecovered = true }
        }
        recovery.start()
        settle()
        #expect(isRecovered)
        _ = janus.requests()
    }

    // MARK: Time

    /// Lets everything happen that is due, the registry's work included.
    func settle() { loop.settle(registry) }

    func advance(by amount: TimeAmount) {
        loop.advance(by: amount)
        settle()
    }

    // MARK: What front doors ask

    func submit(_ request: WorkerRequest, _ connectionNumber: UInt64, _ number: UInt64) {
        conferences.submit(request, from: connection(connectionNumber), sequence: sequence(number))
        settle()
    }

    /// What was said since the last call.
    var said: [String] { outbox.transcript() }

    /// Joins as `name` on a connection; the media is up, and nothing of it stays in the transcript.
    @discardableResult
    func join(_ name: String, _ connectionNumber: UInt64, in room: String = "room@conference.example.com") throws
        -> UInt64
    {
        let before = said
        submit(.join(joining(name, room)), connectionNumber, 1)
        let handle = try #require(janusHandle(of: connectionNumber, 1))
        janus.mediaUp(handle)
        settle()
        #expect(said.contains("\(connectionNumber)/1: established"), "\(name) is in, after \(before)")
        return handle
    }

    /// Attaches a feed with an answer, up to its media.
    @discardableResult
    func watch(_ publisher: String, from connectionNumber: UInt64, as number: UInt64) throws -> UInt64 {
        submit(
            .feedAttach(base: sequence(1), feed: client("feed-\(number)"), publisher: publisher), connectionNumber,
            number)
        let handle = try #require(janusHandle(of: connectionNumber, number))
        submit(.feedAnswer(feed: sequence(number), answer: sdp("feed answer")), connectionNumber, number + 100)
        janus.mediaUp(handle)
        settle()
        #expect(said.contains("\(connectionNumber)/1: feed \(number) established"))
        return handle
    }

    /// The Janus handle of a session.
    func janusHandle(of connectionNumber: UInt64, _ number: UInt64) -> UInt64? {
        let opaque = OpaqueID(
            deployment: deployment, slot: slot, purpose: .session(session(connectionNumber, request: number)))
        return janus.handles.first { $0.value.opaque == opaque.description }?.key
    }

    // MARK: What is recorded

    func sessions() throws -> [SessionRow] {
        try registry.read { store throws(RegistryError) in try store.sessions(of: slot) }.get()
    }

    func rooms() throws -> [RoomRow] {
        try registry.read { store throws(RegistryError) in try store.rooms(of: slot) }.get()
    }

    // MARK: Faults

    /// The link to Janus breaks.
    func loseJanus() {
        gateway.lost()
        settle()
    }

    /// The registry's file is deleted: nothing can be written until it is put back.
    func loseRegistry() throws {
        for suffix in ["", "-wal", "-shm"] {
            try FileManager.default.removeItem(atPath: "\(directory.path)/registry.sqlite\(suffix)")
        }
    }
}

func joining(
    _ name: String, _ room: String = "room@conference.example.com", verified: Bool = true, displayName: String? = nil
) -> WorkerRequest.Join {
    WorkerRequest.Join(
        session: client(name), account: address("\(name)@example.com"), displayName: displayName ?? name.capitalized,
        isVerified: verified, room: address(room), offer: sdp("offer of \(name)"))
}

extension TestLoop {
    /// Lets everything happen that is due, the registry's work included.
    func settle(_ registry: RegistryThread) {
        repeat {
            run()
            registry.barrier()
        } while run() > 0
    }
}

extension RegistryThread {
    /// A front door's loop, that lives for a minute, has these accounts on connections: `bob` stands for his whole address.
    func claim(_ names: [(String, UInt64)], by owner: FrontdoorLoopID = frontdoor) throws {
        let claims = names.map { name, number in
            ClaimedAccount(account: account("\(name)@example.com"), connection: connection(number, of: owner))
        }
        try read { store throws(RegistryError) in
            try store.restoreFrontdoor(
                FrontdoorRow(
                    id: owner.frontdoor, incarnation: owner.incarnation,
                    leaseUntil: .now().advanced(byMilliseconds: 60_000)))
            try store.claimAccounts(claims, of: owner.frontdoor, incarnation: owner.incarnation)
        }.get()
    }
}

/// Takes a slot in the registry.
func takeSlot(_ slot: SlotID, _ registry: RegistryThread) throws -> RoomOwner {
    let incarnation = try registry.read { store throws(RegistryError) in
        try store.takeSlot(
            slot, endpoint: "test", janus: "ws://fake:1/", weight: 1, wallClock: 1,
            lease: .now().advanced(byMilliseconds: 60_000))
    }.get()
    return RoomOwner(slot: slot, incarnation: incarnation)
}

/// An open gateway to the fake.
func connectGateway(
    _ janus: FakeJanus, _ loop: TestLoop, admin: Bool = false, logger: Logger = silentLogger
) throws -> JanusGateway {
    var opened: JanusGateway?
    janus.connect(
        to: sample(JanusAddress("ws://fake:1")), subprotocol: admin ? "janus-admin-protocol" : "janus-protocol",
        on: loop,
        events: JanusSocketEvents(
            opened: { socket in
                opened = JanusGateway(
                    loop: loop, socket: socket, secretName: admin ? "admin_secret" : "apisecret", secret: janus.secret,
                    transactionPrefix: admin ? "a" : "t", logger: logger)
            },
            received: { opened?.received($0) },
            readCompleted: { opened?.readCompleted() },
            closed: { _ in opened?.lost() }))
    loop.run()
    return try #require(opened)
}

/// Runs a takeover to its end.
func takeOver(
    _ parts: SlotWorld.Parts, _ gateway: JanusGateway, admin: JanusGateway? = nil,
    logger: Logger = silentLogger
) throws -> SlotTakeover.Outcome {
    var outcome: Result<SlotTakeover.Outcome, SlotTakeover.Failure>?
    let takeover = SlotTakeover(
        owner: parts.owner, deployment: deployment,
        session: JanusSlotSession(.of(slot, in: deployment), loop: parts.loop, logger: logger), gateway: gateway,
        admin: admin, registry: LoopRegistry(parts.registry, loop: parts.loop), loop: parts.loop, logger: logger
    ) { outcome = $0 }
    takeover.start()
    parts.loop.settle(parts.registry)
    return try #require(outcome).get()
}
