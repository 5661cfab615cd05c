import Identity
import JSONText
import Logging
import NIOCore
import Registry
import Telemetry

/// What a worker has while it has its slot and Janus: the name it signs with, the Janus session, and the slot's own
/// VideoRoom handle. A new connection to Janus makes a new one.
final class SlotPossession {
    static let retryDelay = TimeAmount.seconds(1)

    let owner: RoomOwner
    let deployment: DeploymentID
    let janusSession: JanusSessionID
    let gateway: JanusGateway
    let registry: LoopRegistry
    let loop: any EventLoop
    let logger: Logger
    /// Creates, lists and destroys rooms; attached when the possession is taken.
    let roomHandle: JanusHandle<RoomMessage>

    /// Where tests end this process.
    var faults = FaultPoints()
    /// A conditional write was refused: somebody else has the slot. The process must end at once.
    var superseded: () -> Void = {}
    private var handlesToRecord: [(SessionID, JanusHandleID)] = []
    private var mastersToRecord: [(SessionID, UInt64)] = []
    private var callsToRecord: [(SessionID, SeenCalls)] = []
    /// What is decided on may be done.
    private(set) var isHeld = true

    init(
        owner: RoomOwner, deployment: DeploymentID, janusSession: JanusSessionID, gateway: JanusGateway,
        registry: LoopRegistry, loop: any EventLoop, roomHandle: JanusHandleID, logger: Logger
    ) {
        self.owner = owner
        self.deployment = deployment
        self.janusSession = janusSession
        self.gateway = gateway
        self.registry = registry
        self.loop = loop
        self.logger = logger
        self.roomHandle = JanusHandle(roomHandle, session: janusSession, gateway: gateway) { event, _ in
            logger.debug("event on the rooms' handle", metadata: .keyed([.event: "\(event.kind)"]))
        }
        self.roomHandle.receiveEvents()
    }

    /// The connection is gone, or the process is about to end: nothing more is done or recorded, because a successor goes on
    /// from what Janus and the registry have.
    func give() { isHeld = false }

    /// What everything of the slot in Janus is marked with.
    var mark: String { OpaqueID.mark(of: owner.slot, in: deployment) }

    /// Attaches a plugin handle that carries the session's mark.
    static func attach(
        _ plugin: String, as purpose: OpaqueID.Purpose, slot: SlotID, deployment: DeploymentID,
        session: JanusSessionID, over gateway: JanusGateway,
        completion: @escaping (Result<JanusHandleID, JanusError>) -> Void
    ) {
        let opaque = OpaqueID(deployment: deployment, slot: slot, purpose: purpose)
        gateway.request("attach", session: session) { json in
            json.member("plugin", plugin)
            json.member("opaque_id", opaque.description)
        } late: { reply in
            // It was given up, so nobody knows the handle: it is not to stay.
            guard let id = reply.identifier else { return }
            gateway.request("detach", session: session, handle: JanusHandleID(rawValue: id)) { _ in }
        } completion: { result in
            switch result {
            case .failure(let error): completion(.failure(error))
            case .success(let reply):
                guard let id = reply.identifier else { return completion(.failure(.malformed("attach without id"))) }
                completion(.success(JanusHandleID(rawValue: id)))
            }
        }
    }

    func attachVideoRoom(
        for session: SessionID, completion: @escaping (Result<JanusHandleID, JanusError>) -> Void
    ) {
        Self.attach(
            JanusServerInfo.videoRoomPlugin, as: .session(session), slot: owner.slot, deployment: deployment,
            session: janusSession, over: gateway, completion: completion)
    }

    func attachSIP(
        as purpose: OpaqueID.Purpose, completion: @escaping (Result<JanusHandleID, JanusError>) -> Void
    ) {
        Self.attach(
            JanusServerInfo.sipPlugin, as: purpose, slot: owner.slot, deployment: deployment, session: janusSession,
            over: gateway, completion: completion)
    }

    /// Rooms of a slot that was given up; those that stay are found by its next holder.
    func destroyRooms(_ rooms: [JanusRoomID], completion: @escaping () -> Void) {
        guard let room = rooms.first else { return completion() }
        roomHandle.message(.destroy, body: RoomMessage.destroy(room)) { [self] result in
            if case .failure(let error) = result, !error.saysAlreadyGone {
                logger.warning(
                    "Janus did not destroy a room", metadata: .keyed([.room: "\(room)", .error: error.reason]))
            }
            destroyRooms(Array(rooms.dropFirst()), completion: completion)
        }
    }

    /// A write signed by the slot. `then` gets the outcome on the loop; a refusal for good ends the process.
    func write<Value: Sendable>(
        _ operation: @escaping @Sendable (any RegistryStore, RoomOwner) throws(RegistryError) -> Value,
        then: @escaping (Result<Value, RegistryError>) -> Void
    ) {
        guard isHeld else { return }
        let owner = owner
        registry.submit { store throws(RegistryError) in
            try operation(store, owner)
        } then: { [self] result in
            if case .failure(.superseded) = result { return superseded() }
            if isHeld { then(result) }
        }
    }

    /// A write nobody waits for; a failure is logged, and the sweep mends what it leaves.
    func write(
        _ what: String, _ operation: @escaping @Sendable (any RegistryStore, RoomOwner) throws(RegistryError) -> Void
    ) {
        write(operation) { [logger] result in
            if case .failure(let error) = result {
                logger.warning("registry write failed", metadata: .keyed([.value: what, .error: "\(error)"]))
            }
        }
    }

    /// A write that must happen some day: tried again every second while the registry cannot be reached.
    func writeEventually(
        _ what: String, _ operation: @escaping @Sendable (any RegistryStore, RoomOwner) throws(RegistryError) -> Void
    ) {
        write(operation) { [self] result in
            guard case .failure(.unavailable(let reason)) = result else { return }
            logger.debug("registry write put off", metadata: .keyed([.value: what, .error: reason]))
            let bound = NIOLoopBound(self, eventLoop: loop)
            loop.scheduleTask(in: Self.retryDelay) { bound.value.writeEventually(what, operation) }
        }
    }

    /// Handles are recorded in batches: they help the next owner, but Janus can be asked, too.
    func recordHandle(_ handle: JanusHandleID, of session: SessionID) {
        handlesToRecord.append((session, handle))
        guard handlesToRecord.count == 1 else { return }
        let bound = NIOLoopBound(self, eventLoop: loop)
        loop.scheduleTask(in: .milliseconds(20)) {
            let batch = bound.value.handlesToRecord
            bound.value.handlesToRecord = []
            bound.value.write("handles") { store, owner throws(RegistryError) in
                try store.recordHandles(batch, owner: owner)
            }
        }
    }

    /// Likewise, by what other handles share a registration's SIP stack: Janus tells that only to who registers.
    func recordMaster(_ master: UInt64, of session: SessionID) {
        mastersToRecord.append((session, master))
        guard mastersToRecord.count == 1 else { return }
        let bound = NIOLoopBound(self, eventLoop: loop)
        loop.scheduleTask(in: .milliseconds(20)) {
            let batch = bound.value.mastersToRecord
            bound.value.mastersToRecord = []
            bound.value.write("masters") { store, owner throws(RegistryError) in
                try store.recordMasters(batch, owner: owner)
            }
        }
    }

    /// Likewise, what of a registration's calls is dealt with.
    func recordSeenCalls(_ calls: SeenCalls, of session: SessionID) {
        callsToRecord.append((session, calls))
        guard callsToRecord.count == 1 else { return }
        let bound = NIOLoopBound(self, eventLoop: loop)
        loop.scheduleTask(in: .milliseconds(20)) {
            let batch = bound.value.callsToRecord
            bound.value.callsToRecord = []
            bound.value.write("calls") { store, owner throws(RegistryError) in
                try store.recordSeenCalls(batch, owner: owner)
            }
        }
    }
}
