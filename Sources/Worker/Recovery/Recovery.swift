import Identity
import JSONText
import Logging
import Registry
import Sylkrtc
import Telemetry

/// Carries on what a slot's former holder left: every session of its rows is looked up in Janus and goes on from there, its
/// room first, while the others are served already. What Janus has beyond that is removed.
///
/// From the claim on the gateway keeps what handles say. A session receives that when it has been observed: what Janus said
/// later is newer than what was observed, and what it said before does no harm.
final class Recovery {
    enum Failure: Error, Equatable {
        /// The Janus session holds handles of another deployment or slot: whoever configured both must mend that.
        case foreign(String)
        case janus(JanusError)
    }

    /// The reason of sessions that Janus has lost.
    static let janusLostReason = "500 Janus lost"

    /// How often a room is asked about.
    private static let attempts = 3

    private let conferences: Conferences
    private let inheritance: Inheritance
    private let admin: JanusGateway?
    private let finished: (Result<Void, Failure>) -> Void
    private let logger: Logger

    private var publishers: [SessionID: PublisherSession] = [:]
    private var feeds: [SessionID: FeedSession] = [:]
    private var rooms: [(room: Room, row: RoomRow)] = []
    /// What was found of sessions that have not been told of it yet.
    private var seen: [SessionID: HandleInfo] = [:]
    private var recorded: [SessionID: JanusHandleID] = [:]
    private var unwanted: [HandleInfo] = []
    private var roomOf: [JanusHandleID: RoomURI] = [:]
    /// Publishers that a room still waits for.
    private var missing: [RoomURI?: Int] = [:]
    /// Rooms that Janus was asked about, …
    private var asked: Set<RoomURI> = []
    /// … and how many of them have not been answered.
    private var roomsToGo = 0
    private var feedHandles: [JanusHandleID] = []
    private var arePublishersInspected = false
    /// What was found of registrations' and calls' handles; they are told when all have been.
    private var phones: [JanusHandleID: (purpose: OpaqueID.Purpose, info: HandleInfo)] = [:]
    private var arePhonesInspected = false
    private var isInspectingFeeds = false
    private var isInspected = false
    private var isOver = false

    private var possession: SlotPossession { conferences.possession }

    init(
        _ conferences: Conferences, inheritance: Inheritance, admin: JanusGateway?,
        finished: @escaping (Result<Void, Failure>) -> Void
    ) {
        self.conferences = conferences
        self.inheritance = inheritance
        self.admin = admin
        self.finished = finished
        logger = conferences.possession.logger
    }

    /// Afterwards every session is known, so that requests find theirs; what they do waits for what Janus says.
    func start() {
        guard let handles = inheritance.handles else { return everythingIsLost() }
        // What Janus has is there, and cannot be looked at now.
        guard let admin else { return finish(.failure(.janus(.linkLost))) }
        for row in inheritance.sessions where row.ended { remember(row, reason: PublisherStateMachine.unseenReason) }
        for row in inheritance.rooms { rooms.append((conferences.inherit(row), row)) }
        let living = inheritance.sessions.filter { !$0.ended }
        for row in living where row.role == .publisher { publishers[row.id] = conferences.inheritPublisher(row) }
        for row in living where row.role == .subscriber { feeds[row.id] = conferences.inheritFeed(row) }
        let ofPhones = living.filter { conferences.telephony.inherit($0) }
        for row in living { recorded[row.id] = row.handle }
        let orphans = living.filter {
            publishers[$0.id] == nil && feeds[$0.id] == nil && !conferences.telephony.has($0.id)
        }
        for row in orphans { remember(row, reason: Conferences.lostReason) }
        markEnded(orphans)
        if !living.isEmpty {
            logger.notice(
                "resuming",
                metadata: .keyed([
                    .value: "\(publishers.count) publishers, \(feeds.count) feeds, \(rooms.count) rooms, "
                        + "\(ofPhones.count) registrations and calls"
                ])
            )
        }

        // Publishers come first, room by room, because a room's requests wait for all of them, then what rings and speaks.
        // Feeds come last: there are many of them. Before them all what no row names: it may be anybody's.
        let order = HandleOrder(handles, living)
        inspect(order.unnamed, admin) { [self] in
            missing = Dictionary(grouping: order.publishers) { order.rooms[$0] }.mapValues(\.count)
            roomOf = order.rooms
            inspect(order.publishers, admin) { [self] in
                arePublishersInspected = true
                for (room, row) in rooms where asked.insert(row.uri).inserted { ask(room, row) }
                inspect(order.phones, admin) { [self] in
                    unwanted += conferences.telephony.observed(
                        phones, ofPhones, ended: inheritance.sessions.filter { $0.ended && $0.role == .call })
                    phones = [:]
                    arePhonesInspected = true
                    inspectFeeds()
                }
            }
        }
        feedHandles = order.feeds
    }

    private func inspectFeeds() {
        guard arePublishersInspected, arePhonesInspected, asked.count == rooms.count, roomsToGo == 0, let admin,
            !isInspectingFeeds
        else {
            return
        }
        isInspectingFeeds = true
        inspect(feedHandles, admin) { [self] in
            for (id, feed) in feeds {
                feed.observed(seen.removeValue(forKey: id)?.feedObservation ?? FeedStateMachine.Observation())
            }
            feeds = [:]
            isInspected = true
            finishWhenDone()
        }
    }

    // MARK: What is found

    private func inspect(_ handles: [JanusHandleID], _ admin: JanusGateway, then: @escaping () -> Void) {
        let inspection = HandleInspection(handles, of: possession.janusSession, admin: admin)
        inspection.asked = { [self] handle in if isValid { looked(at: handle) } }
        inspection.found = { [self] info in if isValid { found(info) } }
        inspection.finished = { [self] result in
            guard isValid else { return }
            switch result {
            case .success: then()
            case .failure(let error): finish(.failure(.janus(error)))
            }
        }
        inspection.start()
    }

    private var isValid: Bool { possession.isHeld && !isOver }

    private func found(_ info: HandleInfo) {
        guard info.handle != possession.roomHandle.id else { return }
        guard let owner = OpaqueID(info.opaqueID), owner.deployment == possession.deployment,
            owner.slot == possession.owner.slot
        else {
            let (session, slot) = (possession.janusSession, possession.owner.slot)
            return finish(
                .failure(
                    .foreign("session \(session) of slot \(slot) holds a handle marked \"\(info.opaqueID)\": not ours"))
            )
        }
        let session: SessionID
        switch owner.purpose {
        case .session(let owned): session = owned
        case .spare, .pooled:
            phones[info.handle] = (owner.purpose, info)
            return
        case .rooms: return unwanted.append(info)
        }
        guard !conferences.telephony.has(session) else {
            phones[info.handle] = (owner.purpose, info)
            return
        }
        guard publishers[session] != nil || feeds[session] != nil else { return unwanted.append(info) }
        var best = info
        if let other = seen[session] {
            // A late attach of a dead process makes a second handle.
            if rank(other, of: session) >= rank(info, of: session) { best = other }
            unwanted.append(best.handle == info.handle ? other : info)
        }
        seen[session] = best
        // There are many feeds: those that cannot be outdone go on at once.
        if best.isInUse, let feed = feeds.removeValue(forKey: session) {
            seen[session] = nil
            feed.observed(best.feedObservation)
        }
    }

    /// The handle that is in a room counts; with none, the one that was recorded, on which something may be under way.
    private func rank(_ info: HandleInfo, of session: SessionID) -> Int {
        if info.isInUse { return 2 }
        return info.handle == recorded[session] ? 1 : 0
    }

    // MARK: Rooms

    /// A room whose last publisher has been looked at is asked who is in it.
    private func looked(at handle: JanusHandleID) {
        guard let uri = roomOf[handle], let left = missing[uri] else { return }
        missing[uri] = left - 1
        guard left == 1, let (room, row) = rooms.first(where: { $0.row.uri == uri }),
            asked.insert(row.uri).inserted
        else { return }
        ask(room, row)
    }

    private func ask(_ room: Room, _ row: RoomRow) {
        roomsToGo += 1
        ask(room, row, attempt: 1)
    }

    private func ask(_ room: Room, _ row: RoomRow, attempt: Int) {
        guard inheritance.janusRooms.contains(row.janusRoom) else {
            return observed(room, present: [], exists: false)
        }
        possession.roomHandle.message(.list) { json in
            json.member("request", "listparticipants")
            json.member("room", row.janusRoom.rawValue)
        } completion: { [self] result in
            guard isValid else { return }
            switch result {
            case .failure(let error) where error.saysAlreadyGone: observed(room, present: [], exists: false)
            case .failure(let error) where error != .linkLost && attempt < Self.attempts:
                logger.warning(
                    "Janus did not say who is in a room", metadata: .keyed([.room: "\(row.uri)", .error: error.reason]))
                ask(room, row, attempt: attempt + 1)
            case .failure(let error): finish(.failure(.janus(error)))
            case .success(let reply):
                let participants = reply.pluginData?["participants"]?.elements ?? []
                let present = participants.filter { $0["publisher"]?.bool == true }
                    .compactMap { $0["id"]?.integer(UInt64.self).map(PublisherID.init) }
                observed(room, present: present, exists: row.state != .destroying)
            }
        }
    }

    private func observed(_ room: Room, present: [PublisherID], exists: Bool) {
        for (id, publisher) in publishers where publisher.room === room {
            publishers[id] = nil
            let info = seen.removeValue(forKey: id)
            publisher.observed(
                info?.observation(as: publisher.publisherID) ?? PublisherStateMachine.Observation(),
                bitrate: info?.bitrate, present: present)
        }
        room.observed(exists: exists)
        roomsToGo -= 1
        inspectFeeds()
    }

    // MARK: The end

    private func finishWhenDone() {
        guard isInspected, roomsToGo == 0, isValid else { return }
        possession.gateway.dropKeptEvents()
        for info in unwanted { info.detach(from: possession.janusSession, over: possession.gateway, logger) }
        let wanted = Set(inheritance.rooms.map(\.janusRoom))
        for room in inheritance.janusRooms.subtracting(wanted) {
            possession.roomHandle.message(.destroy, body: RoomMessage.destroy(room)) { [logger] result in
                guard case .failure(let error) = result, !error.saysAlreadyGone else { return }
                logger.warning("a room stays behind", metadata: .keyed([.janus: "\(room)", .error: error.reason]))
            }
        }
        finish(.success(()))
    }

    private func finish(_ result: Result<Void, Failure>) {
        guard !isOver else { return }
        isOver = true
        finished(result)
    }

    // MARK: What is over

    private func remember(_ row: SessionRow, reason: String) {
        guard conferences.ended[row.id] == nil else { return }
        let ending =
            switch row.role {
            case .publisher, .subscriber: EndedSession(base: row.parent, creation: .ack, reason: reason)
            case .registration:
                EndedSession(base: nil, creation: .ack, reason: reason, event: .registrationLost)
            case .call where row.isMissed:
                EndedSession(
                    base: nil, creation: .ack, reason: CallEnding.unansweredIncoming,
                    event: .call(
                        .terminated(
                            reason: CallEnding.unansweredIncoming,
                            missed: Caller(uri: row.caller ?? "", displayName: row.callerName ?? ""))))
            case .call:
                EndedSession(
                    base: row.parent, creation: .ack, reason: reason, event: .call(.terminated(reason: reason)))
            }
        conferences.ended.insert(row.id, ending)
    }

    private func markEnded(_ rows: [SessionRow]) {
        guard !rows.isEmpty else { return }
        possession.writeEventually("sessions ended") { store, owner throws(RegistryError) in
            for row in rows { try store.markEnded(row.id, owner: owner) }
        }
    }

    /// Janus has forgotten the slot's session: what was in it is over, and its rooms are free at once. Rooms that Janus still
    /// has survived a session that timed out; they go, too.
    private func everythingIsLost() {
        let living = inheritance.sessions.filter { !$0.ended }
        for row in inheritance.sessions where row.ended { remember(row, reason: PublisherStateMachine.unseenReason) }
        for row in living { remember(row, reason: Self.janusLostReason) }
        markEnded(living)
        for row in living where row.role == .call { conferences.phoneMetrics.callEnded(CallDirection(row), .failed) }
        if !living.isEmpty {
            logger.error(
                "Janus has lost the slot's session", metadata: .keyed([.value: "\(living.count) sessions end"]))
        }
        let rows = inheritance.rooms
        possession.writeEventually("rooms released") { store, owner throws(RegistryError) in
            for row in rows { try store.releaseRoom(row.uri, owner: owner, janusRoom: row.janusRoom) }
        }
        for room in inheritance.janusRooms {
            possession.roomHandle.message(.destroy, body: RoomMessage.destroy(room)) { _ in }
        }
        possession.gateway.dropKeptEvents()
        finish(.success(()))
    }
}
