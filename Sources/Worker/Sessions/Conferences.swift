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
    private let rules: RoomRules
    private var rooms: [RoomURI: Room] = [:]
    private var publishers: [SessionID: PublisherSession] = [:]
    private var feeds: [SessionID: FeedSession] = [:]
    private var sessionsByConnection: [ConnectionID: Set<SessionID>] = [:]
    /// Called when the last session and the last room are gone.
    var emptied: () -> Void = {}

    init(possession: SlotPossession, outbox: any Outbox, rules: RoomRules) {
        self.possession = possession
        self.outbox = outbox
        self.rules = rules
    }

    /// What the worker tells of its work: participants and feeds.
    var load: Int { publishers.count + feeds.count }
    var isEmpty: Bool { load == 0 && rooms.isEmpty }

    // MARK: Requests

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
        case .trickle(let target, _), .update(let target, _, _, _), .terminate(let target):
            if let publisher = publishers[session(target)] {
                publisher.submit(request, sequence: sequence)
            } else if let feed = feeds[session(target)] {
                feed.submit(request, sequence: sequence)
            } else {
                outbox.answer(.unknownSession, to: sequence, of: connection)
            }
        case .releaseAccount(let account):
            // The ack precedes the events it causes.
            outbox.answer(.ack, to: sequence, of: connection)
            for id in sessionsByConnection[connection] ?? [] where publishers[id]?.account == account {
                publishers[id]?.accountRemoved()
            }
        }
    }

    private func join(_ join: WorkerRequest.Join, as id: SessionID) {
        // The same request again meets its own session: it joins the step under way.
        guard publishers[id] == nil else { return }
        let account = join.accountAsSent
        // A room that exists keeps the rules it was created with.
        let rules = rooms[join.room]?.configuration ?? rules.configuration(of: join.room).0
        guard rules.access.admits(join.account, isVerified: join.isVerified) else {
            let text = "\(account) is not allowed to join room \(join.roomAsSent)"
            return outbox.answer(.error(text), to: id.request, of: id.connection)
        }
        let room = rooms[join.room] ?? makeRoom(join.room)
        let publisher = PublisherSession(id, join: join, room: room, conferences: self)
        publishers[id] = publisher
        sessionsByConnection[id.connection, default: []].insert(id)
        publisher.join()
    }

    private func makeRoom(_ uri: RoomURI) -> Room {
        let room = Room(
            uri, possession: possession,
            configuration: { [rules, logger = possession.logger] in
                let (configuration, problems) = rules.configuration(of: uri)
                for problem in problems {
                    logger.error("the room is closed", metadata: .keyed([.room: "\(uri)", .error: problem]))
                }
                return configuration
            },
            recordingDirectory: rules.recordingDirectory,
            close: { [weak self] room in
                guard let self, rooms[room.uri] === room else { return }
                rooms[room.uri] = nil
                if isEmpty { emptied() }
            })
        rooms[uri] = room
        return room
    }

    private func attachFeed(_ id: SessionID, called client: ClientSessionID, base: SessionID, publisher: String) {
        guard feeds[id] == nil else { return }
        func refuse(_ text: String) { outbox.answer(.error("feed-attach: \(text)"), to: id.request, of: id.connection) }
        guard let base = publishers[base], base.isPresent else {
            return outbox.answer(.unknownSession, to: id.request, of: id.connection)
        }
        guard base.room.presentPublisher(called: client.description) == nil else {
            return refuse("video room session ID \(client) already in use")
        }
        guard let target = base.room.presentPublisher(called: publisher), target !== base else {
            return refuse("unknown publisher video room session to attach to: \(publisher)")
        }
        let isShown = base.feeds.values.contains { $0.target == target.publisherID && !$0.isEnding }
        guard !isShown else { return refuse("already attached to publisher video room session: \(publisher)") }
        let feed = FeedSession(id, called: client, of: base, showing: target.publisherID, conferences: self)
        feeds[id] = feed
        base.feeds[id] = feed
        sessionsByConnection[id.connection, default: []].insert(id)
        feed.attach()
    }

    // MARK: Ends

    /// The front door has given up on the session.
    func release(_ session: SessionID) {
        publishers[session]?.release()
        feeds[session]?.release()
    }

    /// The client is gone.
    func release(_ connection: ConnectionID) {
        for session in sessionsByConnection[connection] ?? [] { release(session) }
    }

    /// Releases the sessions of every connection that `isGone`.
    func release(where isGone: (SessionID) -> Bool) {
        for session in sessionsByConnection.values.flatMap({ $0 }) where isGone(session) { release(session) }
    }

    /// Janus has forgotten everything, or cannot be reached: every session ends, and every room.
    func janusLost() {
        for feed in feeds.values { feed.janusLost() }
        for publisher in publishers.values { publisher.janusLost() }
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
        let rows = publishers.values.map(\.row) + feeds.values.map(\.row)
        possession.write("sessions reasserted") { store, owner throws(RegistryError) in
            for row in rows { try store.recordSession(row, owner: owner) }
        }
    }

    func markEnded(_ session: SessionID, then: @escaping () -> Void) {
        possession.write { store, owner throws(RegistryError) in
            try store.markEnded(session, owner: owner)
        } then: { [logger = possession.logger] result in
            if case .failure(let error) = result {
                logger.warning(
                    "a session was not marked as ended",
                    metadata: .keyed([.session: "\(session)", .error: "\(error)"]))
            }
            then()
        }
    }

    func finished(_ publisher: PublisherSession) {
        guard publishers.removeValue(forKey: publisher.id) != nil else { return }
        forget(publisher.id, isReleased: publisher.isReleased)
    }

    func finished(_ feed: FeedSession) {
        guard feeds.removeValue(forKey: feed.id) != nil else { return }
        feed.base.feeds[feed.id] = nil
        forget(feed.id, isReleased: feed.isReleased)
    }

    /// The row stays until the front door has acknowledged what it was told of the session's end, or has given it up itself.
    private func forget(_ session: SessionID, isReleased: Bool) {
        sessionsByConnection[session.connection]?.remove(session)
        if sessionsByConnection[session.connection]?.isEmpty == true { sessionsByConnection[session.connection] = nil }
        let delete = { [possession] in
            possession.writeEventually("session deleted") { store, owner throws(RegistryError) in
                try store.deleteSessions([session], owner: owner)
            }
        }
        if isReleased { delete() } else { outbox.whenAcknowledged(by: session.connection.owner, delete) }
        if isEmpty { emptied() }
    }
}
