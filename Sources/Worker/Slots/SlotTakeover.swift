import Identity
import Logging
import NIOCore
import Registry
import Telemetry

/// What happens between "the slot is ours" and "we serve": the Janus session is created or claimed, what a predecessor
/// left in Janus and in the registry is removed, and the slot's own handle is attached.
///
/// It runs again, with the same incarnation, whenever the connection to Janus had to be made anew.
final class SlotTakeover {
    enum Failure: Error {
        /// The connection broke meanwhile: the next one tries again.
        case janus(JanusError)
        /// Nothing that waiting could mend.
        case fatal(String)
        case registry(RegistryError)
    }

    private let owner: RoomOwner
    private let deployment: DeploymentID
    private let session: JanusSlotSession
    private let gateway: JanusGateway
    /// nil: the admin API is not configured or not reachable.
    private let admin: JanusGateway?
    private let registry: LoopRegistry
    private let loop: any EventLoop
    private let logger: Logger
    private let finished: (Result<SlotPossession, Failure>) -> Void
    private var isCancelled = false

    init(
        owner: RoomOwner, deployment: DeploymentID, session: JanusSlotSession, gateway: JanusGateway,
        admin: JanusGateway?, registry: LoopRegistry, loop: any EventLoop, logger: Logger,
        completion: @escaping (Result<SlotPossession, Failure>) -> Void
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
        session.take(over: gateway) { [self] result in
            switch result {
            case .success(.created): attachRoomHandle()
            case .success(.claimed):
                logger.info("claimed the predecessor's Janus session", metadata: .keyed([.janus: "\(session.id)"]))
                sweepHandles()
            case .failure(let error): completion(.failure(.janus(error)))
            }
        }
    }

    /// The connection or the session it began with is gone: nothing more is asked, and nothing reported.
    func cancel() { isCancelled = true }

    private func completion(_ result: Result<SlotPossession, Failure>) {
        if !isCancelled { finished(result) }
    }

    private func sweep() -> JanusSweep {
        JanusSweep(slot: owner.slot, deployment: deployment, session: session.id, gateway: gateway, logger: logger)
    }

    private func sweepHandles() {
        guard !isCancelled else { return }
        guard let admin else { return startAfresh() }
        sweep().handles(admin: admin, keeping: []) { [self] outcome in
            switch outcome {
            case .swept(let handles, _):
                if handles > 0 { logger.info("detached what was left", metadata: .keyed([.handle: "\(handles)"])) }
                attachRoomHandle()
            case .foreign(let problem): completion(.failure(.fatal(problem)))
            case .failed(let error):
                logger.warning("handles could not be inspected", metadata: .keyed([.error: error.reason]))
                startAfresh()
            }
        }
    }

    /// Without the admin API nobody knows what the session holds: it is ended whole, and created anew.
    private func startAfresh() {
        guard !isCancelled else { return }
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

    private func attachRoomHandle() {
        guard !isCancelled else { return }
        SlotPossession.attach(
            JanusServerInfo.videoRoomPlugin, as: .rooms, slot: owner.slot, deployment: deployment,
            session: session.id, over: gateway
        ) { [self] result in
            switch result {
            case .success(let handle):
                sweepRooms(
                    SlotPossession(
                        owner: owner, deployment: deployment, janusSession: session.id, gateway: gateway,
                        registry: registry, loop: loop, roomHandle: handle, logger: logger))
            case .failure(let error): completion(.failure(.janus(error)))
            }
        }
    }

    private func sweepRooms(_ possession: SlotPossession) {
        guard !isCancelled else { return }
        sweep().rooms(over: possession.roomHandle, keeping: []) { [self] outcome in
            switch outcome {
            case .swept(_, let rooms):
                if rooms > 0 { logger.info("destroyed what was left", metadata: .keyed([.room: "\(rooms)"])) }
                clearRows(possession)
            case .foreign(let problem): completion(.failure(.fatal(problem)))
            case .failed(let error): completion(.failure(.janus(error)))
            }
        }
    }

    /// Janus holds nothing of the slot any more, so no row of it is true.
    private func clearRows(_ possession: SlotPossession) {
        guard !isCancelled else { return }
        possession.superseded = { [self] in completion(.failure(.registry(.superseded))) }
        possession.write { store, owner throws(RegistryError) in
            let sessions = try store.sessions(of: owner.slot)
            try store.deleteSessions(sessions.map(\.id), owner: owner)
            for room in try store.rooms(of: owner.slot) {
                try store.releaseRoom(room.uri, owner: owner, janusRoom: room.janusRoom)
            }
        } then: { [self] result in
            switch result {
            case .success: completion(.success(possession))
            case .failure(let error): completion(.failure(.registry(error)))
            }
        }
    }
}
