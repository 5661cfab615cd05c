import Identity
import JSONText
import Logging
import Registry
import Sylkrtc
import Telemetry

/// A room's shell: it asks registry and Janus what its machine decides. Confined to the worker's core loop.
final class Room {
    /// How often another id is drawn when somebody else's room has it (427 on a fresh id).
    private static let creationAttempts = 5
    private static let roomExists = 427

    let uri: RoomURI
    /// Of this life of the room; drawn anew for the next.
    private(set) var janusRoom: JanusRoomID
    private(set) var configuration: RoomConfiguration
    private var machine = RoomStateMachine()
    private let actions = ActionQueue<RoomStateMachine.Action>()
    private let possession: SlotPossession
    private let makeConfiguration: () -> RoomConfiguration
    private let recordingDirectory: (RoomURI) throws -> String
    private var publishers: [SessionID: PublisherSession] = [:]
    private var byPublisherID: [PublisherID: PublisherSession] = [:]
    private var byName: [ClientSessionID: PublisherSession] = [:]
    private let logger: Logger
    /// Drop the object.
    private let close: (Room) -> Void
    private var attempts = 0
    private var afterResuming: [() -> Void] = []
    /// Who waits for an answer to a configure-room.
    private var configuring: [SessionID: (WorkerAnswer) -> Void] = [:]

    init(
        _ uri: RoomURI, possession: SlotPossession, configuration: @escaping () -> RoomConfiguration,
        recordingDirectory: @escaping (RoomURI) throws -> String, close: @escaping (Room) -> Void
    ) {
        self.uri = uri
        self.possession = possession
        makeConfiguration = configuration
        self.recordingDirectory = recordingDirectory
        self.close = close
        self.configuration = configuration()
        janusRoom = Self.drawID()
        logger = possession.logger.with([.room: "\(uri)"])
        machine.configured(
            maximumBitrate: self.configuration.maximumBitrate, maximumPublishers: self.configuration.maximumPublishers)
    }

    /// A predecessor's room, with the configuration it was created with.
    init(
        inheriting row: RoomRow, possession: SlotPossession, snapshot: RoomConfiguration,
        configuration: @escaping () -> RoomConfiguration,
        recordingDirectory: @escaping (RoomURI) throws -> String, close: @escaping (Room) -> Void
    ) {
        uri = row.uri
        self.possession = possession
        makeConfiguration = configuration
        self.recordingDirectory = recordingDirectory
        self.close = close
        self.configuration = snapshot
        janusRoom = row.janusRoom
        attempts = 1
        logger = possession.logger.with([.room: "\(row.uri)"])
        machine.configured(
            maximumBitrate: snapshot.maximumBitrate, maximumPublishers: snapshot.maximumPublishers)
        machine.inherited(row)
    }

    // MARK: Being taken over

    var isResuming: Bool { machine.state == .resuming }

    /// A publisher that the predecessor had recorded.
    func inherit(_ publisher: PublisherSession) {
        publishers[publisher.id] = publisher
        expect(publisher)
        machine.inherited(publisher.id, client: publisher.clientSession)
    }

    /// Every publisher has been looked at, and goes on.
    func observed(exists: Bool) {
        perform(machine.observed(exists: exists))
        for publisher in publishers.values { publisher.roomResumed() }
        let waiting = afterResuming
        afterResuming = []
        for action in waiting { action() }
    }

    /// More waits to know who is there than anybody of ours asks for.
    var isOverrun: Bool { afterResuming.count >= 4096 }

    /// At once, unless it is not known yet who is there.
    func whenResumed(_ action: @escaping () -> Void) {
        if isResuming { afterResuming.append(action) } else { action() }
    }

    // MARK: What publishers ask

    func join(_ publisher: PublisherSession) {
        publishers[publisher.id] = publisher
        perform(machine.joinRequested(publisher.id, client: publisher.clientSession))
    }

    /// Janus has confirmed the publisher.
    ///
    /// - Parameter bitrate: what Janus has for it; nil: what every publisher begins with.
    func joined(_ publisher: PublisherSession, bitrate: Int? = nil) {
        logger.info(
            "joined", metadata: .keyed([.account: "\(publisher.account)", .session: "\(publisher.clientSession)"]))
        byName[publisher.clientSession] = publisher
        perform(machine.joined(publisher.id, bitrate: bitrate))
    }

    func restoreCap(_ publisher: PublisherSession, _ bitrate: Int) {
        perform(machine.restoreCap(publisher.id, bitrate))
    }

    /// Other sessions of the account.
    func sessions(of account: AddressOfRecord) -> [PublisherSession] {
        publishers.values.filter { $0.account == account }
    }

    /// Ghosts of the account, whose front door is away: whoever comes takes their place.
    func evictGhosts(of account: AddressOfRecord) {
        for publisher in sessions(of: account) where publisher.isGhost {
            logger.info("ghost evicted", metadata: .keyed([.session: "\(publisher.clientSession)"]))
            machine.evicted(publisher.id)
            publisher.release()
        }
    }

    /// Those whose media is up, among those that Janus names.
    func others(of publisher: PublisherSession, among present: [PublisherID]) -> [(PublisherID, Publisher)] {
        present.compactMap { id in
            guard id != publisher.publisherID, let other = byPublisherID[id] else { return nil }
            return (id, other.publisher)
        }
    }

    /// The publisher is cleaned up, or was refused.
    func left(_ publisher: PublisherSession) {
        guard publishers.removeValue(forKey: publisher.id) != nil else { return }
        byPublisherID[publisher.publisherID] = nil
        let name = publisher.clientSession
        if byName[name] === publisher { byName[name] = nil }
        logger.info(
            "left", metadata: .keyed([.account: "\(publisher.account)", .session: "\(publisher.clientSession)"]))
        perform(machine.left(publisher.id))
    }

    /// Caps a publisher's own bitrate. The answer is what Janus is to be told.
    func capped(_ publisher: PublisherSession, bitrate: Int) -> Int { machine.capped(publisher.id, bitrate: bitrate) }

    func bitrateRefused(_ publisher: PublisherSession) { machine.bitrateRefused(publisher.id) }

    /// The publisher id is known from the request on, so nobody who appears is ever a stranger (D49).
    func expect(_ publisher: PublisherSession) { byPublisherID[publisher.publisherID] = publisher }

    func publisher(_ id: PublisherID) -> PublisherSession? { byPublisherID[id] }

    /// Somebody present, by the name others know.
    func presentPublisher(called session: String) -> PublisherSession? {
        ClientSessionID(session).flatMap { byName[$0] }.flatMap { $0.isPresent ? $0 : nil }
    }

    // MARK: Who is prominent

    /// - Parameters:
    ///   - names: as clients know the participants.
    ///   - request: the same again is answered and has no further effect.
    func configure(
        _ names: [String], by publisher: PublisherSession, as request: SessionID,
        completion: @escaping (WorkerAnswer) -> Void
    ) {
        guard !machine.active.includes(request) else { return completion(.ack) }
        let unknown = names.filter { presentPublisher(called: $0) == nil }
        guard unknown.isEmpty else { return completion(ActiveParticipants.unknown(unknown)) }
        let participants = names.compactMap { presentPublisher(called: $0) }.map {
            ActiveParticipants.Participant(session: $0.id, client: $0.clientSession)
        }
        configuring[request] = completion
        perform(
            machine.configureRequested(
                ActiveParticipants.Change(
                    request: request, session: publisher.id, originator: publisher.clientSession,
                    participants: participants)))
    }

    /// - Parameter isNew: nobody has told the publisher who else is there.
    func tellMissing(_ publisher: PublisherSession, told version: Int64?, isNew: Bool) {
        perform(machine.missing(publisher.id, told: version, isNew: isNew))
    }

    // MARK: What the machine decides

    private func perform(_ new: [RoomStateMachine.Action]) {
        guard possession.isHeld else { return }
        actions.perform(new) { action in perform(action) }
    }

    private func perform(_ action: RoomStateMachine.Action) {
        switch action {
        case .claim: claim()
        case .createJanusRoom: createJanusRoom()
        case .destroyJanusRoom: destroyJanusRoom()
        case .releaseRow: releaseRow()
        case .admit(let sessions): for session in sessions { publishers[session]?.admitted() }
        case .refuse(let sessions, let refusal): refuse(sessions, refusal)
        case .configure(let session, let bitrate):
            guard let publisher = publishers[session] else { break }
            logger.info(
                "participant bitrate",
                metadata: .keyed([.session: "\(publisher.clientSession)", .value: "\(bitrate)"]))
            publisher.configure(bitrate: bitrate)
        case .recordActive(let active): record(active)
        case .noteActive(let active): note(active)
        case .tell(let sessions, let event):
            possession.faults.before(.roomTell)
            for session in sessions { publishers[session]?.tell(event) }
            possession.faults.after(.roomTell)
        case .answer(let request, let answer): configuring.removeValue(forKey: request)?(answer)
        case .close: close(self)
        }
    }

    private func record(_ active: ActiveParticipants) {
        possession.faults.before(.roomConfigure)
        possession.write(write(active)) { [self] result in
            possession.faults.after(.roomConfigure)
            switch result {
            case .success:
                log(active)
                perform(machine.activeRecorded())
            case .failure(let error):
                logger.error("the active participants could not be recorded", metadata: .keyed([.error: "\(error)"]))
                perform(machine.activeNotRecorded("the registry is not available"))
            }
        }
    }

    private func note(_ active: ActiveParticipants) {
        log(active)
        possession.write("active participants", write(active))
    }

    private func write(
        _ active: ActiveParticipants
    ) -> @Sendable (any RegistryStore, RoomOwner) throws(RegistryError) -> Void {
        let (uri, room) = (uri, janusRoom)
        return { store, owner throws(RegistryError) in
            try store.configureRoom(
                uri, owner: owner, janusRoom: room, activeParticipants: active.recorded,
                originator: active.originator?.description, version: active.version, by: active.requests)
        }
    }

    private func log(_ active: ActiveParticipants) {
        let names = active.participants.map(\.client.description).joined(separator: ", ")
        logger.info(
            "active participants",
            metadata: .keyed([.value: names, .session: active.originator?.description ?? ClientSessionID.reserved]))
    }

    private func refuse(_ sessions: [SessionID], _ refusal: RoomStateMachine.Refusal) {
        for session in sessions {
            guard let publisher = publishers.removeValue(forKey: session) else { continue }
            byPublisherID[publisher.publisherID] = nil
            switch refusal {
            case .sessionInUse:
                publisher.refused(.error("Session ID \(publisher.clientSession) already in use"))
            case .full: publisher.refused(.error("room \(publisher.roomAsSent) is full"))
            case .ownedElsewhere(let slot): publisher.refused(.notOwner(slot))
            case .failed(let reason): publisher.refused(.error(reason))
            }
        }
    }

    private func claim() {
        if attempts > 0 {
            // A further life of the room: a new id and the configuration of now.
            configuration = makeConfiguration()
            janusRoom = Self.drawID()
            machine.configured(
                maximumBitrate: configuration.maximumBitrate, maximumPublishers: configuration.maximumPublishers)
        }
        attempts = 1
        let claim = RoomRow(
            uri: uri, owner: possession.owner, janusRoom: janusRoom, configuration: configuration.snapshot)
        possession.faults.before(.roomClaim)
        possession.write { store, owner throws(RegistryError) in
            let outcome = try store.claimRoom(claim)
            guard case .ownedBy(let row) = outcome, row.owner.slot == owner.slot else { return outcome }
            // This slot's own earlier life of the room, whose row could not be released then.
            try store.releaseRoom(row.uri, owner: owner, janusRoom: row.janusRoom)
            return try store.claimRoom(claim)
        } then: { [self] result in
            possession.faults.after(.roomClaim)
            switch result {
            case .success(.claimed): perform(machine.claimed())
            case .success(.ownedBy(let row)): perform(machine.claimFailed(.ownedElsewhere(row.owner.slot)))
            case .failure(let error):
                logger.error("the room could not be claimed", metadata: .keyed([.error: "\(error)"]))
                perform(machine.claimFailed(.failed("the registry is not available")))
            }
        }
    }

    private func createJanusRoom() {
        var directory: String?
        if configuration.record {
            do {
                directory = try recordingDirectory(uri)
            } catch {
                logger.error("no recording directory", metadata: .keyed([.error: "\(error)"]))
                return perform(machine.janusRoomCreationFailed("the room cannot be recorded"))
            }
        }
        let body = RoomMessage.create(
            janusRoom, mark: possession.mark, configuration: configuration, recordingDirectory: directory)
        possession.faults.before(.roomCreate)
        possession.roomHandle.message(.create, body: body) { [self] result in
            possession.faults.after(.roomCreate)
            switch result {
            case .success:
                logger.info("created", metadata: .keyed([.janus: "\(janusRoom)", .value: directory ?? "not recorded"]))
                let (uri, room) = (uri, janusRoom)
                possession.write("room created") { store, owner throws(RegistryError) in
                    try store.roomCreated(uri, owner: owner, janusRoom: room)
                }
                perform(machine.janusRoomCreated())
            case .failure(let error) where error.code == Self.roomExists && attempts < Self.creationAttempts:
                drawAnotherID()
            case .failure(let error):
                logger.error("Janus did not create the room", metadata: .keyed([.error: error.reason]))
                if error == .timedOut { destroyLateRoom(janusRoom) }
                perform(machine.janusRoomCreationFailed(error.reason))
            }
        }
    }

    /// 427 on a fresh id: it is somebody else's room. The row is released and claimed again with another id.
    private func drawAnotherID() {
        attempts += 1
        let (uri, taken, next) = (uri, janusRoom, Self.drawID())
        let claim = RoomRow(uri: uri, owner: possession.owner, janusRoom: next, configuration: configuration.snapshot)
        possession.write { store, owner throws(RegistryError) in
            try store.releaseRoom(uri, owner: owner, janusRoom: taken)
            return try store.claimRoom(claim)
        } then: { [self] result in
            guard case .success(.claimed) = result else {
                return perform(machine.janusRoomCreationFailed("the registry is not available"))
            }
            janusRoom = next
            createJanusRoom()
        }
    }

    /// A create that was given up may still happen: the room is not to stay. That it is absent is what is hoped for.
    private func destroyLateRoom(_ room: JanusRoomID) {
        possession.roomHandle.message(.destroy, body: RoomMessage.destroy(room)) { [logger] result in
            if case .success = result { logger.info("destroyed a room that came late") }
        }
    }

    /// Puts the room's row into a registry that has lost it.
    func reassertRow() {
        guard machine.state == .open else { return }
        let (uri, room) = (uri, janusRoom)
        let active = machine.active
        let row = RoomRow(
            uri: uri, owner: possession.owner, janusRoom: room, configuration: configuration.snapshot,
            activeParticipants: active.recorded, originator: active.originator?.description, version: active.version,
            configuredBy: active.requests)
        possession.write("room reasserted") { store, owner throws(RegistryError) in
            guard case .claimed = try store.claimRoom(row) else {
                throw .conflict("room \(uri) was claimed elsewhere meanwhile")
            }
            try store.roomCreated(uri, owner: owner, janusRoom: room)
        }
    }

    private func destroyJanusRoom() {
        let (uri, room) = (uri, janusRoom)
        possession.write("room destroying") { store, owner throws(RegistryError) in
            try store.roomDestroying(uri, owner: owner, janusRoom: room)
        }
        possession.faults.before(.roomDestroy)
        possession.roomHandle.message(.destroy, body: RoomMessage.destroy(janusRoom)) { [self] result in
            possession.faults.after(.roomDestroy)
            if case .failure(let error) = result, !error.saysAlreadyGone {
                logger.warning("Janus did not destroy the room", metadata: .keyed([.error: error.reason]))
            }
            perform(machine.janusRoomDestroyed())
        }
    }

    private func releaseRow() {
        let (uri, room) = (uri, janusRoom)
        possession.faults.before(.roomRelease)
        possession.write { store, owner throws(RegistryError) in
            try store.releaseRoom(uri, owner: owner, janusRoom: room)
        } then: { [self] result in
            possession.faults.after(.roomRelease)
            if case .failure(let error) = result {
                // The next claim of the room by this slot replaces it.
                logger.warning("the room's row stays behind", metadata: .keyed([.error: "\(error)"]))
                possession.writeEventually("room released") { store, owner throws(RegistryError) in
                    try store.releaseRoom(uri, owner: owner, janusRoom: room)
                }
            }
            logger.info("destroyed")
            perform(machine.rowReleased())
        }
    }

    private static func drawID() -> JanusRoomID {
        var generator = SystemRandomNumberGenerator()
        return .random(using: &generator)
    }
}
