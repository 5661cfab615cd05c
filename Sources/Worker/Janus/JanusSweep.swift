import Identity
import JSONText
import Logging
import NIOCore
import Telemetry

/// Removes from a slot's Janus session what no session of ours owns: handles with our mark that nobody keeps, duplicates
/// included, and rooms whose description carries the slot's mark. A dead process's late attach leaves such handles, for
/// example. What is not ours is left alone.
struct JanusSweep {
    /// How often a worker sweeps.
    static let interval = TimeAmount.seconds(60)

    let slot: SlotID
    let deployment: DeploymentID
    let session: JanusSessionID
    let gateway: JanusGateway
    let logger: Logger

    /// Handles, by the admin API (`list_handles`, `handle_info`).
    ///
    /// - Parameters:
    ///   - known: handles in use, which need not be looked at; asked once, when Janus has listed all.
    ///   - isKept: asked when the handle is about to be detached, with what it is marked with: it may have been taken into use
    ///     meanwhile.
    ///   - completion: how many were detached.
    func handles(
        admin: JanusGateway, known: @escaping () -> Set<JanusHandleID>,
        isKept: @escaping (JanusHandleID, OpaqueID.Purpose) -> Bool,
        completion: @escaping (Result<Int, JanusError>) -> Void
    ) {
        admin.request("list_handles", session: session) { result in
            switch result {
            case .failure(let error): completion(.failure(error))
            case .success(let reply):
                guard case .done(let root) = reply, let elements = root["handles"]?.elements else {
                    return completion(.failure(.malformed("list_handles without handles")))
                }
                let handles = elements.compactMap { $0.integer(UInt64.self).map(JanusHandleID.init) }
                let known = known()
                inspect(handles.filter { !known.contains($0) }, admin, isKept, completion)
            }
        }
    }

    private func inspect(
        _ handles: [JanusHandleID], _ admin: JanusGateway,
        _ isKept: @escaping (JanusHandleID, OpaqueID.Purpose) -> Bool,
        _ completion: @escaping (Result<Int, JanusError>) -> Void
    ) {
        var detached = 0
        let inspection = HandleInspection(handles, of: session, admin: admin)
        inspection.found = { info in
            guard let owner = OpaqueID(info.opaqueID), owner.deployment == deployment, owner.slot == slot else {
                return logger.warning("a handle that is not ours", metadata: .keyed([.handle: "\(info.handle)"]))
            }
            guard !isKept(info.handle, owner.purpose) else { return }
            detached += 1
            logger.notice("detached a handle nobody owns", metadata: .keyed([.handle: "\(info.handle)"]))
            info.detach(from: session, over: gateway, logger)
        }
        inspection.finished = { result in completion(result.map { detached }) }
        inspection.start()
    }

    /// Rooms, over the slot's own VideoRoom handle.
    func rooms(over handle: JanusHandle<RoomMessage>, isKept: @escaping (JanusRoomID) -> Bool) {
        handle.message(.list) {
            $0.member("request", "list")
        } completion: { result in
            switch result {
            case .failure(let error):
                logger.warning("rooms could not be listed", metadata: .keyed([.error: error.reason]))
            case .success(let reply):
                let mark = OpaqueID.mark(of: slot, in: deployment)
                for room in RoomMessage.rooms(in: reply, marked: mark) where !isKept(room) {
                    logger.notice("destroyed a room nobody owns", metadata: .keyed([.janus: "\(room)"]))
                    handle.message(.destroy, body: RoomMessage.destroy(room)) { result in
                        guard case .failure(let error) = result, !error.saysAlreadyGone else { return }
                        logger.warning("destroy failed", metadata: .keyed([.janus: "\(room)", .error: error.reason]))
                    }
                }
            }
        }
    }
}
