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
        /// Every session of this loop that the worker should have.
        func list(for slot: SlotID) -> ConnectionList
        func answered(_ connection: ConnectionID, _ sequence: RequestSequence, _ answer: WorkerAnswer, by slot: SlotID)
        func told(_ session: SessionID, _ event: WorkerEvent, by slot: SlotID)
        /// Up, down, Janus up, Janus down.
        func statusChanged()
        /// Everything on that worker's life is over.
        func lost(_ slot: SlotID)
    }

    let slot: SlotID
    let endpoint: String
    private let owner: FrontdoorLoopID
    private let network: any BusNetwork
    private let loop: any EventLoop
    private let logger: Logger
    private weak var delegate: (any Delegate)?
    private var number: UInt32 = 0
    private var machine: DealerLinkStateMachine
    private var socket: (any DealerSocket)?
    /// What the worker last said of itself.
    private(set) var status: WorkerStatus?
    /// Rooms this loop has placed there since.
    private(set) var placed = 0

    init(
        _ slot: SlotID, endpoint: String, owner: FrontdoorLoopID, network: any BusNetwork, loop: any EventLoop,
        logger: Logger, delegate: any Delegate
    ) {
        self.slot = slot
        self.endpoint = endpoint
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
    var isDrained: Bool { !machine.isUp || machine.acknowledgedByPeer >= machine.lastSent }

    func notePlacement() { placed += 1 }

    /// - Returns: whether it left. What does not leave had no effect.
    func send(
        _ kind: MessageKind, _ body: [UInt8], connection: ConnectionID? = nil, request: RequestSequence? = nil,
        deadline: UInt32? = nil
    ) -> Bool {
        guard machine.isUp, let socket else { return false }
        let envelope = machine.stamp(kind, connection: connection, request: request, deadline: deadline)
        var message = ByteBuffer()
        envelope.encode(into: &message)
        message.writeBytes(body)
        switch socket.send(message) {
        case .sent: return true
        case .full, .unreachable, .tooLong:
            machine.notSent(envelope)
            return false
        }
    }

    /// For what must not be lost: the next link's list says it, too.
    func sendOrGiveUp(_ kind: MessageKind, connection: ConnectionID, request: RequestSequence? = nil) {
        if machine.isUp, !send(kind, [], connection: connection, request: request) { giveUp("overloaded") }
    }

    func timerFired(at now: NIODeadline) {
        switch machine.timerFired(at: now) {
        case .none: break
        case .sendHeartbeat: _ = send(.heartbeat, [])
        case .giveUp(let reason): giveUp("\(reason)")
        }
    }

    func close() {
        machine.closed()
        socket?.flush()
        socket?.close()
        socket = nil
    }

    private func open() {
        number += 1
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

    private func giveUp(_ reason: String) {
        let wasUp = status != nil
        close()
        status = nil
        placed = 0
        if wasUp {
            logger.warning("worker lost", metadata: .keyed([.reason: reason]))
            delegate?.lost(slot)
            delegate?.statusChanged()
        }
        open()
    }

    /// Somebody else listens there, and would so at once again: it is tried when a hello is overdue.
    private func refuse() {
        logger.error("another slot answers", metadata: .keyed([.endpoint: endpoint]))
        close()
        status = nil
        machine = DealerLinkStateMachine(frontdoor: owner.incarnation, link: number, openedAt: loop.now)
    }

    private func received(_ message: ByteBuffer) {
        var message = message
        do throws(BusError) {
            let envelope = try Envelope.decode(from: &message)
            let body = Array(message.readableBytesView)
            switch machine.received(envelope, at: loop.now) {
            case .sendList(let worker):
                try welcome(worker, body)
            case .deliver: try deliver(envelope, body)
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
        guard send(.list, (delegate?.list(for: slot) ?? ConnectionList(sessions: [])).encoded) else {
            return giveUp("the list could not be sent")
        }
        delegate?.statusChanged()
    }

    private func deliver(_ envelope: Envelope, _ body: [UInt8]) throws(BusError) {
        do throws(ProtocolError) {
            switch envelope.kind {
            case .answer:
                guard let connection = envelope.connection, let request = envelope.request else { break }
                delegate?.answered(connection, request, try WorkerAnswer.decode(body), by: slot)
            case .event:
                guard let connection = envelope.connection, let request = envelope.request else { break }
                let session = SessionID(connection: connection, request: request)
                delegate?.told(session, try WorkerEvent.decode(body), by: slot)
            case .heartbeat:
                let before = isServing
                update(body)
                if isServing != before { delegate?.statusChanged() }
            case .resynced: break
            case .hello, .list, .request, .release, .gone: giveUp("\(envelope.kind) from a worker")
            }
        } catch {
            giveUp("\(error)")
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
