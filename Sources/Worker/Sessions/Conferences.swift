import Identity
import Logging
import NIOCore
import Registry
import Sylkrtc
import Telemetry

/// Every room, publisher and feed of the slot, as long as the worker has the slot and Janus. Requests come in here and go
/// to the session they are about; sessions tell it when they are over. Confined to the worker's core loop.
final class Conferences {
    let possession: SlotPossession
    let outbox: any Outbox
    let ended: EndedSessions
    let invitations: Invitations
    /// Registrations and calls, which share the bounds and the bookkeeping of everything of their connections.
    private(set) lazy var telephony = Telephony(self, proxies: proxies)
    private let proxies: any ProxyFinding
    let roomRules: RoomRules
    private var rooms: [RoomURI: Room] = [:]
    private(set) var publishers: [SessionID: PublisherSession] = [:]
    private(set) var feeds: [SessionID: FeedSession] = [:]
    /// Given up while the room they wait for is being looked at.
    private var releasedEarly: Set<SessionID> = []
    /// What front doors have listed and is not gone through yet.
    var resyncs: [FrontdoorLoopID: Resynchronization] = [:]
    private var sessionsByConnection: [ConnectionID: Set<SessionID>] = [:]
    private var countsByLoop: [FrontdoorLoopID: Int] = [:]
    /// The slot is being emptied: rooms that are not here are not made here.
    var refusesRooms = false
    /// A front door's loop has no link, and has had the time to make one.
    var isAway: (FrontdoorLoopID) -> Bool = { _ in false }

    var metrics = SessionMetrics()
    var phoneMetrics = PhoneMetrics()

    /// nil: the admin API cannot be reached.
    var admin: () -> JanusGateway? = { nil }

    init(
        possession: SlotPossession, outbox: any Outbox, ended: EndedSessions, rules: RoomRules,
        proxies: any ProxyFinding
    ) {
        self.possession = possession
        self.outbox = outbox
        self.ended = ended
        roomRules = rules
        self.proxies = proxies
        invitations = Invitations(possession: possession, outbox: outbox)
    }

    /// What the worker tells of its work: participants, feeds, registrations and calls.
    var load: Int { publishers.count + feeds.count + telephony.load }
    var isEmpty: Bool { load == 0 && rooms.isEmpty }
    /// And every front door knows that nothing is.
    var isForgotten: Bool { isEmpty && ended.isEmpty }
    /// Whose sessions are here, those that are over but not acknowledged included.
    var owners: Set<FrontdoorLoopID> { Set(sessionsByConnection.keys.map(\.owner)).union(ended.owners) }

    func voice(of session: SessionID, base: SessionID? = nil, isHeard: Bool) -> SessionVoice {
        SessionVoice(
            session, base: base ?? session, outbox: outbox, possession: possession,
            isHeard: isHeard && outbox.isPresent(session.connection.owner))
    }

    // MARK: Requests

    /// Sessions of one connection: twice what a front door allows its clients, because some may be about to end.
    static let maximumOfConnection = 256
    /// Sessions of one front door's loop.
    static let maximumOfLoop = 16_384

    /// A front door has asked for more than it ever should: what is new is refused, and nobody else notices.
    func isOverrun(by connection: ConnectionID) -> Bool {
        sessionsByConnection[connection]?.count ?? 0 >= Self.maximumOfConnection
            || countsByLoop[connection.owner] ?? 0 >= Self.maximumOfLoop
    }

    func submit(_ request: WorkerRequest, from connection: ConnectionID, sequence: RequestSequence) {
        func session(_ request: RequestSequence) -> SessionID { SessionID(connection: connection, request: request) }
        switch request {
        case .join(let join): self.join(join, as: session(sequence))
        case .feedAttach(let base, let feed, let publisher):
            attachFeed(session(sequence), called: feed, base: session(base), publisher: publisher)
        case .feedAnswer(let feed, _), .feedDetach(let feed):
            guard let feed = feeds[session(feed)] else {
                return outbox.answer(.unknownSession, to: sequence, of: connection)
            }
            feed.submit(request, sequence: sequence)
        case .configureRoom(let target, _):
            guard let publisher = publishers[session(target)] else {
                return outbox.answer(.unknownSession, to: sequence, of: connection)
            }
            publisher.submit(request, sequence: sequence)
        case .trickle(let target, _), .update(let target, _, _, _), .terminate(let target):
            if let publisher = publishers[session(target)] {
                publisher.submit(request, sequence: sequence)
            } else if let feed = feeds[session(target)] {
                feed.submit(request, sequence: sequence)
            } else {
                telephony.submit(request, from: connection, sequence: sequence)
            }
        case .invite(let target, _):
            guard let publisher = publishers[session(target)] else {
                return outbox.answer(.unknownSession, to: sequence, of: connection)
            }
            publisher.submit(request, sequence: sequence)
        case .register, .unregister, .call, .accept:
            telephony.submit(request, from: connection, sequence: sequence)
        case .releaseAccount(let account):
            // The ack precedes the events it causes.
            outbox.answer(.ack, to: sequence, of: connection)
            // Those that were asked for later have an account that was added again.
            for id in sessionsByConnection[connection] ?? []
            where id.request < sequence && publishers[id]?.account == account {
                publishers[id]?.accountRemoved()
            }
            telephony.removed(account, from: connection, before: sequence)
        }
    }

    private func join(_ join: WorkerRequest.Join, as id: SessionID) {
        // The same request again meets its own session: it joins the step under way.
        guard publishers[id] == nil else { return }
        // It went elsewhere first, and comes back.
        ended.remove(id)
        func refuse(_ text: String) { outbox.answer(.error(text), to: id.request, of: id.connection) }
        guard !isOverrun(by: id.connection) else { return refuse("too many sessions") }
        // A room that exists keeps the rules it was created with.
        let rules = rooms[join.room]?.configuration ?? configuration(of: join.room)
        guard rules.access.admits(join.account, isVerified: join.isVerified) else {
            return refuse("\(join.accountAsSent) is not allowed to join room \(join.roomAsSent)")
        }
        if rooms[join.room] == nil, refusesRooms {
            // Ask elsewhere: the front door has not seen the order yet.
            return outbox.answer(.notOwner(possession.owner.slot), to: id.request, of: id.connection)
        }
        let room = rooms[join.room] ?? makeRoom(join.room)
        evictGhosts(of: join.account, in: room)
        let publisher = PublisherSession(id, join: join, room: room, conferences: self)
        add(publisher)
        publisher.join()
    }

    /// Somebody returns: what is left of the same account on front doors that are gone makes place, at once or when their
    /// links have had the time to come back.
    private func evictGhosts(of account: AddressOfRecord, in room: Room) {
        let others = room.sessions(of: account)
        guard !others.isEmpty else { return }
        for owner in Set(others.map(\.id.connection.owner)) { outbox.probe(owner) }
        room.evictGhosts(of: account)
        guard room.sessions(of: account).contains(where: { !$0.voice.isHeard }) else { return }
        let bound = NIOLoopBound((possession, room), eventLoop: possession.loop)
        possession.loop.scheduleTask(in: Absences.blink) {
            let (possession, room) = bound.value
            if possession.isHeld { room.evictGhosts(of: account) }
        }
    }

    private func add(_ publisher: PublisherSession) {
        publishers[publisher.id] = publisher
        count(publisher.id)
    }

    private func add(_ feed: FeedSession) {
        feeds[feed.id] = feed
        feed.base.feeds[feed.id] = feed
        count(feed.id)
    }

    func count(_ session: SessionID) {
        guard sessionsByConnection[session.connection, default: []].insert(session).inserted else { return }
        countsByLoop[session.connection.owner, default: 0] += 1
    }

    func uncount(_ session: SessionID) {
        let (connection, owner) = (session.connection, session.connection.owner)
        guard sessionsByConnection[connection]?.remove(session) != nil else { return }
        if sessionsByConnection[connection]?.isEmpty == true { sessionsByConnection[connection] = nil }
        let left = (countsByLoop[owner] ?? 0) - 1
        countsByLoop[owner] = left > 0 ? left : nil
    }

    private func attachFeed(_ id: SessionID, called client: ClientSessionID, base: SessionID, publisher: String) {
        guard feeds[id] == nil else { return }
        guard let base = publishers[base] else {
            return outbox.answer(.unknownSession, to: id.request, of: id.connection)
        }
        guard !isOverrun(by: id.connection), !base.room.isOverrun else {
            return outbox.answer(.error("feed-attach: too many sessions"), to: id.request, of: id.connection)
        }
        // Who is in a predecessor's room is known in a moment.
        base.room.whenResumed { [self] in attachFeed(id, called: client, base: base, publisher: publisher) }
    }

    private func attachFeed(
        _ id: SessionID, called client: ClientSessionID, base: PublisherSession, publisher: String
    ) {
        guard feeds[id] == nil, possession.isHeld, !wasReleasedEarly(id) else { return }
        func refuse(_ text: String) { outbox.answer(.error("feed-attach: \(text)"), to: id.request, of: id.connection) }
        guard base.isPresent else { return outbox.answer(.unknownSession, to: id.request, of: id.connection) }
        guard base.room.presentPublisher(called: client.description) == nil else {
            return refuse("video room session ID \(client) already in use")
        }
        guard let target = base.room.presentPublisher(called: publisher), target !== base else {
            return refuse("unknown publisher video room session to attach to: \(publisher)")
        }
        let isShown = base.feeds.values.contains { $0.target == target.publisherID && !$0.isEnding }
        guard !isShown else { return refuse("already attached to publisher video room session: \(publisher)") }
        let feed = FeedSession(id, called: client, of: base, showing: target.publisherID, conferences: self)
        add(feed)
        feed.attach()
    }

    // MARK: Rooms

    private func makeRoom(_ uri: RoomURI) -> Room {
        let room = Room(
            uri, possession: possession, configuration: { [unowned self] in configuration(of: uri) },
            recordingDirectory: roomRules.recordingDirectory, close: { [weak self] in self?.closed($0) })
        rooms[uri] = room
        return room
    }

    /// A predecessor's room.
    func inherit(_ row: RoomRow) -> Room {
        let current = configuration(of: row.uri)
        let room = Room(
            inheriting: row, possession: possession,
            snapshot: RoomConfiguration(snapshot: row.configuration) ?? current,
            configuration: { [unowned self] in configuration(of: row.uri) },
            recordingDirectory: roomRules.recordingDirectory, close: { [weak self] in self?.closed($0) })
        rooms[row.uri] = room
        return room
    }

    private func configuration(of uri: RoomURI) -> RoomConfiguration {
        let (configuration, problems) = roomRules.configuration(of: uri)
        for problem in problems {
            possession.logger.error("the room is closed", metadata: .keyed([.room: "\(uri)", .error: problem]))
        }
        return configuration
    }

    private func closed(_ room: Room) {
        if rooms[room.uri] === room { rooms[room.uri] = nil }
    }

    var roomCount: Int { rooms.count }

    /// Janus's rooms that are in use.
    var janusRooms: Set<JanusRoomID> { Set(rooms.values.map(\.janusRoom)) }

    // MARK: What a predecessor has left

    /// - Returns: nil when its room is not there any more.
    func inheritPublisher(_ row: SessionRow) -> PublisherSession? {
        guard let room = row.room.flatMap({ rooms[$0] }) else { return nil }
        let publisher = PublisherSession(inheriting: row, room: room, conferences: self)
        room.inherit(publisher)
        add(publisher)
        return publisher
    }

    /// - Returns: nil when its base session is not there any more.
    func inheritFeed(_ row: SessionRow) -> FeedSession? {
        guard let base = row.parent.flatMap({ publishers[$0] }), let target = row.feedTarget else { return nil }
        let feed = FeedSession(
            row.id, called: row.clientSession, of: base, showing: target, isInherited: true, conferences: self)
        add(feed)
        return feed
    }

    // MARK: Ends

    /// The front door has given up on the session.
    func release(_ session: SessionID) {
        resyncs[session.connection.owner]?.release(session)
        publishers[session]?.release()
        feeds[session]?.release()
        telephony.release(session)
        if ended[session] != nil { settle(session) }
        guard publishers[session] == nil, feeds[session] == nil, !telephony.has(session) else { return }
        if !rooms.values.contains(where: \.isResuming) {
            releasedEarly = []
        } else if releasedEarly.count < Self.maximumOfLoop {
            releasedEarly.insert(session)
        }
    }

    /// It was given up before it could begin.
    func wasReleasedEarly(_ session: SessionID) -> Bool { releasedEarly.remove(session) != nil }

    /// Of no use any more: sessions and rooms refer to this, and it to them.
    func close() {
        possession.give()
        invitations.close()
        telephony.close()
        resyncs = [:]
        for publisher in publishers.values { publisher.feeds = [:] }
        publishers = [:]
        feeds = [:]
        rooms = [:]
        sessionsByConnection = [:]
        countsByLoop = [:]
    }

    /// The client is gone.
    func release(_ connection: ConnectionID) {
        resyncs[connection.owner]?.release(connection)
        for session in sessionsByConnection[connection] ?? [] { release(session) }
        for session in ended.all(where: { $0.connection == connection }) { settle(session) }
    }

    /// Releases the sessions that are wanted by nobody.
    func release(where isUnwanted: (SessionID) -> Bool) {
        for session in sessionsByConnection.values.flatMap({ $0 }) where isUnwanted(session) { release(session) }
        for session in ended.all(where: isUnwanted) { settle(session) }
    }

    /// Ends every session with a reason.
    func expelAll(_ reason: String) {
        for publisher in publishers.values { publisher.expel(reason) }
        telephony.endAll(reason)
    }

    /// - Parameter publisher: nil: all feeds of the base session.
    func endFeeds(of base: SessionID, showing publisher: PublisherID?) {
        for feed in publishers[base]?.feeds.values ?? [:].values where publisher == nil || feed.target == publisher {
            feed.end(publisher == nil ? "the session has ended" : "the publisher has left")
        }
    }

    /// The registry has lost the slot's rows: they are put back, as they are in use.
    func reassertRows() {
        for room in rooms.values { room.reassertRow() }
        // One by one: a row that cannot be put back is not to keep the others away.
        for row in publishers.values.map(\.row) + feeds.values.map(\.row) + telephony.rows {
            possession.writeEventually("session reasserted") { store, owner throws(RegistryError) in
                try store.recordSession(row, owner: owner)
            }
        }
    }

    func markEnded(
        _ session: SessionID, isMissed: Bool = false, at point: FaultPoint, then: @escaping () -> Void
    ) {
        possession.faults.before(point)
        possession.write { store, owner throws(RegistryError) in
            try store.markEnded(session, isMissed: isMissed, owner: owner)
        } then: { [possession] result in
            possession.faults.after(point)
            if case .failure(let error) = result {
                possession.logger.warning(
                    "a session was not marked as ended",
                    metadata: .keyed([.session: "\(session)", .error: "\(error)"]))
            }
            then()
        }
    }

    func finished(_ publisher: PublisherSession) {
        guard publishers.removeValue(forKey: publisher.id) != nil else { return }
        metrics.ended(.publisher)
        forget(publisher.id, publisher.ending, publisher.voice, isReleased: publisher.isReleased)
    }

    func finished(_ feed: FeedSession) {
        guard feeds.removeValue(forKey: feed.id) != nil else { return }
        metrics.ended(.feed)
        feed.base.feeds[feed.id] = nil
        forget(feed.id, feed.ending, feed.voice, isReleased: feed.isReleased)
    }

    /// The row stays until the front door has acknowledged what it was told of the session's end, or has given it up itself.
    func forget(_ session: SessionID, _ ending: EndedSession, _ voice: SessionVoice, isReleased: Bool) {
        uncount(session)
        guard !isReleased else { return deleteRow(session) }
        ended.insert(session, ending)
        // What was said into the void is said again at the next resync.
        if voice.isHeard { settleWhenAcknowledged(session) }
    }

    func settleWhenAcknowledged(_ session: SessionID) {
        outbox.whenAcknowledged(by: session.connection.owner) { [weak self] in self?.settle(session) }
    }

    /// Nobody has to be told of the session's end any more.
    private func settle(_ session: SessionID) {
        guard ended[session] != nil else { return }
        ended.remove(session)
        deleteRow(session)
    }

    private func deleteRow(_ session: SessionID) {
        possession.faults.before(.rowDelete)
        defer { possession.faults.after(.rowDelete) }
        possession.writeEventually("session deleted") { store, owner throws(RegistryError) in
            try store.deleteSessions([session], owner: owner)
        }
    }
}
