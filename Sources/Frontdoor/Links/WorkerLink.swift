import Bus
import Identity
import Logging
import NIOCore
import Sylkrtc
import Telemetry

/// One loop's link to one worker slot: a DEALER that is given up and replaced whenever what it promises cannot be kept.
/// Confined to its loop.
final class WorkerLink {
    /// What the link reports.
    protocol Delegate: AnyObject {
        /// A new link is up: everything of this loop that the worker should have is sent on it, the list first. It leaves at
        /// the pace at which the worker takes it; whatever is sent meanwhile leaves behind it.
        func resync(_ link: WorkerLink)
        /// All of that has left, and what came behind it.
        func begun(_ link: WorkerLink)
        func answered(_ connection: ConnectionID, _ sequence: RequestSequence, _ answer: WorkerAnswer, by slot: SlotID)
        func told(_ session: SessionID, _ event: WorkerEvent, by slot: SlotID)
        /// Somebody invites a client to a conference on that worker.
        func invited(_ connection: ConnectionID, _ invitation: Invitation)
        /// The session is up to date again.
        func resynced(_ session: SessionID, by slot: SlotID)
        /// Up, down, Janus up, Janus down.
        func statusChanged()
        /// Nothing more comes of the link; what it delivered counts.
        func linkLost(_ slot: SlotID)
    }

    /// What becomes of a message.
    enum Sending {
        /// It left, or leaves behind what the link begins with.
        case sent
        /// The link is full. Nothing was sent, and the link is as before.
        case refused
        /// There is no link now. The next one begins with a list.
        case noLink
    }

    let slot: SlotID
    let endpoint: String
    private let owner: FrontdoorLoopID
    private let network: any BusNetwork
    private let loop: any EventLoop
    private let logger: Logger
    private weak var delegate: (any Delegate)?
    /// Of all links to this slot; never used twice, because it is part of how a link calls itself.
    private(set) var number: UInt32
    private var machine: DealerLinkStateMachine
    private var socket: (any DealerSocket)?
    /// What is still to leave of what the link begins with; nil: it has begun, or is not up.
    private var opening: LinkOpening?
    /// An acknowledgement is on its way that somebody waits for.
    private var isAcknowledging = false
    /// Something that is not known here has come on this link, and stands in the log.
    private var hasPassedOver = false
    /// Bytes of messages that were taken since anything was sent.
    private var unsaidBytes = 0
    /// What the worker last said of itself.
    private(set) var status: WorkerStatus?
    /// Rooms this loop has placed there since.
    private(set) var placed = 0
    /// For good: the slot is elsewhere, or given up.
    private(set) var isClosed = false

    /// - Parameter number: of the last link to this slot.
    init(
        _ slot: SlotID, endpoint: String, after number: UInt32 = 0, owner: FrontdoorLoopID, network: any BusNetwork,
        loop: any EventLoop, logger: Logger, delegate: any Delegate
    ) {
        self.slot = slot
        self.endpoint = endpoint
        self.number = number
        self.owner = owner
        self.network = network
        self.loop = loop
        self.logger = logger.with([.slot: "\(slot)"])
        self.delegate = delegate
        machine = DealerLinkStateMachine(frontdoor: owner.incarnation, link: 0, openedAt: loop.now)
        open()
    }

    /// Requests can be sent, and Janus can be reached.
    var isServing: Bool { machine.isUp && status?.isJanusUp == true }

    /// What placement compares: what the worker said, and what was sent there since.
    var load: Int { (status?.load ?? 0) + placed }

    /// Everything sent has been taken.
    var isDrained: Bool {
        !machine.isUp || opening == nil && machine.acknowledgedByPeer >= machine.lastSent
    }

    /// Messages that the worker has not said to have taken.
    var unacknowledged: UInt64 { machine.isUp ? machine.lastSent - machine.acknowledgedByPeer : 0 }

    func notePlacement() { placed += 1 }

    /// The number of the last message that the worker says it took on this link.
    var acknowledged: UInt64 { machine.acknowledgedByPeer }

    /// The number of the last message that was sent on this link; nil: some of what was sent has not left.
    var lastSent: UInt64? { opening == nil ? machine.lastSent : nil }

    /// What is refused had no effect.
    func send(_ departure: Departure) -> Sending {
        guard machine.isUp, socket != nil else { return .noLink }
        guard opening == nil else { return opening?.add(departure) == true ? .sent : .refused }
        return leave(departure)
    }

    private func leave(_ departure: Departure) -> Sending {
        send(
            departure.kind, departure.body, connection: departure.connection, request: departure.request,
            deadline: departure.deadline(at: loop.now), isRepeat: departure.isRepeat)
    }

    /// What does not leave had no effect.
    private func send(
        _ kind: MessageKind, _ body: [UInt8], connection: ConnectionID? = nil, request: RequestSequence? = nil,
        deadline: UInt32? = nil, isRepeat: Bool = false
    ) -> Sending {
        guard machine.isUp, let socket else { return .noLink }
        let envelope = machine.stamp(
            kind, connection: connection, request: request, deadline: deadline, isRepeat: isRepeat)
        let message = envelope.message(body)
        switch socket.send(message) {
        case .sent:
            unsaidBytes = 0
            if kind != .heartbeat { opening?.left(message.readableBytes, as: envelope.sequence) }
            return .sent
        case .full where mayBeFull, .tooLong:
            machine.notSent(envelope)
            return .refused
        case .full, .unreachable:
            // The worker is gone, and nobody has noticed yet.
            machine.notSent(envelope)
            giveUp("not connected")
            return .noLink
        }
    }

    /// What the link begins with leaves as far as the worker has taken what left before.
    private func proceed() {
        guard opening?.isComplete == true else { return }
        opening?.window.acknowledged(upTo: machine.acknowledgedByPeer)
        while let next = opening?.next {
            switch leave(next) {
            case .sent: break
            // It would be so at once again.
            case .refused: return giveUp("the list could not be sent", isHasty: false)
            case .noLink: return
            }
        }
        guard opening?.isEmpty == true else { return }
        opening = nil
        delegate?.begun(self)
    }

    /// A socket without a connection is full, too. One that has a connection is not before this much waits in it.
    private var mayBeFull: Bool {
        machine.lastSent - machine.acknowledgedByPeer > UInt64(BusLimits.sendHighWaterMark / 2)
    }

    /// For what must not be lost: the next link's list says it, too.
    func sendOrGiveUp(_ departure: Departure) -> Sending {
        let sending = send(departure)
        guard case .refused = sending else { return sending }
        giveUp("overloaded")
        return .noLink
    }

    func timerFired(at now: NIODeadline) {
        switch machine.timerFired(at: now) {
        case .none: break
        case .sendHeartbeat: _ = send(.heartbeat, [])
        case .giveUp(let reason): giveUp("\(reason)")
        }
    }

    /// For good. Nobody is told.
    func close() {
        isClosed = true
        status = nil
        closeSocket()
    }

    private func closeSocket() {
        opening = nil
        machine.closed()
        socket?.flush()
        socket?.close()
        socket = nil
    }

    private func open() {
        number += 1
        unsaidBytes = 0
        hasPassedOver = false
        machine = DealerLinkStateMachine(frontdoor: owner.incarnation, link: number, openedAt: loop.now)
        let bound = NIOLoopBound(self, eventLoop: loop)
        let number = number
        do throws(BusError) {
            socket = try network.connect(endpoint, as: RoutingID(owner: owner, link: number), on: loop) { message in
                guard bound.value.number == number else { return }
                bound.value.received(message)
            }
        } catch {
            // The tick after the hello's time tries again.
            logger.error("no link", metadata: .keyed([.endpoint: endpoint, .error: "\(error)"]))
        }
    }

    /// - Parameter isHasty: a fresh socket is tried at once, not when a hello is overdue.
    private func giveUp(_ reason: String, isHasty: Bool = true) {
        let wasUp = status != nil
        closeSocket()
        status = nil
        placed = 0
        if wasUp {
            logger.warning("link lost", metadata: .keyed([.reason: reason]))
            delegate?.linkLost(slot)
            delegate?.statusChanged()
        }
        if isHasty {
            open()
        } else {
            machine = DealerLinkStateMachine(frontdoor: owner.incarnation, link: number, openedAt: loop.now)
        }
    }

    /// Somebody else listens there, and would so at once again.
    private func refuse() {
        logger.error("another slot answers", metadata: .keyed([.endpoint: endpoint]))
        status = nil
        giveUp("another slot", isHasty: false)
    }

    private func received(_ message: ByteBuffer) {
        var message = message
        do throws(BusError) {
            let envelope = try Envelope.decode(from: &message)
            let body = Array(message.readableBytesView)
            switch machine.received(envelope, at: loop.now) {
            case .sendList(let worker):
                try welcome(worker, body)
            case .deliver:
                unsaidBytes += body.count
                if machine.unsaid >= BusLimits.acknowledgedMessages || unsaidBytes >= BusLimits.acknowledgedBytes {
                    acknowledge()
                }
                try deliver(envelope, body)
                proceed()
            case .discard(let reason):
                logger.debug("discarded", metadata: .keyed([.reason: "\(reason)"]))
            case .giveUp(let reason): giveUp("\(reason)")
            }
        } catch {
            giveUp("\(error)")
        }
    }

    private func welcome(_ worker: Incarnation, _ body: [UInt8]) throws(BusError) {
        update(body)
        guard status?.slot == slot else { return refuse() }
        logger.info("worker", metadata: .keyed([.incarnation: "\(worker)"]))
        opening = LinkOpening()
        delegate?.resync(self)
        opening?.isComplete = true
        proceed()
        guard machine.isUp else { return }
        delegate?.statusChanged()
    }

    private func deliver(_ envelope: Envelope, _ body: [UInt8]) throws(BusError) {
        do throws(ProtocolError) {
            switch envelope.kind {
            case .answer:
                guard let connection = envelope.connection, let request = envelope.request else { break }
                delegate?.answered(connection, request, try answer(body), by: slot)
            case .event:
                guard let connection = envelope.connection, let request = envelope.request else { break }
                let session = SessionID(connection: connection, request: request)
                delegate?.told(session, try WorkerEvent.decode(body), by: slot)
            case .heartbeat:
                let before = isServing
                update(body)
                if isServing != before { delegate?.statusChanged() }
            case .resynced:
                guard let connection = envelope.connection, let request = envelope.request else { break }
                delegate?.resynced(SessionID(connection: connection, request: request), by: slot)
            case .invitation:
                guard let connection = envelope.connection else { break }
                delegate?.invited(connection, try Invitation.decode(body))
                acknowledge()
            case .unrecognized: passOver("another kind of message")
            case .hello, .list, .request, .release, .gone: giveUp("\(envelope.kind) from a worker")
            }
        } catch let error where error.isUnknown {
            passOver("\(error)")
        } catch {
            giveUp("\(error)")
        }
    }

    /// Whoever waits for an answer gets one, even if only a newer version knows what it means.
    private func answer(_ body: [UInt8]) throws(ProtocolError) -> WorkerAnswer {
        do throws(ProtocolError) {
            return try WorkerAnswer.decode(body)
        } catch let error where error.isUnknown {
            passOver("\(error)")
            return .error("internal error")
        }
    }

    /// The worker is newer than this front door, and says more.
    private func passOver(_ what: String) {
        guard !hasPassedOver else { return }
        hasPassedOver = true
        logger.notice("passed over from now on: what a newer worker says", metadata: .keyed([.value: what]))
    }

    /// Says at the end of the turn what was taken: whoever invites waits for that.
    private func acknowledge() {
        guard !isAcknowledging else { return }
        isAcknowledging = true
        let bound = NIOLoopBound(self, eventLoop: loop)
        loop.execute {
            bound.value.isAcknowledging = false
            _ = bound.value.send(.heartbeat, [])
        }
    }

    private func update(_ body: [UInt8]) {
        do throws(ProtocolError) {
            status = try WorkerStatus.decode(body)
            placed = 0
        } catch {
            logger.error("unusable status", metadata: .keyed([.error: "\(error)"]))
        }
    }
}
