import Identity
import Sylkrtc

/// What a front door's loop keeps of its clients' sessions, as simply as can be: what they were told, and what they wait
/// for. It notes what a worker must not say.
struct ToldBook {
    struct Waiting {
        let connection: ConnectionID
        let sequence: RequestSequence
        let request: WorkerRequest
        /// What it is about.
        let session: SessionID
        var isSent = false
    }

    private(set) var sessions: [SessionID: Told] = [:]
    private(set) var waiting: [Waiting] = []
    private(set) var releases: Set<SessionID> = []
    /// Listed, and not yet said to be up to date.
    private(set) var awaiting: Set<SessionID> = []
    private var answeredRequests: Set<SessionID> = []
    /// By connection and number.
    private(set) var acked: Set<SessionID> = []
    private(set) var violations: [String] = []
    /// Feeds that came to an end with their base session: what is still said of them is dropped.
    private var over: Set<SessionID> = []
    private var terminated: Set<SessionID> = []
    /// Who is prominent, as the client knows it.
    private(set) var prominent: [SessionID: [ClientSessionID]] = [:]

    func state(_ session: SessionID) -> ToldState? {
        guard case .publisher(let told) = sessions[session] else { return nil }
        return told
    }

    func feed(_ session: SessionID) -> ToldFeed? {
        guard case .feed(_, let told) = sessions[session] else { return nil }
        return told
    }

    /// A session that its client knows.
    mutating func hold(_ session: SessionID, _ told: Told) { sessions[session] = told }

    // MARK: What is asked

    mutating func asked(_ request: WorkerRequest, _ connection: ConnectionID, _ sequence: RequestSequence) -> Waiting {
        let listed = ListedRequestAbout(request, sequence)
        let session = SessionID(connection: connection, request: listed.session)
        switch request {
        case .join: sessions[session] = .publisher(ToldState())
        case .feedAttach(let base, _, _): sessions[session] = .feed(base: base, ToldFeed())
        case .feedAnswer, .feedDetach, .trickle, .update, .terminate, .configureRoom, .releaseAccount, .invite,
            .register, .unregister, .call, .accept:
            break
        }
        let entry = Waiting(connection: connection, sequence: sequence, request: request, session: session)
        waiting.append(entry)
        return entry
    }

    private struct ListedRequestAbout {
        let session: RequestSequence

        init(_ request: WorkerRequest, _ sequence: RequestSequence) {
            session =
                switch request {
                case .join, .feedAttach, .releaseAccount, .register, .unregister, .call, .accept: sequence
                case .feedAnswer(let feed, _), .feedDetach(let feed): feed
                case .trickle(let session, _), .update(let session, _, _, _), .terminate(let session),
                    .configureRoom(let session, _), .invite(let session, _):
                    session
                }
        }
    }

    mutating func sent(_ entry: Waiting) {
        for index in waiting.indices
        where waiting[index].connection == entry.connection && waiting[index].sequence == entry.sequence {
            waiting[index].isSent = true
        }
    }

    mutating func forget(_ connection: ConnectionID) {
        for session in sessions.keys where session.connection == connection { remove(session) }
        waiting.removeAll { $0.connection == connection }
    }

    mutating func giveUp(_ session: SessionID) {
        waiting.removeAll { $0.connection == session.connection && $0.sequence == session.request }
        remove(session)
        releases.insert(session)
    }

    // MARK: Resync

    mutating func listed() -> (sessions: [ConnectionList.Entry], waiting: [Waiting]) {
        awaiting = Set(sessions.keys)
        let entries = sessions.map { ConnectionList.Entry(session: $0, told: $1) }
        return (entries.sorted { $0.session.description < $1.session.description }, waiting)
    }

    /// - Returns: what was kept for this moment.
    mutating func resynced(_ session: SessionID) -> [Waiting] {
        if awaiting.remove(session) == nil, sessions[session] != nil {
            violations.append("\(name(session)) resynced unasked")
        }
        return waiting.filter { $0.session == session && !$0.isSent }
    }

    // MARK: What is told

    mutating func answered(_ answer: WorkerAnswer, _ connection: ConnectionID, _ sequence: RequestSequence) {
        let id = SessionID(connection: connection, request: sequence)
        guard let index = waiting.firstIndex(where: { $0.connection == connection && $0.sequence == sequence }) else {
            if answeredRequests.contains(id) { violations.append("\(name(id)) answered twice: \(answer.line)") }
            return
        }
        answeredRequests.insert(id)
        let entry = waiting.remove(at: index)
        let isAck = answer == .ack
        if isAck { acked.insert(id) }
        switch entry.request {
        case .join:
            if isAck { change(id) { $0.apply(.acked) } } else { remove(id) }
        case .feedAttach:
            if isAck { changeFeed(id) { $0.isAcked = true } } else { remove(id) }
        case .feedAnswer: if isAck { changeFeed(entry.session) { $0.isAnswered = true } }
        case .feedDetach: if isAck { remove(entry.session) }
        case .update(_, _, _, let bitrate?): if isAck { change(entry.session) { $0.apply(.capped(bitrate)) } }
        case .configureRoom(let number, _):
            let asker = SessionID(connection: connection, request: number)
            if isAck, let told = state(asker), told.configuration == nil {
                violations.append("\(name(id)) acknowledged before it was told")
            }
        case .update, .trickle, .terminate, .releaseAccount, .invite, .register, .unregister, .call, .accept: break
        }
    }

    /// - Returns: false for what is dropped because nobody is there any more.
    mutating func told(_ event: WorkerEvent, _ base: SessionID) -> Bool {
        switch event {
        case .feedOffered(let feed, _): toldFeed(feed, base, event)
        case .feedEstablished(let feed), .feedEnded(let feed): toldFeed(feed, base, event)
        case .state, .initialPublishers, .publishersJoined, .publishersLeft, .roomConfigured: toldState(event, base)
        case .registration, .registrationLost, .incomingCall, .missedCall, .call: false
        }
    }

    private mutating func toldState(_ event: WorkerEvent, _ session: SessionID) -> Bool {
        guard let told = state(session) else {
            let isDropped = over.contains(session) && !terminated.contains(session)
            if !isDropped { note(session, event) }
            return !isDropped
        }
        var isRight = told.isAcked
        switch event {
        case .state(.progress):
            isRight = isRight && told.stage == .nothing
            change(session) { $0.apply(.state(.progress)) }
        case .state(.accepted(let answer)):
            isRight = isRight && told.stage == .progress
            change(session) { $0.apply(.state(.accepted(answer: answer))) }
        case .state(.established):
            isRight = isRight && told.stage == .accepted && told.hasInitialPublishers
            change(session) { $0.apply(.state(.established)) }
        case .state(.terminated):
            terminated.insert(session)
            remove(session)
        case .initialPublishers(let publishers):
            isRight = isRight && told.stage >= .accepted && !told.hasInitialPublishers
            change(session) { $0.apply(.initialPublishers(publishers)) }
        case .publishersJoined(let publishers):
            isRight =
                isRight && told.hasInitialPublishers && publishers.allSatisfy { told.announced[$0.session] != $0.id }
            change(session) { $0.apply(.joined(publishers)) }
        case .publishersLeft(let publishers):
            isRight = isRight && told.hasInitialPublishers && publishers.allSatisfy { told.announced[$0] != nil }
            change(session) { $0.apply(.left(publishers)) }
        case .roomConfigured(let version, _, let active):
            isRight = isRight && told.hasInitialPublishers && version > told.configuration ?? 0
            change(session) { $0.apply(.configured(version)) }
            prominent[session] = active
        case .feedOffered, .feedEstablished, .feedEnded, .registration, .registrationLost, .incomingCall, .missedCall,
            .call:
            break
        }
        if !isRight { note(session, event) }
        return true
    }

    private mutating func toldFeed(_ feed: RequestSequence, _ base: SessionID, _ event: WorkerEvent) -> Bool {
        let id = SessionID(connection: base.connection, request: feed)
        guard let told = self.feed(id) else {
            if !over.contains(id) { note(id, event) }
            return !over.contains(id)
        }
        var isRight = told.isAcked
        switch event {
        case .feedOffered:
            isRight = isRight && !told.isOffered
            changeFeed(id) { $0.isOffered = true }
        case .feedEstablished:
            isRight = isRight && told.isAnswered && !told.isEstablished
            changeFeed(id) { $0.isEstablished = true }
        case .feedEnded: remove(id)
        case .state, .initialPublishers, .publishersJoined, .publishersLeft, .roomConfigured, .registration,
            .registrationLost, .incomingCall, .missedCall, .call:
            break
        }
        if !isRight { note(id, event) }
        return true
    }

    private mutating func note(_ session: SessionID, _ event: WorkerEvent) {
        violations.append("\(name(session)) after \(sessions[session].map { "\($0)" } ?? "its end"): \(event.line)")
    }

    private func name(_ session: SessionID) -> String { "\(session.connection.number)/\(session.request)" }

    private mutating func change(_ session: SessionID, _ change: (inout ToldState) -> Void) {
        guard var told = state(session) else { return }
        change(&told)
        sessions[session] = .publisher(told)
    }

    private mutating func changeFeed(_ session: SessionID, _ change: (inout ToldFeed) -> Void) {
        guard case .feed(let base, var told) = sessions[session] else { return }
        change(&told)
        sessions[session] = .feed(base: base, told)
    }

    /// With its feeds.
    private mutating func remove(_ session: SessionID) {
        guard let told = sessions.removeValue(forKey: session) else { return }
        awaiting.remove(session)
        guard case .publisher = told else {
            over.insert(session)
            return
        }
        over.insert(session)
        for (id, other) in sessions where id.connection == session.connection {
            if case .feed(session.request, _) = other { remove(id) }
        }
    }
}
