import Identity
import JSONText
import Logging
import NIOCore
import Telemetry

/// Removes from a slot's Janus session what no session of ours owns: handles with our mark that are not `kept`, and rooms
/// whose description carries the slot's mark and that are not `kept`.
///
/// After a claim this is what a dead predecessor left behind. A handle that names another deployment stops it: then the
/// session is not ours at all.
struct JanusSweep {
    enum Outcome: Equatable {
        case swept(handles: Int, rooms: Int)
        /// The session holds handles of another deployment or slot: whoever configured both must mend that.
        case foreign(String)
        case failed(JanusError)
    }

    let slot: SlotID
    let deployment: DeploymentID
    let session: JanusSessionID
    let gateway: JanusGateway
    let logger: Logger

    /// Handles, by the admin API (`list_handles`, `handle_info`).
    ///
    /// - Parameters:
    ///   - admin: the admin API's gateway.
    ///   - kept: handles that stay.
    func handles(admin: JanusGateway, keeping kept: Set<JanusHandleID>, completion: @escaping (Outcome) -> Void) {
        admin.request("list_handles", session: session) { result in
            switch result {
            case .failure(let error): completion(.failed(error))
            case .success(let reply):
                guard case .done(let root) = reply, let elements = root["handles"]?.elements else {
                    return completion(.failed(.malformed("list_handles without handles")))
                }
                let handles = elements.compactMap { $0.integer(UInt64.self).map(JanusHandleID.init) }
                inspect(handles.filter { !kept.contains($0) }, detached: 0, admin: admin, completion: completion)
            }
        }
    }

    private func inspect(
        _ handles: [JanusHandleID], detached: Int, admin: JanusGateway, completion: @escaping (Outcome) -> Void
    ) {
        guard let handle = handles.first else { return completion(.swept(handles: detached, rooms: 0)) }
        let rest = Array(handles.dropFirst())
        admin.request("handle_info", session: session, handle: handle) { result in
            switch result {
            case .failure(let error) where error.saysAlreadyGone:
                inspect(rest, detached: detached, admin: admin, completion: completion)
            case .failure(let error): completion(.failed(error))
            case .success(let reply):
                guard case .done(let root) = reply else { return completion(.failed(.malformed("handle_info"))) }
                let text = root["info"]?["opaque_id"]?.string ?? ""
                guard let owner = OpaqueID(text), owner.deployment == deployment, owner.slot == slot else {
                    return completion(
                        .foreign("session \(session) of slot \(slot) holds a handle marked \"\(text)\": not ours"))
                }
                gateway.request("detach", session: session, handle: handle) { result in
                    if case .failure(let error) = result, !error.saysAlreadyGone {
                        return completion(.failed(error))
                    }
                    inspect(rest, detached: detached + 1, admin: admin, completion: completion)
                }
            }
        }
    }

    /// Rooms, over the slot's own VideoRoom handle.
    func rooms(
        over handle: JanusHandle<RoomMessage>, keeping kept: Set<JanusRoomID>, completion: @escaping (Outcome) -> Void
    ) {
        handle.message(.list, body: { $0.member("request", "list") }) { result in
            switch result {
            case .failure(let error): completion(.failed(error))
            case .success(let reply):
                let mark = OpaqueID.mark(of: slot, in: deployment)
                let rooms = (reply.pluginData?["list"]?.elements ?? []).compactMap { room -> JanusRoomID? in
                    guard room["description"]?.string == mark, let id = room["room"]?.integer(UInt64.self) else {
                        return nil
                    }
                    return JanusRoomID(rawValue: id)
                }
                destroy(rooms.filter { !kept.contains($0) }, destroyed: 0, over: handle, completion: completion)
            }
        }
    }

    private func destroy(
        _ rooms: [JanusRoomID], destroyed: Int, over handle: JanusHandle<RoomMessage>,
        completion: @escaping (Outcome) -> Void
    ) {
        guard let room = rooms.first else { return completion(.swept(handles: 0, rooms: destroyed)) }
        handle.message(.destroy, body: RoomMessage.destroy(room)) { result in
            if case .failure(let error) = result, !error.saysAlreadyGone { return completion(.failed(error)) }
            destroy(Array(rooms.dropFirst()), destroyed: destroyed + 1, over: handle, completion: completion)
        }
    }
}
