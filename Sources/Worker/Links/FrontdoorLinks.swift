import Bus
import Identity
import Logging
import NIOCore
import Sylkrtc
import Telemetry

/// The worker's end of the bus: one link per front door loop. What arrives in order goes to the ``Delegate``; what sessions
/// say leaves here, stamped. Confined to the worker's core loop.
///
/// A link begins with what the front door's loop holds and waits for (``Listing``); nothing but heartbeats leaves before
/// that is complete.
final class FrontdoorLinks: Outbox {
    /// Who serves what arrives.
    protocol Delegate: AnyObject {
        var status: WorkerStatus { get }
        func received(_ request: WorkerRequest, from connection: ConnectionID, sequence: RequestSequence)
        func released(_ session: SessionID)
        func gone(_ connection: ConnectionID)
        /// A loop has told what it holds: everything else of it, and of earlier lives of its front door, is over.
        func listed(_ listing: Listing, by owner: FrontdoorLoopID)
        /// A loop's link is gone.
        func lost(_ owner: FrontdoorLoopID)
        /// Called now and then.
        func timerFired(at now: NIODeadline)
    }

    private let incarnation: Incarnation
    /// Links at a time.
    private let maximum: Int
    private let loop: any EventLoop
    private let logger: Logger
    private var router: (any RouterSocket)?
    private var links: [RoutingID: FrontdoorLink] = [:]
    /// Those that have not listed anything when they were last looked at, the oldest first.
    private var greeting: [RoutingID] = []
    /// The link that counts, of each loop.
    private var current: [FrontdoorLoopID: RoutingID] = [:]
    /// The last life of each front door, and when it last had a link.
    private var newest: [FrontdoorID: (life: Incarnation, seen: NIODeadline)] = [:]
    /// Bytes of all messages that wait.
    private(set) var heldBytes = 0
    private var timer: RepeatedTask?
    /// What has arrived while nobody could serve it; nil: it is served at once.
    private var held: [(RoutingID, Envelope, [UInt8])]?
    weak var delegate: (any Delegate)?
    var metrics = LinkMetrics()
    /// Told of every answer.
    var requests: RequestMetrics?

    /// How many links there are.
    var count: Int { links.count }

    init(incarnation: Incarnation, loop: any EventLoop, logger: Logger, maximum: Int = LinkBounds.links) {
        self.incarnation = incarnation
        self.maximum = maximum
        self.loop = loop
        self.logger = logger
    }

    func start(_ network: any BusNetwork, at endpoint: String) throws(BusError) {
        let bound = NIOLoopBound(self, eventLoop: loop)
        router = try network.bind(endpoint, on: loop) { id, message in bound.value.received(message, from: id) }
        timer = loop.scheduleRepeatedTask(initialDelay: LinkTiming.tick, delay: LinkTiming.tick) { _ in
            bound.value.timerFired()
        }
    }

    func stop() {
        timer?.cancel()
        router?.close()
        router = nil
    }

    // MARK: Holding

    /// Messages that wait to be served.
    var heldCount: Int { held?.count ?? 0 }

    /// What arrives waits, and heartbeats go on: what is there to serve it is being made.
    func hold() { if held == nil { held = [] } }

    /// What has waited is served.
    func unhold() {
        let messages = held ?? []
        held = nil
        for id in links.keys {
            letGo(id)
            links[id]?.greetedAt = loop.now
        }
        for (id, envelope, body) in messages where links[id] != nil { deliver(envelope, body, from: id) }
    }

    /// Begins every link anew: another hello makes its front door list again what it holds and waits for.
    func renew(_ reason: String) {
        held = held.map { _ in [] }
        for id in Array(current.values) {
            drop(id, reason)
            probed(id)
        }
    }

    // MARK: Sending

    func answer(_ answer: WorkerAnswer, to request: RequestSequence, of connection: ConnectionID) {
        requests?.answered(answer, connection, request, at: loop.now)
        send(.answer, answer.encoded, to: connection.owner, connection: connection, request: request)
    }

    func tell(_ event: WorkerEvent, of session: SessionID) {
        metrics.eventSent()
        send(
            .event, event.encoded, to: session.connection.owner, connection: session.connection,
            request: session.request)
    }

    func invite(_ connection: ConnectionID, _ invitation: Invitation) {
        send(.invitation, invitation.encoded, to: connection.owner, connection: connection)
    }

    func resynced(_ session: SessionID) {
        send(.resynced, [], to: session.connection.owner, connection: session.connection, request: session.request)
    }

    func isPresent(_ owner: FrontdoorLoopID) -> Bool {
        guard let id = current[owner], let link = links[id] else { return false }
        return link.machine.isUp && link.listing == nil
    }

    func probe(_ owner: FrontdoorLoopID) { send(.heartbeat, delegate?.status.encoded ?? [], to: owner) }

    func whenAcknowledged(by owner: FrontdoorLoopID, _ action: @escaping () -> Void) {
        guard isPresent(owner), let id = current[owner], let link = links[id] else { return }
        links[id]?.wait(for: link.machine.lastSent, action)
    }

    func hasRoom(for owner: FrontdoorLoopID) -> Bool { current[owner].flatMap { links[$0]?.hasRoom } ?? true }

    func whenRoom(for owner: FrontdoorLoopID, _ action: @escaping () -> Void) {
        guard isPresent(owner), let id = current[owner], let link = links[id] else { return }
        let sent = link.machine.lastSent
        links[id]?.wait(for: sent - min(sent, LinkBounds.crowded / 2), action)
    }

    private func send(
        _ kind: MessageKind, _ body: [UInt8], to owner: FrontdoorLoopID, connection: ConnectionID? = nil,
        request: RequestSequence? = nil
    ) {
        guard isPresent(owner), let id = current[owner] else { return }
        send(kind, body, over: id, connection: connection, request: request)
    }

    private func send(
        _ kind: MessageKind, _ body: [UInt8], over id: RoutingID, connection: ConnectionID? = nil,
        request: RequestSequence? = nil
    ) {
        guard let router, let envelope = links[id]?.machine.stamp(kind, connection: connection, request: request) else {
            return
        }
        let message = envelope.message(body)
        switch router.send(message, to: id) {
        case .sent:
            links[id]?.sent(message.readableBytes)
            if links[id]?.isAcknowledging == false { drop(id, "it does not acknowledge") }
        case .full, .unreachable, .tooLong:
            // A message that does not leave would be a gap: the link cannot keep its promises any more.
            links[id]?.machine.notSent(envelope)
            drop(id, "a message could not be sent")
        }
    }

    // MARK: Receiving

    private func received(_ message: ByteBuffer, from id: RoutingID) {
        guard message.readableBytes > 0 else { return probed(id) }
        guard links[id] != nil else { return }
        var message = message
        let envelope: Envelope
        do throws(BusError) {
            envelope = try Envelope.decode(from: &message)
        } catch {
            return drop(id, "\(error)")
        }
        switch links[id]?.machine.received(envelope, at: loop.now) {
        case .deliver:
            let body = Array(message.readableBytesView)
            links[id]?.took(body.count)
            if held != nil, envelope.kind != .heartbeat {
                hold(envelope, body, of: id)
            } else {
                deliver(envelope, body, from: id)
            }
        case .discard(let reason):
            logger.debug("discarded", metadata: .keyed([.link: "\(id)", .reason: "\(reason)"]))
        case .giveUp(let reason): drop(id, "\(reason)")
        case nil: break
        }
        acknowledged(id)
        if links[id]?.owesAcknowledgement == true { send(.heartbeat, delegate?.status.encoded ?? [], over: id) }
    }

    private func probed(_ id: RoutingID) {
        let owner = id.owner
        // An earlier life of the front door is a ghost, whatever it may still send.
        let known = newest[owner.frontdoor]?.life
        guard owner.incarnation >= known ?? owner.incarnation else { return }
        guard links[id] != nil || links.count < maximum else {
            return logger.warning("too many links", metadata: .keyed([.link: "\(id)"]))
        }
        newest[owner.frontdoor] = (owner.incarnation, loop.now)
        if let known, known < owner.incarnation {
            for other in current.values where other.owner.frontdoor == owner.frontdoor && other.owner != owner {
                guard other.owner.incarnation < owner.incarnation else { continue }
                drop(other, "its front door has begun anew")
            }
        }
        if let old = current[owner], old != id {
            // A loop has one link; a newer one replaces it, an older one is a ghost.
            guard old.link < id.link else { return }
            drop(old, "replaced")
        }
        if links[id] == nil {
            links[id] = FrontdoorLink(machine: RouterLinkStateMachine(worker: incarnation, peer: id), at: loop.now)
            makePlace(for: id)
        }
        switch links[id]?.machine.probed(at: loop.now) {
        case .sendHello:
            current[owner] = id
            logger.info("link", metadata: .keyed([.link: "\(id)"]))
            send(.hello, delegate?.status.encoded ?? [], over: id)
        case .giveUp(let reason):
            // The DEALER has connected anew: another hello tells the front door at once, and it replaces the link.
            drop(id, "\(reason)")
            probed(id)
        case .ignore, nil: break
        }
    }

    private func deliver(_ envelope: Envelope, _ body: [UInt8], from id: RoutingID) {
        let isOwn = envelope.connection.map { $0.owner == id.owner } ?? true
        guard isOwn else { return drop(id, "it speaks for another front door's connection") }
        do throws(ProtocolError) {
            switch envelope.kind {
            case .list: try list(ConnectionList.decode(body), body.count, over: id)
            case .request:
                guard let connection = envelope.connection, let sequence = envelope.request else {
                    throw ProtocolError("a request without connection or number")
                }
                received(request: body, sequence, of: connection, over: id)
            case .release:
                guard let connection = envelope.connection, let sequence = envelope.request else {
                    throw ProtocolError("a release without session")
                }
                delegate?.released(SessionID(connection: connection, request: sequence))
            case .gone:
                guard let connection = envelope.connection else { throw ProtocolError("gone without connection") }
                delegate?.gone(connection)
            case .heartbeat: break
            case .unrecognized: passOver("another kind of message", of: id)
            case .hello, .answer, .event, .resynced, .invitation:
                throw ProtocolError("\(envelope.kind) from a front door")
            }
        } catch {
            drop(id, "\(error)")
        }
    }

    private func list(_ part: ConnectionList, _ length: Int, over id: RoutingID) throws(ProtocolError) {
        let isOwn =
            part.sessions.allSatisfy { $0.session.connection.owner == id.owner }
            && part.releases.allSatisfy { $0.connection.owner == id.owner }
        guard isOwn, var listing = links[id]?.listing else { throw ProtocolError("a list that is not its own") }
        // It changes in place: a copy for each part would make long lists quadratic.
        links[id]?.listing = nil
        listing.add(part)
        guard part.isLast else {
            links[id]?.listing = listing
            if !keepList(length, of: id) { drop(id, "its list is too long") }
            return
        }
        letGo(id)
        delegate?.listed(listing, by: id.owner)
    }

    private func received(
        request body: [UInt8], _ sequence: RequestSequence, of connection: ConnectionID, over id: RoutingID
    ) {
        do throws(ProtocolError) {
            let request = try WorkerRequest.decode(body)
            guard links[id]?.listing == nil else {
                guard keepRequest(body.count, of: connection, over: id) else {
                    refuse(sequence, of: connection, over: id)
                    if request.createsSession {
                        links[id]?.listing?.releases.insert(SessionID(connection: connection, request: sequence))
                    }
                    return
                }
                links[id]?.listing?.requests.append(
                    ListedRequest(connection: connection, sequence: sequence, request: request))
                return
            }
            delegate?.received(request, from: connection, sequence: sequence)
        } catch let error where error.isUnknown {
            // A newer front door offers its clients more than is served here.
            passOver("\(error)", of: id)
            send(
                .answer, WorkerAnswer.error("not available yet").encoded, over: id, connection: connection,
                request: sequence)
        } catch {
            logger.error("unusable request", metadata: .keyed([.link: "\(id)", .error: "\(error)"]))
            send(
                .answer, WorkerAnswer.error("internal error").encoded, over: id, connection: connection,
                request: sequence)
            links[id]?.unusable += 1
            if let count = links[id]?.unusable, count > LinkBounds.unusable { drop(id, "too many unusable requests") }
        }
    }

    /// Performs what waited for an acknowledgement that has come.
    private func acknowledged(_ id: RoutingID) {
        guard let link = links[id], let first = link.waiting.first else { return }
        let acknowledged = link.machine.acknowledgedByPeer
        guard first.sequence <= acknowledged else { return }
        let due = link.waiting.prefix { $0.sequence <= acknowledged }
        links[id]?.waiting.removeFirst(due.count)
        for (_, action) in due { action() }
    }

    private func timerFired() {
        let now = loop.now
        for id in links.keys {
            switch links[id]?.machine.timerFired(at: now) {
            case .sendHeartbeat: send(.heartbeat, delegate?.status.encoded ?? [], over: id)
            case .giveUp(let reason): drop(id, "\(reason)")
            case .none?, nil: break
            }
            guard held == nil, let link = links[id], link.listing != nil, now - link.greetedAt > LinkBounds.list else {
                continue
            }
            drop(id, "its list does not end")
        }
        for owner in current.keys where newest[owner.frontdoor]?.life == owner.incarnation {
            newest[owner.frontdoor]?.seen = now
        }
        newest = newest.filter { now - $0.value.seen < LinkBounds.memory }
        delegate?.timerFired(at: now)
    }

    // MARK: Bounds

    /// It waits until somebody can serve it. A request that finds no place is answered; what it may have created is given up in
    /// its stead.
    private func hold(_ envelope: Envelope, _ body: [UInt8], of id: RoutingID) {
        guard envelope.kind == .request, let connection = envelope.connection, let sequence = envelope.request else {
            guard keepList(body.count, of: id) else { return drop(id, "too much of it waits") }
            held?.append((id, envelope, body))
            return
        }
        if keepRequest(body.count, of: connection, over: id) {
            held?.append((id, envelope, body))
            return
        }
        refuse(sequence, of: connection, over: id)
        // Whatever cannot be read has created nothing.
        guard let request = try? WorkerRequest.decode(body), request.createsSession else { return }
        var release = envelope
        release.kind = .release
        hold(release, [], of: id)
    }

    private func refuse(_ sequence: RequestSequence, of connection: ConnectionID, over id: RoutingID) {
        send(
            .answer, WorkerAnswer.error("too many requests").encoded, over: id, connection: connection,
            request: sequence)
    }

    /// - Returns: false when that is too much.
    private func keepList(_ body: Int, of id: RoutingID) -> Bool {
        let weight = LinkBacklog.weight(body)
        guard heldBytes + weight <= LinkBounds.allWaiting, links[id]?.backlog.addList(weight) == true else {
            return false
        }
        heldBytes += weight
        return true
    }

    /// - Returns: false when that is too much.
    private func keepRequest(_ body: Int, of connection: ConnectionID, over id: RoutingID) -> Bool {
        let weight = LinkBacklog.weight(body)
        guard heldBytes + weight <= LinkBounds.allWaiting,
            links[id]?.backlog.addRequest(weight, of: connection) == true
        else { return false }
        heldBytes += weight
        return true
    }

    /// What has waited is served.
    private func letGo(_ id: RoutingID) {
        heldBytes -= links[id]?.backlog.bytes ?? 0
        links[id]?.backlog = LinkBacklog()
    }

    /// Its front door is newer than this worker, and says more.
    private func passOver(_ what: String, of id: RoutingID) {
        guard links[id]?.hasPassedOver == false else { return }
        links[id]?.hasPassedOver = true
        logger.notice(
            "passed over from now on: what a newer front door says",
            metadata: .keyed([.link: "\(id)", .value: what]))
    }

    /// Of links that only ever probe, the oldest goes.
    private func makePlace(for id: RoutingID) {
        greeting.append(id)
        guard greeting.count > LinkBounds.greeting else { return }
        greeting.removeAll { links[$0]?.machine.isUp != false }
        if greeting.count > LinkBounds.greeting { drop(greeting.removeFirst(), "it does not list anything") }
    }

    /// Gives up the link of a loop whose sessions are released: what still arrives on it counts for nothing.
    func close(_ owner: FrontdoorLoopID) { if let id = current[owner] { drop(id, "silent for too long") } }

    private func drop(_ id: RoutingID, _ reason: String) {
        guard let link = links.removeValue(forKey: id) else { return }
        heldBytes -= link.backlog.bytes
        if link.backlog.bytes > 0 { held?.removeAll { $0.0 == id } }
        metrics.linkLost()
        logger.info("link lost", metadata: .keyed([.link: "\(id)", .reason: reason]))
        guard current[id.owner] == id else { return }
        current[id.owner] = nil
        delegate?.lost(id.owner)
    }
}
