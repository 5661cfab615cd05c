import Identity
import Sylkrtc
import TestSupport

@testable import Frontdoor

/// Workers as the front door may expect them to be, over links that can be lost: what they have done survives, what was
/// under way does not.
struct ModelWorkers {
    enum Message {
        case answer(RequestSequence, WorkerAnswer)
        case event(base: RequestSequence, WorkerEvent)
        case resynced(RequestSequence)
    }

    struct Session {
        let place: Int
        let base: RequestSequence?
        var stage = ToldState.Stage.nothing
        var members: [ClientSessionID: PublisherID] = [:]
        /// How often the room was configured.
        var configuration: Int64 = 0
        var feed = ToldFeed()
        var isEnded = false
        /// What becomes of it is told at once.
        var isInSync = true

        var hasInitialPublishers: Bool { stage >= .accepted && stage < .terminated }
    }

    private(set) var sessions: [RequestSequence: Session] = [:]
    var phones: [RequestSequence: Phone] = [:]
    var problems: [String] = []
    private(set) var isUp: [Int: Bool] = [1: true, 2: true]
    private var inbox: [Int: [(RequestSequence, WorkerRequest)]] = [:]
    var outbox: [Int: [Message]] = [:]
    /// What came with the list, by the session it waits for; and what the client had been told by then.
    private var listed: [RequestSequence: [(RequestSequence, WorkerRequest)]] = [:]
    var unsynced: [RequestSequence: (place: Int, told: Told)] = [:]
    private var answers: [RequestSequence: (place: Int, answer: WorkerAnswer)] = [:]
    private var lastHandled: [RequestSequence: RequestSequence] = [:]
    var lastCall = firstCall
    /// What was sent elsewhere once.
    var turnedAway: Set<RequestSequence> = []
    private var lastPublisher: UInt64 = 0

    // MARK: Links

    mutating func send(_ sequence: RequestSequence, _ request: WorkerRequest, to place: Int) {
        inbox[place, default: []].append((sequence, request))
    }

    /// - Parameter arriving: how much of what is under way is still handled.
    mutating func loseLink(_ place: Int, arriving: Int, using generator: inout SeededGenerator) {
        for _ in 0..<arriving { handleNext(at: place, using: &generator) }
        isUp[place] = false
        inbox[place] = []
        outbox[place] = []
        for session in unsynced.keys where unsynced[session]?.place == place {
            unsynced[session] = nil
            listed[session] = nil
        }
        for session in sessions.keys where sessions[session]?.place == place { sessions[session]?.isInSync = false }
        for number in phones.keys where phones[number]?.place == place { phones[number]?.isInSync = false }
    }

    /// The slot is given up. What takes it later knows nothing.
    mutating func abandon(_ place: Int) {
        isUp[place] = false
        inbox[place] = []
        outbox[place] = []
        sessions = sessions.filter { $0.value.place != place }
        phones = phones.filter { $0.value.place != place }
        answers = answers.filter { $0.value.place != place }
        for session in unsynced.keys where unsynced[session]?.place == place {
            unsynced[session] = nil
            listed[session] = nil
        }
    }

    mutating func relink(_ place: Int, _ resync: Resync, using generator: inout SeededGenerator) {
        isUp[place] = true
        let named = Set(resync.entries.map(\.session.request))
        for session in sessions.keys where sessions[session]?.place == place && !named.contains(session) {
            sessions[session]?.isEnded = true
        }
        for number in phones.keys where phones[number]?.place == place && !named.contains(number) {
            notListed(number)
        }
        for entry in resync.entries { unsynced[entry.session.request] = (place, entry.told) }
        if resync.requests.map(\.sequence) != resync.requests.map(\.sequence).sorted() {
            problems.append("repeats out of order")
        }
        for request in resync.requests {
            if answers[request.sequence] != nil, !request.isRepeat { problems.append("\(request) is a repeat") }
            let subject = subject(request.sequence, request.request)
            if named.contains(subject) {
                listed[subject, default: []].append((request.sequence, request.request))
            } else {
                reply(request.sequence, request.request, at: place, using: &generator)
            }
        }
    }

    /// One session that waits for it is brought up to date.
    mutating func resyncNext(using generator: inout SeededGenerator) -> Bool {
        let ready = unsynced.keys.sorted().filter { session in
            guard case .feed(let base, _) = unsynced[session]?.told else { return true }
            return unsynced[base] == nil
        }
        guard let session = ready.randomElement(using: &generator),
            let (place, told) = unsynced.removeValue(forKey: session)
        else { return false }
        for (sequence, request) in listed.removeValue(forKey: session) ?? [] {
            reply(sequence, request, at: place, using: &generator)
        }
        if let actual = sessions[session] { tellDifference(session, actual, told) }
        sessions[session]?.isInSync = true
        if let actual = phones[session] { tellDifference(session, actual, told) }
        phones[session]?.isInSync = true
        outbox[place, default: []].append(.resynced(session))
        return true
    }

    mutating func nextMessage(from place: Int) -> Message? {
        guard outbox[place]?.isEmpty == false else { return nil }
        return outbox[place]?.removeFirst()
    }

    // MARK: Requests

    @discardableResult
    mutating func handleNext(at place: Int, using generator: inout SeededGenerator) -> Bool {
        guard inbox[place]?.isEmpty == false, let (sequence, request) = inbox[place]?.removeFirst() else {
            return false
        }
        if answers[sequence] != nil { problems.append("\(sequence) came again") }
        let needed =
            switch request {
            case .feedAttach(let base, _, _): base
            default: subject(sequence, request)
            }
        if unsynced[needed] != nil { problems.append("\(request) before \(needed) is in sync") }
        reply(sequence, request, at: place, using: &generator)
        return true
    }

    private func subject(_ sequence: RequestSequence, _ request: WorkerRequest) -> RequestSequence {
        switch request {
        case .join, .feedAttach, .releaseAccount, .call: sequence
        case .register(let register): register.registration ?? sequence
        case .unregister(let session), .accept(let session, _): session
        case .feedAnswer(let session, _), .feedDetach(let session), .trickle(let session, _),
            .update(let session, _, _, _), .terminate(let session), .configureRoom(let session, _),
            .invite(let session, _):
            session
        }
    }

    private mutating func reply(
        _ sequence: RequestSequence, _ request: WorkerRequest, at place: Int, using generator: inout SeededGenerator
    ) {
        // Who registers again is served again.
        if let (_, answer) = answers[sequence], request.registration == nil {
            return outbox[place, default: []].append(.answer(sequence, answer))
        }
        let subject = subject(sequence, request)
        if let phone = phones[subject], phone.place != place {
            // What came behind a request that was turned away here.
            return outbox[place, default: []].append(.answer(sequence, .unknownSession))
        }
        let answer = handle(sequence, request, at: place, using: &generator)
        if sessions[subject] == nil, phones[subject] == nil, answer != .ack {
            // It has never begun, and perhaps will, or will elsewhere.
            return outbox[place, default: []].append(.answer(sequence, answer))
        }
        if let last = lastHandled[subject], last > sequence { problems.append("\(sequence) after \(last)") }
        lastHandled[subject] = sequence
        switch (request, answer) {
        // It comes again, to begin what was not there.
        case (.register, .unknownSession): answers[sequence] = nil
        default: answers[sequence] = (place, answer)
        }
        outbox[place, default: []].append(.answer(sequence, answer))
        guard case .ack = answer else { return }
        if case .terminate = request { end(subject) }
        if case .feedDetach = request { sessions[subject]?.isEnded = true }
    }

    private mutating func handle(
        _ sequence: RequestSequence, _ request: WorkerRequest, at place: Int, using generator: inout SeededGenerator
    ) -> WorkerAnswer {
        func isAlive(_ session: RequestSequence) -> Bool { sessions[session]?.isEnded == false }
        switch request {
        case .join:
            guard Int.random(in: 0..<8, using: &generator) > 0 else { return .error("the room is full") }
            sessions[sequence] = Session(place: place, base: nil)
        case .feedAttach(let base, _, _):
            guard isAlive(base) else { return .unknownSession }
            sessions[sequence] = Session(place: place, base: base)
        case .feedAnswer(let feed, _):
            guard isAlive(feed) else { return .unknownSession }
            guard sessions[feed]?.feed.isOffered == true else { return .error("no pending offer") }
            sessions[feed]?.feed.isAnswered = true
        case .feedDetach(let session), .trickle(let session, _), .update(let session, _, _, _), .terminate(let session),
            .invite(let session, _):
            guard isAlive(session) || phones[session]?.isEnded == false else { return .unknownSession }
        case .configureRoom(let session, _):
            guard isAlive(session), sessions[session]?.hasInitialPublishers == true else { return .unknownSession }
            // Its event goes before its answer.
            configure(session)
        case .register, .unregister, .call, .accept:
            let answer = handlePhone(sequence, request, at: place, using: &generator)
            guard case .ack = answer else { return answer }
        case .releaseAccount: break
        }
        // What comes with the list is told of when its turn has come.
        if unsynced[sequence] != nil {
            sessions[sequence]?.isInSync = false
            phones[sequence]?.isInSync = false
        }
        return .ack
    }

    private mutating func configure(_ session: RequestSequence) {
        sessions[session]?.configuration += 1
        if let actual = sessions[session], actual.hasInitialPublishers { tell(session, Self.configured(actual)) }
    }

    /// The originator's name says which change it is.
    private static func configured(_ session: Session) -> WorkerEvent {
        .roomConfigured(
            version: session.configuration, originator: client("change-\(session.configuration)"),
            activeParticipants: [])
    }

    // MARK: What happens in Janus

    mutating func evolve(using generator: inout SeededGenerator) {
        if Bool.random(using: &generator) { return evolvePhones(using: &generator) }
        let living = sessions.keys.sorted().filter { sessions[$0]?.isEnded == false }
        guard let session = living.randomElement(using: &generator), let actual = sessions[session] else { return }
        if let base = actual.base {
            switch (actual.feed.isOffered, actual.feed.isAnswered, actual.feed.isEstablished) {
            case (false, _, _):
                sessions[session]?.feed.isOffered = true
                tell(session, .feedOffered(feed: session, offer: sdp("offer")))
            case (true, true, false):
                sessions[session]?.feed.isEstablished = true
                tell(session, .feedEstablished(feed: session))
            default:
                guard Int.random(in: 0..<10, using: &generator) == 0, base != session else { return }
                sessions[session]?.isEnded = true
                tell(session, .feedEnded(feed: session))
            }
            return
        }
        switch Int.random(in: 0..<30, using: &generator) {
        case 0: end(session)
        case 1..<10: advance(session, actual)
        case 10..<13: configure(session)
        default: move(session, actual, using: &generator)
        }
    }

    private mutating func advance(_ session: RequestSequence, _ actual: Session) {
        guard let next = ToldState.Stage(rawValue: actual.stage.rawValue + 1), next != .terminated else { return }
        sessions[session]?.stage = next
        if let state = Self.state(next) { tell(session, .state(state)) }
        if next == .accepted { tell(session, .initialPublishers(Self.publishers(actual.members))) }
        if next == .accepted, actual.configuration > 0 { tell(session, Self.configured(actual)) }
    }

    private mutating func move(
        _ session: RequestSequence, _ actual: Session, using generator: inout SeededGenerator
    ) {
        let name = client("other-\(Int.random(in: 1...3, using: &generator))")
        if actual.members[name] != nil {
            sessions[session]?.members[name] = nil
            if actual.hasInitialPublishers { tell(session, .publishersLeft([name])) }
        } else {
            lastPublisher += 1
            let member = [name: PublisherID(rawValue: lastPublisher)]
            sessions[session]?.members.merge(member) { $1 }
            if actual.hasInitialPublishers { tell(session, .publishersJoined(Self.publishers(member))) }
        }
    }

    private mutating func end(_ session: RequestSequence) {
        if phones[session] != nil { return endCall(session) }
        sessions[session]?.isEnded = true
        sessions[session]?.stage = .terminated
        for feed in sessions.keys where sessions[feed]?.base == session { sessions[feed]?.isEnded = true }
        tell(session, .state(.terminated(reason: nil)))
    }

    private mutating func tell(_ session: RequestSequence, _ event: WorkerEvent) {
        guard let actual = sessions[session], actual.isInSync, isUp[actual.place] == true else { return }
        outbox[actual.place, default: []].append(.event(base: actual.base ?? session, event))
    }

    private mutating func tellDifference(_ session: RequestSequence, _ actual: Session, _ told: Told) {
        var events: [WorkerEvent] = []
        switch told {
        case .registration, .call: problems.append("\(session) is no phone")
        case .publisher(let told):
            for stage in ToldState.Stage.allCases where stage > told.stage && stage <= min(actual.stage, .accepted) {
                if let state = Self.state(stage) { events.append(.state(state)) }
            }
            if actual.hasInitialPublishers, !told.hasInitialPublishers {
                events.append(.initialPublishers(Self.publishers(actual.members)))
            } else if actual.hasInitialPublishers {
                let left = told.announced.filter { actual.members[$0.key] != $0.value }.keys
                let joined = actual.members.filter { told.announced[$0.key] != $0.value }
                if !left.isEmpty { events.append(.publishersLeft(Array(left))) }
                if !joined.isEmpty { events.append(.publishersJoined(Self.publishers(joined))) }
            }
            if actual.hasInitialPublishers, actual.configuration > told.configuration ?? 0 {
                events.append(Self.configured(actual))
            }
            if actual.stage == .terminated { events.append(.state(.terminated(reason: nil))) }
            if actual.stage == .established, told.stage < .established { events.append(.state(.established)) }
        case .feed(_, let told):
            if actual.feed.isOffered, !told.isOffered, !actual.isEnded {
                events.append(.feedOffered(feed: session, offer: sdp("offer")))
            }
            if actual.feed.isEstablished, !told.isEstablished, !actual.isEnded {
                events.append(.feedEstablished(feed: session))
            }
            if actual.isEnded { events.append(.feedEnded(feed: session)) }
        }
        outbox[actual.place, default: []] += events.map { .event(base: actual.base ?? session, $0) }
    }

    private static func state(_ stage: ToldState.Stage) -> ConferenceState? {
        switch stage {
        case .progress: .progress
        case .accepted: .accepted(answer: sdp("answer"))
        case .established: .established
        case .nothing, .terminated: nil
        }
    }

    private static func publishers(_ members: [ClientSessionID: PublisherID]) -> [Publisher] {
        members.map { Publisher(id: $0.value, session: $0.key, account: account(bob), displayName: "") }
    }
}
