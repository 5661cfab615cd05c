import Identity
import Sylkrtc

/// Everything a front door knows of one client: its accounts, its sessions with what it has been told of them, and its
/// unanswered requests. It decides what is answered here, what is forwarded where, and what of the answers and events that
/// come back is for the client. Every request is answered exactly once, every state told exactly once, in order.
struct ConnectionStateMachine {
    enum Action: Equatable {
        case send(ServerMessage)
        /// Find the worker of the room for this join.
        case locate(RequestSequence, RoomURI)
        case forward(RequestSequence, WorkerRequest, to: SlotID)
        /// The worker is to give up the session without telling anybody.
        case release(SessionID, at: SlotID)
        /// The client is gone: the worker is to give up all its sessions.
        case gone(from: SlotID)
        /// The request waits for somebody else: its deadline runs from now on.
        case startDeadline(RequestSequence)
        case pauseReading
        case resumeReading
        case note(Note)
    }

    /// Worth a line in the log.
    enum Note: Equatable {
        case refused(request: String, text: String)
        case unanswerable(String)
        case accountAdded(String, userAgent: String?)
        case accountRemoved(String)
        case unexpected(String)
    }

    /// More unanswered requests than this, and the connection is not read until some are answered.
    static let maximumUnanswered = 64
    static let maximumSessions = 128
    /// How often a join follows a room that turns out to live elsewhere.
    static let maximumAttempts = 3
    static let noWorkerText = "no worker is available"
    static let workerLostText = "worker lost"
    static let workerLostReason = "500 Worker lost"

    let id: ConnectionID
    private var accounts: AccountBook
    private var sessions = SessionBook()
    private var unanswered: [RequestSequence: UnansweredRequest] = [:]
    private var lastSequence: UInt64 = 0
    private var isPaused = false
    private var isClosed = false

    init(_ id: ConnectionID, accounts: AccountBook) {
        self.id = id
        self.accounts = accounts
    }

    var unansweredCount: Int { unanswered.count }

    /// Every session with its worker, for the list that opens a link.
    func sessions(at slot: SlotID) -> [SessionID] {
        sessions.all(at: slot).map { SessionID(connection: id, request: $0) }
    }

    // MARK: From the client

    mutating func received(_ message: DecodedMessage) -> [Action] {
        guard !isClosed else { return [] }
        switch message {
        case .unanswerable(let error): return [.note(.unanswerable(error.description))]
        case .refused(let transaction, let type, let error):
            return refuse(transaction, type ?? "request", error.description)
        case .request(let transaction, let request):
            lastSequence += 1
            let sequence = RequestSequence(rawValue: lastSequence)
            return requested(request, transaction, sequence) + throttle()
        }
    }

    /// The socket is closed: nothing more is said, and the workers give everything up.
    mutating func closed() -> [Action] {
        guard !isClosed else { return [] }
        isClosed = true
        unanswered = [:]
        return sessions.slots.map { .gone(from: $0) }
    }

    private mutating func requested(
        _ request: Request, _ transaction: String, _ sequence: RequestSequence
    ) -> [Action] {
        func refuse(_ text: String) -> [Action] { self.refuse(transaction, request.name, text) }
        func notAvailable() -> [Action] { refuse("\(request.name) is not available yet") }
        func unknownAccount(_ account: SentAddress) -> String? {
            accounts.account(account.address) == nil ? "Unknown account specified: \(account.sent)" : nil
        }
        func pending(_ kind: UnansweredRequest.Kind = .other, unknown text: String) -> UnansweredRequest {
            UnansweredRequest(transaction: transaction, name: request.name, kind: kind, unknownText: text)
        }

        switch request {
        case .accountAdd(let request):
            if let problem = accounts.add(request) { return refuse(problem) }
            return [
                .send(.ack(transaction: transaction)),
                .note(.accountAdded(request.account.sent, userAgent: request.userAgent)),
            ]
        case .accountRemove(let request): return removeAccount(request.account, transaction, sequence)
        case .accountRegister(let request), .accountUnregister(let request):
            return unknownAccount(request.account).map(refuse) ?? notAvailable()
        case .accountDeviceToken(let request):
            return unknownAccount(request.account).map(refuse) ?? notAvailable()
        case .sessionCreate(let request):
            return unknownAccount(request.account).map(refuse) ?? notAvailable()
        case .sessionAnswer(let request): return refuse("Unknown session specified: \(request.session)")
        case .sessionTrickle(let request): return refuse("Unknown session specified: \(request.session)")
        case .sessionTerminate(let request): return refuse("Unknown session specified: \(request.session)")

        case .videoroomJoin(let join): return self.join(join, transaction, sequence)
        case .configureRoom(let request):
            guard let (_, session) = sessions.publisher(called: request.session), session.isJoined else {
                return refuse("configure-room: unknown video room session: \(request.session)")
            }
            let unknown = request.activeParticipants.filter { !session.knows($0) }
            guard unknown.isEmpty else {
                let ids = unknown.joined(separator: ", ")
                return refuse("configure-room: unknown participant session id: \(ids)")
            }
            return notAvailable()
        case .inviteParticipants(let request):
            guard sessions.publisher(called: request.session)?.1.isJoined == true else {
                return refuse("invite-participants: unknown video room session: \(request.session)")
            }
            return notAvailable()
        case .feedAttach(let request):
            guard !sessions.contains(request.feed.description) else {
                return refuse("feed-attach: video room session ID \(request.feed) already in use")
            }
            let unknown = "feed-attach: unknown video room session: \(request.session)"
            guard let (base, entry) = sessions.publisher(called: request.session) else { return refuse(unknown) }
            guard sessions.count < Self.maximumSessions else { return refuse("too many sessions") }
            sessions.add(sequence, .feed(of: base), called: request.feed, account: entry.account, at: entry.slot)
            return forward(
                .feedAttach(base: base, feed: request.feed, publisher: request.publisher), about: sequence, sequence,
                pending(.feedAttach, unknown: unknown))
        case .feedAnswer(let request):
            let unknown = "feed-answer: unknown video room session: \(request.feed)"
            guard let feed = sessions.feed(called: request.feed, of: request.session) else { return refuse(unknown) }
            return forward(
                .feedAnswer(feed: feed, answer: request.answer), about: feed, sequence, pending(unknown: unknown))
        case .feedDetach(let request):
            let unknown = "feed-detach: unknown video room session to detach: \(request.feed)"
            guard sessions.contains(request.feed) else { return refuse(unknown) }
            guard let feed = sessions.feed(called: request.feed, of: request.session) else {
                return refuse("feed-detach: \(request.feed) is not an attached feed of \(request.session)")
            }
            return forward(
                .feedDetach(feed: feed), about: feed, sequence, pending(.feedDetach(feed), unknown: unknown))
        case .videoroomTrickle(let request):
            let session =
                if let feed = request.feed, feed != request.session {
                    sessions.feed(called: feed, of: request.session)
                } else {
                    sessions.publisher(called: request.session)?.0
                }
            let unknown = "trickle: unknown video room session: \(request.feed ?? request.session)"
            guard let session else { return refuse(unknown) }
            return forward(
                .trickle(session: session, candidates: request.candidates), about: session, sequence,
                pending(unknown: unknown))
        case .videoroomUpdate(let request):
            let unknown = "update: unknown video room session: \(request.session)"
            guard let session = sessions.sequence(called: request.session) else { return refuse(unknown) }
            return forward(
                .update(session: session, audio: request.audio, video: request.video, bitrate: request.bitrate),
                about: session, sequence, pending(unknown: unknown))
        case .videoroomTerminate(let request):
            let unknown = "Unknown video room session: \(request.session)"
            guard let (session, _) = sessions.publisher(called: request.session) else { return refuse(unknown) }
            return forward(
                .terminate(session: session), about: session, sequence,
                pending(.terminate(session), unknown: unknown))
        }
    }

    private mutating func removeAccount(
        _ account: SentAddress, _ transaction: String, _ sequence: RequestSequence
    ) -> [Action] {
        guard accounts.remove(account.address) else {
            return refuse(transaction, "account-remove", "Unknown account specified: \(account.sent)")
        }
        // A join whose room is still being located has nothing to release anywhere.
        let abandoned = sessions.unplaced(of: account.address).flatMap { session in
            answer(session, .error("Unknown account specified: \(account.sent)"))
        }
        let slots = sessions.slots(of: account.address)
        let note = Action.note(.accountRemoved(account.sent))
        guard !slots.isEmpty else { return abandoned + [.send(.ack(transaction: transaction)), note] }
        unanswered[sequence] = UnansweredRequest(
            transaction: transaction, name: "account-remove",
            kind: .releaseAccount(account.address, waitingFor: slots))
        return abandoned + [note, .startDeadline(sequence)]
            + slots.sorted { $0.description < $1.description }
            .map { .forward(sequence, .releaseAccount(account.address), to: $0) }
    }

    private mutating func join(
        _ request: VideoroomJoin, _ transaction: String, _ sequence: RequestSequence
    ) -> [Action] {
        func refuse(_ text: String) -> [Action] { self.refuse(transaction, "videoroom-join", text) }
        guard !sessions.contains(request.session.description) else {
            return refuse("Session ID \(request.session) already in use")
        }
        guard let account = accounts.account(request.account.address) else {
            return refuse("Unknown account specified: \(request.account.sent)")
        }
        guard sessions.count < Self.maximumSessions else { return refuse("too many sessions") }
        let address = account.name.address
        sessions.add(sequence, .publisher, called: request.session, account: address, at: nil)
        let join = WorkerRequest.Join(
            session: request.session, account: request.account, displayName: account.displayName,
            isVerified: accounts.isVerified(address), room: request.room, offer: request.offer)
        unanswered[sequence] = UnansweredRequest(
            transaction: transaction, name: "videoroom-join", kind: .join(join))
        return [.startDeadline(sequence), .locate(sequence, join.room)]
    }

    /// Sends a request where its session lives; while that is not known yet, it waits with the session. It is kept until
    /// the join is answered: the room may turn out to live elsewhere.
    private mutating func forward(
        _ request: WorkerRequest, about session: RequestSequence, _ sequence: RequestSequence,
        _ pending: UnansweredRequest
    ) -> [Action] {
        var pending = pending
        pending.slot = sessions[session]?.slot
        unanswered[sequence] = pending
        let open = unanswered
        sessions.keep(session, sequence, request) { open[$0] != nil }
        guard let slot = pending.slot else { return [.startDeadline(sequence)] }
        return [.startDeadline(sequence), .forward(sequence, request, to: slot)]
    }

    private func refuse(_ transaction: String, _ request: String, _ text: String) -> [Action] {
        [
            .note(.refused(request: request, text: text)),
            .send(.error(transaction: transaction, text: text)),
        ]
    }

    // MARK: From placement and workers

    mutating func located(_ sequence: RequestSequence, at slot: SlotID) -> [Action] {
        guard case .join(let join) = unanswered[sequence]?.kind else { return [] }
        return place(join, sequence, at: slot)
    }

    mutating func notLocated(_ sequence: RequestSequence, _ text: String) -> [Action] {
        guard !isClosed else { return [] }
        return answer(sequence, .error(text)) + throttle()
    }

    private mutating func place(_ join: WorkerRequest.Join, _ sequence: RequestSequence, at slot: SlotID) -> [Action] {
        unanswered[sequence]?.slot = slot
        unanswered[sequence]?.attempts += 1
        var actions = [Action.forward(sequence, .join(join), to: slot)]
        for (kept, request) in sessions.place(sequence, at: slot) where unanswered[kept] != nil {
            unanswered[kept]?.slot = slot
            actions.append(.forward(kept, request, to: slot))
        }
        return actions
    }

    mutating func answered(_ sequence: RequestSequence, _ answer: WorkerAnswer, by slot: SlotID) -> [Action] {
        guard let pending = unanswered[sequence] else {
            // Its deadline has passed, and the client has been told so.
            return []
        }
        if case .releaseAccount(let account, var slots) = pending.kind {
            slots.remove(slot)
            guard slots.isEmpty else {
                unanswered[sequence] = UnansweredRequest(
                    transaction: pending.transaction, name: pending.name,
                    kind: .releaseAccount(account, waitingFor: slots))
                return []
            }
            return self.answer(sequence, .ack) + throttle()
        }
        guard pending.slot == slot else { return [.note(.unexpected("an answer from \(slot)"))] }
        if case .notOwner = answer {
            // Counted are the tries, and the first of them followed nobody.
            guard case .join(let join) = pending.kind, pending.attempts <= Self.maximumAttempts else {
                return self.answer(sequence, .error("the room cannot be found")) + throttle()
            }
            guard accounts.account(join.account) != nil else {
                let text = "Unknown account specified: \(join.accountAsSent)"
                return self.answer(sequence, .error(text)) + throttle()
            }
            // The registry names the winner, and its link may have to come up first. What is behind the join waits again.
            for kept in [sequence] + sessions.displace(sequence) { unanswered[kept]?.slot = nil }
            return [.locate(sequence, join.room)]
        }
        return self.answer(sequence, answer) + throttle()
    }

    /// A request could not be sent: its worker takes no more, or is gone before the loss was noticed.
    mutating func undeliverable(_ sequence: RequestSequence, at slot: SlotID) -> [Action] {
        answered(sequence, .error(Self.noWorkerText), by: slot)
    }

    private mutating func answer(_ sequence: RequestSequence, _ answer: WorkerAnswer) -> [Action] {
        guard let pending = unanswered.removeValue(forKey: sequence) else { return [] }
        switch answer {
        case .ack:
            let acknowledged = Action.send(.ack(transaction: pending.transaction))
            switch pending.kind {
            case .join:
                sessions.told(sequence, .acked)
                sessions.settle(sequence)
                return [acknowledged]
            case .feedDetach(let feed): return [acknowledged] + forget(feed)
            case .feedAttach, .terminate, .releaseAccount, .other: return [acknowledged]
            }
        case .error(let text): return fail(pending, sequence, text)
        case .unknownSession: return fail(pending, sequence, pending.unknownText)
        case .notOwner: return fail(pending, sequence, "internal error")
        }
    }

    private mutating func fail(
        _ pending: UnansweredRequest, _ sequence: RequestSequence, _ text: String
    ) -> [Action] {
        refuse(pending.transaction, pending.name, text) + (pending.createsSession ? forget(sequence) : [])
    }

    /// A session that is over, or did not come about; what waits for it, or for a feed of it, is told that it is unknown.
    private mutating func forget(_ sequence: RequestSequence) -> [Action] {
        let kept = sessions.remove(sequence).flatMap { session in session.kept.map(\.0) }
        return kept.sorted().flatMap { answer($0, .unknownSession) }
    }

    mutating func told(_ sequence: RequestSequence, _ event: WorkerEvent, by slot: SlotID) -> [Action] {
        guard !isClosed, let session = sessions[sequence], session.slot == slot else { return [] }
        func send(_ event: VideoroomEvent) -> [Action] { [.send(.videoroom(session: session.client, event))] }
        switch event {
        case .state(let state):
            sessions.told(sequence, .state(state))
            guard case .terminated = state else { return send(.state(state)) }
            return send(.state(state)) + forget(sequence) + throttle()
        case .initialPublishers(let publishers):
            sessions.told(sequence, .initialPublishers(publishers))
            return send(.initialPublishers(publishers))
        case .publishersJoined(let publishers):
            sessions.told(sequence, .joined(publishers))
            return send(.publishersJoined(publishers))
        case .publishersLeft(let gone):
            sessions.told(sequence, .left(gone))
            return send(.publishersLeft(gone))
        case .feedOffered(let feed, let offer):
            guard let feed = sessions[feed], feed.isFeed(of: sequence) else { return [] }
            return send(.feedAttached(subscription: feed.client, offer: offer))
        case .feedEstablished(let feed):
            guard let feed = sessions[feed], feed.isFeed(of: sequence) else { return [] }
            return send(.feedEstablished(subscription: feed.client))
        case .feedEnded(let feed):
            guard sessions[feed]?.isFeed(of: sequence) == true else { return [] }
            return forget(feed) + throttle()
        }
    }

    // MARK: What goes wrong

    /// The link is lost, and with it everything on that worker.
    mutating func workerLost(_ slot: SlotID) -> [Action] {
        guard !isClosed else { return [] }
        var actions: [Action] = []
        for sequence in unanswered.keys.sorted() {
            guard let pending = unanswered[sequence] else { continue }
            if case .releaseAccount(_, let slots) = pending.kind {
                // Its sessions there are over, which is what was asked.
                if slots.contains(slot) { actions += answered(sequence, .ack, by: slot) }
            } else if pending.slot == slot {
                actions += answer(sequence, .error(Self.workerLostText))
            }
        }
        for sequence in sessions.all(at: slot) {
            guard let session = sessions[sequence] else { continue }
            if case .publisher = session.kind, session.told.isAcked {
                let state = ConferenceState.terminated(reason: Self.workerLostReason)
                actions.append(.send(.videoroom(session: session.client, .state(state))))
            }
            actions += forget(sequence)
        }
        return actions + throttle()
    }

    /// Nobody has answered in time. What the request would have created must not come about behind the client's back.
    mutating func deadlinePassed(_ sequence: RequestSequence) -> [Action] {
        guard let pending = unanswered[sequence] else { return [] }
        if case .releaseAccount(let account, let slots) = pending.kind {
            return releaseDeadlinePassed(sequence, account, slots) + throttle()
        }
        var actions = answer(sequence, .error("request timed out"))
        switch pending.kind {
        case .join, .feedAttach:
            if let slot = pending.slot { actions.append(release(sequence, at: slot)) }
        case .feedDetach(let session), .terminate(let session):
            if let slot = pending.slot, let entry = sessions[session] {
                if case .publisher = entry.kind {
                    let state = ConferenceState.terminated(reason: "408 Request Timeout")
                    actions.append(.send(.videoroom(session: entry.client, .state(state))))
                }
                actions += forget(session)
                actions.append(release(session, at: slot))
            }
        case .releaseAccount, .other: break
        }
        return actions + throttle()
    }

    /// The account is removed, whatever its workers say (D24): what they have not ended in time ends here.
    private mutating func releaseDeadlinePassed(
        _ sequence: RequestSequence, _ account: AddressOfRecord, _ slots: Set<SlotID>
    ) -> [Action] {
        var actions = answer(sequence, .ack)
        for session in sessions.all(of: account, before: sequence) {
            guard let entry = sessions[session], let slot = entry.slot, slots.contains(slot) else { continue }
            if case .publisher = entry.kind, entry.told.isAcked {
                actions.append(.send(.videoroom(session: entry.client, .state(.terminated(reason: nil)))))
            }
            actions += forget(session)
            actions.append(release(session, at: slot))
        }
        return actions
    }

    private func release(_ sequence: RequestSequence, at slot: SlotID) -> Action {
        .release(SessionID(connection: id, request: sequence), at: slot)
    }

    /// Back-pressure before errors: beyond the bound the client is not read.
    private mutating func throttle() -> [Action] {
        let shouldPause = unanswered.count >= Self.maximumUnanswered
        guard shouldPause != isPaused else { return [] }
        isPaused = shouldPause
        return [shouldPause ? .pauseReading : .resumeReading]
    }
}
