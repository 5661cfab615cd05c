import Identity
import NIOCore
import Sylkrtc

/// Requests as they come from the client: checked, answered here, or sent on.
extension ConnectionStateMachine {
    /// Whom to answer, and until when.
    struct Asked {
        let transaction: String
        let kind: RequestKind
        let sequence: RequestSequence
        let deadline: NIODeadline
        /// Of the message.
        var bytes: Int

        var name: String { kind.name }
    }

    mutating func requested(_ request: Request, _ asked: Asked) -> [Action] {
        func refuse(_ text: String) -> [Action] { self.refuse(asked.transaction, asked.name, text) }
        func unknownAccount(_ account: SentAddress) -> String? {
            accounts.account(account.address) == nil ? "Unknown account specified: \(account.sent)" : nil
        }
        switch request {
        case .accountAdd(let request):
            if let first = pendingAddition(of: request.account.address) {
                store(.repeatedAddition(request, behind: first), asked)
                return [.startDeadline(asked.sequence)]
            }
            if let problem = accounts.add(request, asked.sequence) {
                return (problem == AccountBook.tooMany ? [.note(.limit(.accounts))] : []) + refuse(problem)
            }
            return added(request, asked)
        case .accountRemove(let request): return removeAccount(request.account, asked)
        case .accountRegister(let request): return changeRegistration(request.account, .register, asked)
        case .accountUnregister(let request): return changeRegistration(request.account, .unregister, asked)
        case .accountDeviceToken(let request):
            return unknownAccount(request.account).map(refuse) ?? changeTokens(request, asked)
        case .sessionCreate(let request): return call(request, asked)
        case .sessionAnswer(let request): return accept(request, asked)
        case .sessionTrickle(let request): return trickle(request, asked)
        case .sessionTerminate(let request): return terminate(request, asked)

        case .videoroomJoin(let join): return self.join(join, asked)
        case .configureRoom(let request):
            let unknown = "configure-room: unknown video room session: \(request.session)"
            guard let (session, _) = sessions.publisher(called: request.session) else { return refuse(unknown) }
            return forward(
                .configureRoom(session: session, activeParticipants: request.activeParticipants), about: session, asked,
                unknown)
        case .inviteParticipants(let request):
            let unknown = "invite-participants: unknown video room session: \(request.session)"
            // Of a removed account the session is about to end.
            guard let (session, entry) = sessions.publisher(called: request.session), entry.isJoined,
                accounts.account(entry.account) != nil
            else { return refuse(unknown) }
            return forward(
                .invite(session: session, participants: request.participants.map(\.address)), about: session, asked,
                unknown)
        case .feedAttach(let request):
            guard !sessions.contains(request.feed.description) else {
                return refuse("feed-attach: video room session ID \(request.feed) already in use")
            }
            let unknown = "feed-attach: unknown video room session: \(request.session)"
            guard let (base, _) = sessions.publisher(called: request.session) else { return refuse(unknown) }
            guard sessionCount < limits.sessions else {
                return [.note(.limit(.sessions))] + refuse("too many sessions")
            }
            sessions.addFeed(asked.sequence, called: request.feed, of: base)
            return forward(
                .feedAttach(base: base, feed: request.feed, publisher: request.publisher), about: base, asked, unknown)
        case .feedAnswer(let request):
            let unknown = "feed-answer: unknown video room session: \(request.feed)"
            guard let feed = sessions.feed(called: request.feed, of: request.session) else { return refuse(unknown) }
            return forward(.feedAnswer(feed: feed, answer: request.answer), about: feed, asked, unknown)
        case .feedDetach(let request):
            let unknown = "feed-detach: unknown video room session to detach: \(request.feed)"
            guard sessions.contains(request.feed) else { return refuse(unknown) }
            guard let feed = sessions.feed(called: request.feed, of: request.session) else {
                return refuse("feed-detach: \(request.feed) is not an attached feed of \(request.session)")
            }
            return forward(.feedDetach(feed: feed), about: feed, asked, unknown)
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
                .trickle(session: session, candidates: request.candidates), about: session, asked, unknown)
        case .videoroomUpdate(let request):
            let unknown = "update: unknown video room session: \(request.session)"
            guard let session = sessions.sequence(called: request.session) else { return refuse(unknown) }
            return forward(
                .update(session: session, audio: request.audio, video: request.video, bitrate: request.bitrate),
                about: session, asked, unknown)
        case .videoroomTerminate(let request):
            let unknown = "Unknown video room session: \(request.session)"
            guard let (session, _) = sessions.publisher(called: request.session) else { return refuse(unknown) }
            return forward(.terminate(session: session), about: session, asked, unknown)
        }
    }

    private mutating func removeAccount(_ account: SentAddress, _ asked: Asked) -> [Action] {
        guard accounts.account(account.address) != nil else {
            return refuse(asked.transaction, asked.name, "Unknown account specified: \(account.sent)")
        }
        // What a registration has claimed nobody waits for.
        let isAwaited = accounts.trustsClaims
        let isClaimed = accounts.isClaimed(account.address)
        let abandoned = forget(account) + (isClaimed && !isAwaited ? [.unclaim(nil, [account.address])] : [])
        let slots = sessions.slots(of: account.address).union(phones.slots(of: account.address))
        let note = Action.note(.accountRemoved(account.sent))
        guard !slots.isEmpty || isAwaited else {
            return abandoned + [.send(.ack(transaction: asked.transaction)), note]
        }
        var pending = unansweredRequest(.releaseAccount(account.address), asked)
        for slot in slots { pending.workers[slot] = UnansweredRequest.Delivery() }
        pending.isInRegistry = isAwaited
        unanswered[asked.sequence] = pending
        return abandoned + [note, .startDeadline(asked.sequence)]
            + (isAwaited ? [.unclaim(asked.sequence, [account.address])] : []) + depart(asked.sequence)
    }

    /// It is not the connection's any more.
    mutating func forget(_ account: SentAddress) -> [Action] {
        accounts.remove(account.address)
        waitingTokens.remove(account.address)
        dropRenewal(of: account.address)
        registrationStates[account.address] = nil
        let unknown = "Unknown account specified: \(account.sent)"
        var actions: [Action] = []
        while let waiting = turns.next(of: account.address) {
            actions += refuse(waiting.asked.transaction, waiting.asked.name, unknown)
            noteAnswered(waiting.asked, .error)
        }
        // What has no worker yet has nothing to release anywhere.
        let unplaced = sessions.unplaced(of: account.address) + phones.unplaced(of: account.address)
        actions += unplaced.sorted().flatMap { session in answer(session, .error(unknown)) }
        phones.leave(account.address)
        return actions
    }

    private mutating func join(_ request: VideoroomJoin, _ asked: Asked) -> [Action] {
        func refuse(_ text: String) -> [Action] { self.refuse(asked.transaction, asked.name, text) }
        guard !sessions.contains(request.session.description) else {
            return refuse("Session ID \(request.session) already in use")
        }
        guard let account = accounts.account(request.account.address) else {
            return refuse("Unknown account specified: \(request.account.sent)")
        }
        guard sessionCount < limits.sessions else {
            return [.note(.limit(.sessions))] + refuse("too many sessions")
        }
        let address = account.name.address
        sessions.addPublisher(asked.sequence, called: request.session, account: address)
        let join = WorkerRequest.Join(
            session: request.session, account: request.account, displayName: account.displayName,
            isVerified: accounts.isVerified(address), room: request.room, offer: request.offer)
        unanswered[asked.sequence] = unansweredRequest(.join(join), asked)
        return [.startDeadline(asked.sequence), .locate(asked.sequence, join.room)]
    }

    /// Sends a request where its session lives. While that is not known yet, or the session is out of sync, it is held.
    mutating func forward(
        _ request: WorkerRequest, about session: RequestSequence, _ asked: Asked, _ unknownText: String
    ) -> [Action] {
        var pending = unansweredRequest(request, asked)
        pending.unknownText = unknownText
        if let slot = slot(of: session) { pending.workers = [slot: UnansweredRequest.Delivery()] }
        unanswered[asked.sequence] = pending
        return [.startDeadline(asked.sequence)] + depart(asked.sequence)
    }

    /// nil: it has none yet, or is no session.
    func slot(of session: RequestSequence) -> SlotID? { sessions[session]?.slot ?? phones.slot(of: session) }

    private func unansweredRequest(_ request: WorkerRequest, _ asked: Asked) -> UnansweredRequest {
        UnansweredRequest(
            transaction: asked.transaction, kind: asked.kind, request: request, deadline: asked.deadline,
            bytes: asked.bytes)
    }
}
