import Identity
import Logging
import Registry
import Telemetry

/// What is in Janus and nobody's.
extension Conferences {
    /// Removes from Janus what is not of these sessions and rooms.
    func sweep(admin: JanusGateway) {
        let sweep = janusSweep
        sweep.handles(admin: admin, known: knownHandles, isKept: isKept) { [possession, metrics] result in
            switch result {
            case .success(let count): metrics.swept(count)
            case .failure(let error):
                guard possession.isHeld else { return }
                possession.logger.warning("the sweep failed", metadata: .keyed([.error: error.reason]))
            }
        }
        sweep.rooms(over: possession.roomHandle) { [weak self] room in
            self.map { !$0.possession.isHeld || $0.janusRooms.contains(room) } ?? true
        }
    }

    /// Detaches the handles of a session that are not the one in use.
    func detachOthers(of session: SessionID, but own: JanusHandleID?, then: @escaping () -> Void) {
        guard let admin = admin() else { return then() }
        let rooms = possession.roomHandle.id
        janusSweep.handles(
            admin: admin, known: { Set([own, rooms].compactMap { $0 }) }, isKept: { $1 != .session(session) }
        ) { _ in
            then()
        }
    }

    private var janusSweep: JanusSweep {
        JanusSweep(
            slot: possession.owner.slot, deployment: possession.deployment, session: possession.janusSession,
            gateway: possession.gateway, logger: possession.logger)
    }

    /// Every handle in use, in one pass: there may be thousands, and as many that Janus lists.
    private func knownHandles() -> Set<JanusHandleID> {
        var known = telephony.handlesInUse
        known.insert(possession.roomHandle.id)
        known.formUnion(publishers.values.lazy.compactMap(\.handleID))
        known.formUnion(feeds.values.lazy.compactMap(\.handleID))
        return known
    }

    private func isKept(_ handle: JanusHandleID, for purpose: OpaqueID.Purpose) -> Bool {
        guard possession.isHeld, handle != possession.roomHandle.id, !telephony.isKept(handle, for: purpose) else {
            return true
        }
        switch purpose {
        // One that is being attached may be listed before its attach is answered.
        case .session(let session):
            if let publisher = publishers[session] { return publisher.isAttaching || publisher.handleID == handle }
            if let feed = feeds[session] { return feed.isAttaching || feed.handleID == handle }
            return false
        case .spare, .pooled, .rooms: return false
        }
    }
}
