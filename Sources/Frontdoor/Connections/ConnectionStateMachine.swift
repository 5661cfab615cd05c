import Identity
import NIOCore
import Registry
import Sylkrtc

/// Everything a front door knows of one client: its accounts, its registrations, calls and conference sessions with what it has
/// been told of them, and its unanswered requests. It decides what is answered here, what is forwarded where, and what of the answers and events that
/// come back is for the client. Every request is answered exactly once, every state told exactly once, in order, whatever
/// becomes of the links.
struct ConnectionStateMachine {
    enum Action: Equatable {
        case send(ServerMessage)
        /// Find the worker of the room for this join.
        case locate(RequestSequence, RoomURI)
        /// Find a worker for this registration or call: the one its connection had before, if that takes new ones.
        case findHome(RequestSequence, preferring: SlotID?)
        /// The account's registration is to be put back, after as many tries have failed.
        case renew(AddressOfRecord, number: UInt64, failures: Int)
        case forward(RequestSequence, WorkerRequest, to: SlotID)
        /// The worker is to give up the session without telling anybody.
        case release(SessionID, at: SlotID)
        /// The client is gone: the worker is to give up all its sessions.
        case gone(from: SlotID)
        /// The request waits for somebody else: its deadline runs from now on.
        case startDeadline(RequestSequence)
        /// The registry is to know that the connection holds the account.
        ///
        /// - Parameter 0: waits for it; nil: nobody does.
        case claim(RequestSequence?, AddressOfRecord)
        /// Not any more.
        ///
        /// - Parameter 0: waits for it; nil: nobody does.
        case unclaim(RequestSequence?, [AddressOfRecord])
        /// What a device is to be reached by has changed. Secret.
        ///
        /// - Parameter 0: waits for it; nil: nobody does.
        case storeTokens(RequestSequence?, AddressOfRecord, [DeviceTokenChange])
        case pauseReading
        case resumeReading
        case note(Note)
    }

    /// Worth a line in the log.
    enum Note: Equatable {
        case refused(transaction: String, request: String, text: String)
        case unanswerable(String)
        case accountAdded(String, userAgent: String?)
        case accountRemoved(String)
        case tokensChanged(String)
        case invited(String, by: AddressOfRecord, to: RoomURI)
        case registered(String)
        case registrationFailed(String, String)
        /// It will be put back.
        case registrationLost(String)
        case unregistered(String)
        case calling(String, String)
        case called(String, by: String)
        case callEnded(String, ClientSessionID, String)
        case missed(String, by: String)
        case unexpected(String)
        case limit(LimitKind)
    }

    /// A request that was answered, for whoever counts: what it was, how it ended, until when it would have waited.
    struct Answered: Equatable {
        let sequence: RequestSequence?
        let kind: RequestKind
        let outcome: RequestOutcome
        let deadline: NIODeadline
    }

    /// How often a request follows a room that turns out to live elsewhere, or leaves a worker that takes nothing new.
    static let maximumAttempts = 3
    static let noWorkerText = "no worker is available"
    static let workerLostText = "worker lost"
    static let workerLostReason = "500 Worker lost"
    /// Of calls that end with their account or its registration (D23).
    static let removedReason = "reason unspecified"

    let id: ConnectionID
    var accounts: AccountBook
    var sessions = SessionBook()
    var phones = PhoneBook()
    /// Where registrations and calls that are new go.
    var home: SlotID?
    /// By account.
    var renewals: [AddressOfRecord: Renewal] = [:]
    var lastRenewal: UInt64 = 0
    /// What the client was told last of its accounts' registrations, whatever has become of those (E02).
    var registrationStates: [AddressOfRecord: RegistrationState] = [:]
    var turns = RegistrationTurns()
    var unanswered: [RequestSequence: UnansweredRequest] = [:]
    /// Requests about accounts that no worker, but a store is to answer.
    var storing: [RequestSequence: StoringRequest] = [:]
    /// What is to be stored when its account is verified.
    var waitingTokens = WaitingTokens()
    /// Workers without a link, as far as this connection has had to do with them.
    var lostLinks: Set<SlotID> = []
    /// Bytes of the messages whose requests wait.
    private(set) var unansweredBytes = 0
    private var answered: [Answered] = []
    private var lastSequence: UInt64 = 0
    private var isPaused = false
    let limits: Limits
    private(set) var isClosed = false

    init(_ id: ConnectionID, accounts: AccountBook, limits: Limits = Limits()) {
        self.id = id
        self.limits = limits
        self.accounts = accounts
    }

    /// What the gateway asks by itself is nobody's.
    var unansweredCount: Int {
        unanswered.count + storing.count + turns.count - internalCount
    }

    /// At most one of each account.
    private var internalCount: Int {
        unanswered.isEmpty ? 0 : unanswered.values.count { $0.transaction == nil }
    }

    /// nil: it is answered.
    func deadline(of sequence: RequestSequence) -> NIODeadline? {
        unanswered[sequence]?.deadline ?? storing[sequence]?.deadline ?? turns[sequence]?.asked.deadline
    }

    /// - Parameters:
    ///   - bytes: of the message.
    ///   - deadline: of a request that somebody else has to answer.
    mutating func received(_ message: DecodedMessage, bytes: Int = 0, deadline: NIODeadline) -> [Action] {
        guard !isClosed else { return [] }
        switch message {
        case .unanswerable(let error): return [.note(.unanswerable(error.description))]
        case .refused(let transaction, let type, let error):
            let limit: [Action] = error.exceedsLimit ? [.note(.limit(.requestField))] : []
            answered.append(
                Answered(sequence: nil, kind: RequestKind(type: type), outcome: .error, deadline: deadline))
            return limit + refuse(transaction, type ?? "request", error.description)
        case .request(let transaction, let request):
            let sequence = nextSequence()
            let asked = Asked(
                transaction: transaction, kind: request.kind, sequence: sequence, deadline: deadline, bytes: bytes)
            let actions = requested(request, asked)
            if unanswered[sequence] != nil || storing[sequence] != nil { unansweredBytes += bytes }
            noteAnswer(to: asked, among: actions)
            return actions + throttle()
        }
    }

    /// Requests of the client's and the gateway's own are counted alike.
    mutating func nextSequence() -> RequestSequence {
        lastSequence += 1
        return RequestSequence(rawValue: lastSequence)
    }

    /// The socket is closed: nothing more is said, and the workers give everything up.
    mutating func closed() -> [Action] {
        guard !isClosed else { return [] }
        isClosed = true
        unanswered = [:]
        storing = [:]
        unansweredBytes = 0
        turns.removeAll()
        renewals = [:]
        let claimed = accounts.claimed
        return sessions.slots.union(phones.slots).map { .gone(from: $0) }
            + (claimed.isEmpty ? [] : [.unclaim(nil, claimed)])
    }

    // MARK: Answering

    /// An answer for the client, and what it means for the connection.
    mutating func answer(
        _ sequence: RequestSequence, _ answer: WorkerAnswer, isLate: Bool = false
    ) -> [Action] {
        guard let pending = unanswered.removeValue(forKey: sequence) else { return [] }
        unansweredBytes -= pending.bytes
        let outcome: RequestOutcome = answer == .ack ? .ack : isLate ? .timeout : .error
        if pending.transaction != nil {
            answered.append(
                Answered(sequence: sequence, kind: pending.kind, outcome: outcome, deadline: pending.deadline))
        }
        let actions: [Action] =
            switch answer {
            case .ack:
                endRinging(before: pending)
                    + (pending.transaction.map { [.send(.ack(transaction: $0))] } ?? [])
                    + acknowledged(pending, sequence)
            case .error(let text): fail(pending, sequence, text)
            case .unknownSession: fail(pending, sequence, pending.unknownText)
            case .notOwner: fail(pending, sequence, "internal error")
            }
        return actions + (pending.turn.map { nextTurn(of: $0) } ?? [])
    }

    private mutating func acknowledged(_ pending: UnansweredRequest, _ sequence: RequestSequence) -> [Action] {
        switch pending.request {
        case .join: sessions.told(sequence, .acked)
        case .feedAttach: sessions.toldOfFeed(sequence) { $0.isAcked = true }
        case .feedAnswer(let feed, _): sessions.toldOfFeed(feed) { $0.isAnswered = true }
        case .feedDetach(let feed): return forget(feed)
        case .update(let session, _, _, let bitrate): if let bitrate { sessions.told(session, .capped(bitrate)) }
        case .register(let register): registerAcknowledged(register, sequence)
        case .unregister(let registration): return unregistered(registration, of: pending.turn)
        case .call: phones.changeCall(sequence) { $0.told.isAcked = true }
        case .accept(let call, _): phones.changeCall(call) { $0.told.isAnswered = true }
        case .trickle, .terminate, .configureRoom, .releaseAccount, .invite: break
        }
        return []
    }

    private mutating func fail(
        _ pending: UnansweredRequest, _ sequence: RequestSequence, _ text: String
    ) -> [Action] {
        let refusal = pending.transaction.map { refuse($0, pending.name, text) } ?? []
        switch pending.request {
        case .register(let register): return refusal + registerFailed(register, sequence, text)
        case .accept(let call, _): phones.changeCall(call) { $0.isBeingAnswered = false }
        case .join, .feedAttach, .call: return refusal + forget(sequence)
        case .feedAnswer, .feedDetach, .trickle, .update, .terminate, .configureRoom, .releaseAccount, .invite,
            .unregister:
            break
        }
        return refusal
    }

    func refuse(_ transaction: String, _ request: String, _ text: String) -> [Action] {
        [
            .note(.refused(transaction: transaction, request: request, text: text)),
            .send(.error(transaction: transaction, text: text)),
        ]
    }

    /// A session that is over, or did not come about. What no worker will answer, because it was never sent or its join
    /// failed, is told that the session is unknown.
    mutating func forget(_ sequence: RequestSequence) -> [Action] {
        let isSettled = sessions.isSettled(sequence) && phones.calls[sequence]?.told.isAcked ?? true
        let removed = Set(sessions.remove(sequence) + (phones.remove(sequence) ? [sequence] : []))
        let orphans = unanswered.filter { number, pending in
            guard let subject = pending.subject(as: number), removed.contains(subject) else { return false }
            return pending.isHeld || !isSettled
        }
        return orphans.keys.sorted().flatMap { answer($0, .unknownSession) }
    }

    /// What was answered since the last call.
    mutating func takeAnswered() -> [Answered] {
        guard !answered.isEmpty else { return [] }
        defer { answered.removeAll(keepingCapacity: true) }
        return answered
    }

    /// A request that waits for nobody was answered at once.
    private mutating func noteAnswer(to asked: Asked, among actions: [Action]) {
        guard unanswered[asked.sequence] == nil, storing[asked.sequence] == nil, turns[asked.sequence] == nil,
            !answered.contains(where: { $0.sequence == asked.sequence })
        else { return }
        let isAck = actions.contains(.send(.ack(transaction: asked.transaction)))
        noteAnswered(asked, isAck ? .ack : .error)
    }

    mutating func noteAnswered(_ asked: Asked, _ outcome: RequestOutcome) {
        answered.append(
            Answered(sequence: asked.sequence, kind: asked.kind, outcome: outcome, deadline: asked.deadline))
    }

    /// What was to be stored is, or is not.
    mutating func storingEnded(_ sequence: RequestSequence, _ outcome: RequestOutcome) {
        guard let pending = storing.removeValue(forKey: sequence) else { return }
        unansweredBytes -= pending.bytes
        answered.append(
            Answered(sequence: sequence, kind: pending.kind, outcome: outcome, deadline: pending.deadline))
    }

    // MARK: What follows

    /// What every change may lead to: something held may leave, or the client be read again.
    mutating func proceed() -> [Action] { sendHeld() + throttle() }

    /// Back-pressure before errors: beyond the bound the client is not read.
    private mutating func throttle() -> [Action] {
        let shouldPause =
            unansweredCount >= limits.unansweredRequests || unansweredBytes >= limits.unansweredBytes
        guard shouldPause != isPaused else { return [] }
        isPaused = shouldPause
        return [shouldPause ? .pauseReading : .resumeReading]
    }
}
