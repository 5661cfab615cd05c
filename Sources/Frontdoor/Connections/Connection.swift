import Identity
import Logging
import NIOCore
import Registry
import Sylkrtc
import Telemetry

/// The client's end, as a connection needs it.
protocol ClientSocket: AnyObject {
    func send(_ text: [UInt8])
    /// With a close frame (RFC 6455 §7.4), then for good after a second.
    func close(code: UInt16, reason: String)
    func pauseReading()
    func resumeReading()
}

/// A client's shell: it performs what ``ConnectionStateMachine`` decides. Confined to the loop of its socket.
final class Connection {
    let id: ConnectionID
    private let dialect: Dialect
    private let socket: any ClientSocket
    private unowned let door: DoorLoop
    private var machine: ConnectionStateMachine
    /// What was decided and is not performed yet: an action that feeds the machine at once must not overtake the others.
    private var waiting: CircularBuffer<ConnectionStateMachine.Action> = []
    private var isPerforming = false
    private var isClosed = false
    /// Lines about what the client does and is told; more a second than anybody's accounts are no news.
    private var news = LogGate(perSecond: 20)
    /// nil: messages are not written down.
    private let trace: ClientTrace?
    private let logger: Logger
    private let client: ClientOrigin?
    /// Its part of what the door counts.
    private var countedUnanswered = 0

    init(
        _ id: ConnectionID, dialect: Dialect, socket: any ClientSocket, door: DoorLoop, accounts: AccountBook,
        client: ClientOrigin?, trace: ClientTrace? = nil, logger: Logger
    ) {
        self.id = id
        self.dialect = dialect
        self.socket = socket
        self.door = door
        self.client = client
        machine = ConnectionStateMachine(id, accounts: accounts, limits: door.limits)
        self.trace = trace
        self.logger = logger
    }

    /// A worker serves: the client may begin (E01).
    func ready() {
        send(.ready)
        socket.resumeReading()
    }

    /// No worker has served for too long.
    func turnAway() { socket.close(code: 3000, reason: ConnectionStateMachine.noWorkerText) }

    func goAway() { socket.close(code: 1001, reason: "the gateway is going away") }

    func received(_ text: [UInt8]) {
        trace?.received(text)
        door.metrics.clients.received(text.count)
        let message = dialect.decode(text, limits: door.limits.elements)
        perform(machine.received(message, bytes: text.count, deadline: door.requestDeadline))
    }

    func ignoredBinary() {
        door.metrics.clients.ignored(.binary)
        guard let stopped = door.complaints.passes(at: door.loop.now) else { return }
        logger.error("binary message ignored", metadata: .keyed([.suppressed: "\(stopped)"]))
    }

    func closed() {
        guard !isClosed else { return }
        isClosed = true
        if let stopped = door.departures.passes(at: door.loop.now) {
            let peer = client.map { "\($0)" } ?? "unknown"
            logger.info("disconnected", metadata: .keyed([.peer: peer, .suppressed: "\(stopped)"]))
        }
        perform(machine.closed())
        door.forget(self)
    }

    func isLocating(_ sequence: RequestSequence) -> Bool { machine.isLocating(sequence) }

    func located(_ sequence: RequestSequence, at slot: SlotID) { perform(machine.located(sequence, at: slot)) }

    func notLocated(_ sequence: RequestSequence, _ text: String) { perform(machine.notLocated(sequence, text)) }

    func answered(_ sequence: RequestSequence, _ answer: WorkerAnswer, by slot: SlotID) {
        perform(machine.answered(sequence, answer, by: slot))
    }

    func told(_ session: RequestSequence, _ event: WorkerEvent, by slot: SlotID) {
        perform(machine.told(session, event, by: slot))
    }

    /// Somebody has invited one of its accounts.
    func invited(_ invitation: Invitation) { perform(machine.invited(invitation)) }

    func slotAbandoned(_ slot: SlotID) { perform(machine.slotAbandoned(slot)) }

    func deadlinePassed(_ sequence: RequestSequence) {
        if machine.deadline(of: sequence) != nil { reached(.requestTime) }
        perform(machine.deadlinePassed(sequence))
    }

    /// The client has run into a limit.
    func reached(_ limit: LimitKind) {
        door.hits.hit(limit, by: .keyed([.connection: "\(id)"]).merging(client?.metadata ?? [:]) { own, _ in own })
    }

    // MARK: Links

    func linkLost(_ slot: SlotID) { machine.linkLost(slot) }

    func resyncBegan(at slot: SlotID) { machine.resyncBegan(at: slot) }

    func entries(at slot: SlotID) -> [ConnectionList.Entry] { machine.entries(at: slot) }

    /// Sends again what the worker owes an answer to, with what the link begins with.
    func repeatUnanswered(on link: WorkerLink) {
        for request in machine.unanswered(at: link.slot) {
            guard let deadline = machine.deadline(of: request.sequence) else { continue }
            _ = link.send(
                .request(request.request, request.sequence, of: id, deadline: deadline, isRepeat: request.isRepeat))
            machine.sent(request.sequence, to: link.slot)
        }
    }

    func owesNothing(to slot: SlotID) -> Bool { machine.unanswered(at: slot).isEmpty }

    func resynced(_ session: RequestSequence, by slot: SlotID) { perform(machine.resynced(session, by: slot)) }

    private func perform(_ actions: [ConnectionStateMachine.Action]) {
        for answered in machine.takeAnswered() {
            door.answered(answered.kind, answered.outcome, deadline: answered.deadline)
        }
        door.unanswered += machine.unansweredCount - countedUnanswered
        countedUnanswered = machine.unansweredCount
        guard !isPerforming else { return waiting += actions }
        isPerforming = true
        for action in actions { perform(action) }
        while let action = waiting.popFirst() { perform(action) }
        isPerforming = false
    }

    private func perform(_ action: ConnectionStateMachine.Action) {
        switch action {
        case .send(let message): send(message)
        case .locate(let sequence, let room): door.locate(room, for: sequence, of: self)
        case .findHome(let sequence, let slot): door.findHome(for: sequence, preferring: slot, of: self)
        case .renew(let account, let number, let failures): renew(account, number, after: failures)
        case .forward(let sequence, let request, let slot):
            forward(request, sequence, to: slot)
        case .release(let session, let slot): door.release(session, at: slot)
        case .gone(let slot): door.gone(id, from: slot)
        case .claim(let sequence, let account):
            door.claims.claim(account, of: id) { [self] isRecorded in
                if let sequence { perform(machine.claimed(sequence, isRecorded: isRecorded)) }
            }
        case .unclaim(let sequence, let accounts):
            door.claims.release(accounts, of: id) { [self] in
                if let sequence { perform(machine.unclaimed(sequence)) }
            }
        case .storeTokens(let sequence, let account, let changes): store(changes, of: account, for: sequence)
        case .startDeadline(let sequence):
            if let deadline = machine.deadline(of: sequence) { door.startDeadline(sequence, of: id, at: deadline) }
        case .pauseReading:
            let isMany = machine.unansweredCount >= door.limits.unansweredRequests
            reached(isMany ? .unansweredRequests : .unansweredBytes)
            socket.pauseReading()
        case .resumeReading: socket.resumeReading()
        case .note(let note): log(note)
        }
    }

    private func forward(_ request: WorkerRequest, _ sequence: RequestSequence, to slot: SlotID) {
        // Without one it was answered a moment ago, because something before it could not be sent.
        guard let deadline = machine.deadline(of: sequence) else { return }
        switch door.forward(request, sequence, of: id, to: slot, deadline: deadline) {
        case .sent: break
        case .refused: perform(machine.undeliverable(sequence, at: slot))
        case .noLink: machine.notSent(sequence, at: slot)
        }
    }

    /// Connections that have lost their registrations together do not come back together.
    private func renew(_ account: AddressOfRecord, _ number: UInt64, after failures: Int) {
        let longest = ConnectionStateMachine.renewalDelay(after: failures).nanoseconds
        let delay = Int64.random(in: longest / 2...longest, using: &door.generator)
        let bound = NIOLoopBound(self, eventLoop: door.loop)
        door.loop.scheduleTask(in: .nanoseconds(delay)) {
            let connection = bound.value
            let deadline = connection.door.requestDeadline
            connection.perform(connection.machine.renew(account, number: number, deadline: deadline))
        }
    }

    private func store(_ changes: [DeviceTokenChange], of account: AddressOfRecord, for sequence: RequestSequence?) {
        door.tokens.change(changes, of: account) { [self] isStored in
            if let sequence { perform(machine.tokensStored(sequence, isStored: isStored)) }
        }
    }

    private func send(_ message: ServerMessage) {
        let text = dialect.encode(message)
        trace?.sent(text)
        door.metrics.clients.sent(text.count)
        socket.send(text)
    }

    var registrationStages: [ToldRegistration.Stage] { machine.phones.registrations.values.map(\.told.stage) }
    var callCount: Int { machine.phones.calls.count }

    private func log(_ note: ConnectionStateMachine.Note) {
        switch note {
        case .refused(let transaction, let request, let text):
            guard let stopped = door.complaints.passes(at: door.loop.now) else { return }
            logger.error(
                "request refused",
                metadata: .keyed([
                    .request: request, .error: text, .transaction: transaction, .suppressed: "\(stopped)",
                ]))
        case .unanswerable(let problem):
            door.metrics.clients.ignored(.unanswerable)
            guard let stopped = door.complaints.passes(at: door.loop.now) else { return }
            logger.error("message ignored", metadata: .keyed([.error: problem, .suppressed: "\(stopped)"]))
        case .limit(let limit): reached(limit)
        case .accountAdded(let account, let userAgent):
            guard news.passes(at: door.loop.now) != nil else { return }
            logger.info("account added", metadata: .keyed([.account: account, .value: userAgent ?? "no user agent"]))
        case .accountRemoved(let account):
            guard news.passes(at: door.loop.now) != nil else { return }
            logger.info("account removed", metadata: .keyed([.account: account]))
        case .tokensChanged(let account): logger.debug("device token changed", metadata: .keyed([.account: account]))
        case .invited(let account, let originator, let room):
            guard news.passes(at: door.loop.now) != nil else { return }
            logger.info(
                "invited",
                metadata: .keyed([.account: account, .room: "\(room)", .value: "by \(originator)"]))
        case .registered(let account): tell("registered", account)
        case .registrationFailed(let account, let reason): tell("registration failed", account, reason)
        case .registrationLost(let account): tell("registration lost", account)
        case .unregistered(let account): tell("unregistered", account)
        case .calling(let account, let uri): tell("calling", account, uri)
        case .called(let account, let caller): tell("called", account, "by \(caller)")
        case .missed(let account, let caller): tell("call missed", account, "by \(caller)")
        case .callEnded(let account, let session, let reason): tell("call ended", account, "\(session): \(reason)")
        case .unexpected(let what): logger.warning("unexpected", metadata: .keyed([.value: what]))
        }
    }

    private func tell(_ what: Logger.Message, _ account: String, _ details: String? = nil) {
        guard news.passes(at: door.loop.now) != nil else { return }
        let details = details.map { Logger.Metadata.keyed([.value: $0]) } ?? [:]
        logger.info(what, metadata: .keyed([.account: account]).merging(details) { own, _ in own })
    }
}
