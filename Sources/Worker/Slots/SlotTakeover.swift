import Identity
import JSONText
import Logging
import NIOCore
import Registry
import Telemetry

/// What happens between "the slot is ours" and "we serve": the Janus session is created or claimed, the rows of a predecessor
/// are read, and what Janus has of them is listed.
///
/// It runs again, with the same incarnation, whenever the connection to Janus had to be made anew.
final class SlotTakeover {
    enum Failure: Error {
        /// The connection broke meanwhile: the next one tries again.
        case janus(JanusError)
        /// The same of the admin API's connection, which stands and brings no answer.
        case adminHangs
        case registry(RegistryError)
    }

    typealias Outcome = (possession: SlotPossession, inheritance: Inheritance)

    private let owner: RoomOwner
    private let deployment: DeploymentID
    private let session: JanusSlotSession
    private let gateway: JanusGateway
    /// nil: the admin API is not configured or not reachable.
    private let admin: JanusGateway?
    private let registry: LoopRegistry
    private let loop: any EventLoop
    private let logger: Logger
    private let finished: (Result<Outcome, Failure>) -> Void
    private var isCancelled = false
    private var inheritance = Inheritance()
    private var areRowsRead = false
    private var possession: SlotPossession?

    init(
        owner: RoomOwner, deployment: DeploymentID, session: JanusSlotSession, gateway: JanusGateway,
        admin: JanusGateway?, registry: LoopRegistry, loop: any EventLoop, logger: Logger,
        completion: @escaping (Result<Outcome, Failure>) -> Void
    ) {
        self.owner = owner
        self.deployment = deployment
        self.session = session
        self.gateway = gateway
        self.admin = admin
        self.registry = registry
        self.loop = loop
        self.logger = logger
        finished = completion
    }

    func start() {
        gateway.keepEvents()
        readRows()
        session.take(over: gateway) { [self] result in
            switch result {
            case .success(.created): attachRoomHandle()
            case .success(.claimed):
                logger.info("claimed the predecessor's Janus session", metadata: .keyed([.janus: "\(session.id)"]))
                listHandles()
            case .failure(let error): completion(.failure(.janus(error)))
            }
        }
    }

    /// The connection or the session it began with is gone: nothing more is asked, and nothing reported.
    func cancel() { isCancelled = true }

    /// Once: the first failure is the outcome.
    private func completion(_ result: Result<Outcome, Failure>) {
        guard !isCancelled else { return }
        isCancelled = true
        finished(result)
    }

    private func listHandles() {
        guard !isCancelled else { return }
        guard let admin else { return startAfresh() }
        admin.request("list_handles", session: session.id) { [self] result in
            switch result {
            case .success(.done(let root)):
                guard let handles = root["handles"]?.elements else { return startAfresh() }
                inheritance.handles = handles.compactMap { $0.integer(UInt64.self).map(JanusHandleID.init) }
                attachRoomHandle()
            case .success(.accepted): startAfresh()
            // What is there can be looked at later: only a refusal is for good.
            case .failure(.linkLost): completion(.failure(.janus(.linkLost)))
            case .failure(.timedOut): completion(.failure(.adminHangs))
            case .failure(let error): completion(.failure(.janus(error)))
            }
        }
    }

    /// Without the admin API nobody knows what the session holds: it is ended whole, and created anew.
    private func startAfresh() {
        guard !isCancelled else { return }
        logger.error("nothing survives this restart: Janus's admin API is not there")
        session.destroy(over: gateway) { [self] result in
            if case .failure(let error) = result, !error.saysAlreadyGone {
                return completion(.failure(.janus(error)))
            }
            session.take(over: gateway) { [self] result in
                switch result {
                case .success: attachRoomHandle()
                case .failure(let error): completion(.failure(.janus(error)))
                }
            }
        }
    }

    /// While Janus is being asked: they are many, and nobody else writes them.
    private func readRows() {
        let slot = owner.slot
        registry.submit(.read) { store throws(RegistryError) in
            (try store.sessions(of: slot), try store.rooms(of: slot))
        } then: { [self] result in
            switch result {
            case .failure(let error): completion(.failure(.registry(error)))
            case .success(let (sessions, rooms)):
                inheritance.sessions = sessions
                inheritance.rooms = rooms
                areRowsRead = true
                finishWhenDone()
            }
        }
    }

    private func attachRoomHandle() {
        guard !isCancelled else { return }
        SlotPossession.attach(
            JanusServerInfo.videoRoomPlugin, as: .rooms, slot: owner.slot, deployment: deployment,
            session: session.id, over: gateway
        ) { [self] result in
            switch result {
            case .success(let handle):
                listRooms(
                    SlotPossession(
                        owner: owner, deployment: deployment, janusSession: session.id, gateway: gateway,
                        registry: registry, loop: loop, roomHandle: handle, logger: logger))
            case .failure(let error): completion(.failure(.janus(error)))
            }
        }
    }

    private func listRooms(_ possession: SlotPossession) {
        guard !isCancelled else { return }
        possession.roomHandle.message(.list) {
            $0.member("request", "list")
        } completion: { [self] result in
            switch result {
            case .failure(let error): completion(.failure(.janus(error)))
            case .success(let reply):
                inheritance.janusRooms = RoomMessage.rooms(in: reply, marked: possession.mark)
                self.possession = possession
                finishWhenDone()
            }
        }
    }

    private func finishWhenDone() {
        guard areRowsRead, let possession else { return }
        completion(.success((possession, inheritance)))
    }
}
