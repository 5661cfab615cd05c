import Identity
import Sylkrtc
import TestSupport
import Testing

@testable import Frontdoor

/// Any order of anything that can happen to a connection: whatever it is, the promises hold.
@Suite struct RandomWalkTests {
    @Test(arguments: UInt64(0)..<150)
    func `Every request is answered once, and nothing is told of what is not there`(seed: UInt64) {
        var walk = Walk(seed: seed)
        for _ in 0..<600 { walk.step() }
        walk.passAllDeadlines()
        #expect(walk.transcript.machine.unansweredCount == 0)
        #expect(walk.answers.count == walk.transactions)
        walk.close()
        for _ in 0..<100 { walk.step() }
        walk.passAllDeadlines()
        #expect(walk.problems == [])
    }

    @Test(arguments: UInt64(0)..<50)
    func `After a close in the midst of everything there is silence`(seed: UInt64) {
        var walk = Walk(seed: seed &+ 1_000_000)
        for _ in 0..<Int.random(in: 1..<300, using: &walk.generator) { walk.step() }
        walk.close()
        for _ in 0..<200 { walk.step() }
        walk.passAllDeadlines()
        #expect(walk.problems == [])
    }
}

/// Draws inputs and watches what comes of them.
private struct Walk {
    var generator: SeededGenerator
    private(set) var transcript: Transcript
    private(set) var transactions = 0
    /// How often each transaction was answered.
    private(set) var answers: [String: Int] = [:]
    private(set) var problems: [String] = []
    /// Names of sessions of which events may be told: asked for, and not over.
    /// With the transaction of the join.
    private var live: [String: String] = [:]
    private var joins: [String: String] = [:]
    private var located: [RequestSequence] = []
    private var sent: [(RequestSequence, SlotID)] = []
    private var sessions: [(UInt64, Int)] = []
    private var feeds: [UInt64] = []
    private var deadlines: [RequestSequence] = []
    private var claims: [RequestSequence] = []
    private var unclaims: [RequestSequence] = []
    private var tokens: [RequestSequence] = []
    /// Registrations and calls that a worker has heard of.
    private var phones: [(UInt64, Int)] = []
    /// Names of calls, with the transaction that began them; of those that came in with none.
    private var calls: [String: String] = [:]
    private var callers: [String: String] = [:]
    private var renewals: [(AddressOfRecord, UInt64)] = []
    /// What was told last of each account since somebody asked.
    private var told: [String: RegistrationState] = [:]
    /// Accounts that the registry was told of because they are registered.
    private var verified: Set<AddressOfRecord> = []
    private let trustsClaims: Bool
    private var lost: Set<Int> = []
    private var unsynced: [(UInt64, Int)] = []
    private var isPaused = false
    private var isClosed = false
    /// Phases without answers fill the connection up.
    private var answersAreLikely = true

    init(seed: UInt64) {
        generator = SeededGenerator(seed: seed)
        trustsClaims = seed % 2 == 0
        transcript = Transcript(accounts: [], trustsClaims: trustsClaims)
        ask(.addAccount())
    }

    mutating func step() {
        if chance(100) { answersAreLikely.toggle() }
        if !lost.isEmpty, chance(5) { relink() }
        if !unsynced.isEmpty, chance(3) { resynced() }
        switch Int.random(in: 0..<100, using: &generator) {
        case 0..<37: if !isPaused || chance(10) { ask(anything()) }
        case 37..<40: store()
        case 40..<50: locate()
        case 50..<75: if answersAreLikely || chance(20) { answer() }
        case 75..<82: tell()
        case 82..<90: tellOfPhone()
        case 90..<95: passDeadline()
        case 96: lose()
        case 95:
            guard let (account, number) = renewals.popLast() else { return }
            watch(transcript.renew(number, of: account.description))
        case 97:
            guard let (number, slot) = sent.randomElement(using: &generator) else { return }
            watch(transcript.undeliverable(number.rawValue, at: slot.number))
        case 98: watch(transcript.say("{"))
        default: watch(transcript.notLocated(UInt64.random(in: 0...transcript.last, using: &generator), "no"))
        }
    }

    mutating func close() {
        let gone = transcript.closed()
        for action in gone {
            switch action {
            case .gone: break
            case .unclaim(nil, let accounts) where trustsClaims || Set(accounts) == verified: break
            default: problems.append("\(action) at the close")
            }
        }
        isClosed = true
    }

    mutating func passAllDeadlines() {
        for deadline in deadlines { watch(transcript.deadlinePassed(deadline.rawValue)) }
        deadlines = []
    }

    // MARK: Inputs

    private mutating func chance(_ oneIn: Int) -> Bool { Int.random(in: 0..<oneIn, using: &generator) == 0 }

    private mutating func place() -> Int { Int.random(in: 1...3, using: &generator) }

    private mutating func name(_ kind: String) -> String { "\(kind)-\(Int.random(in: 1...4, using: &generator))" }

    private mutating func anything() -> Ask {
        let (pub, other, sub) = (name("pub"), name("pub"), name("sub"))
        let account = chance(2) ? alice : bob
        let call = chance(2) ? name("call") : name("in")
        return switch Int.random(in: 0..<42, using: &generator) {
        case 0: .addAccount(chance(2) ? alice : bob)
        case 1: .removeAccount(chance(2) ? alice : bob)
        case 2..<8: .join(chance(10) ? sub : pub, as: chance(4) ? bob : alice)
        case 8..<13: .attach(sub, to: other, under: pub)
        case 13..<15: .answer(sub, under: pub)
        case 15..<17: .detach(sub, under: pub)
        case 17..<22: .trickle(pub, feed: chance(2) ? sub : nil)
        case 22..<25: .update(chance(2) ? pub : sub)
        case 25: .terminate(pub)
        case 26: .configure(pub, other)
        case 27: chance(2) ? .invite(pub) : .changeTokens(old: nil, new: "t", of: chance(2) ? alice : bob)
        case 28..<33: .register(account)
        case 33, 34: .unregister(account)
        case 35, 36: .call(call, from: account)
        case 37, 38: .accept(call)
        case 39: .candidates(call)
        case 40: .hangUp(call)
        default: Ask("dance", "")
        }
    }

    private mutating func ask(_ ask: Ask) {
        let transaction = "\(transactions)"
        let before = transcript.last
        if ask.type == "account-register" { told = [:] }
        let actions = transcript.ask(ask, as: transaction)
        if isClosed { return watch(actions) }
        transactions += 1
        if transcript.last > before, actions.contains(.startDeadline(request(transcript.last))) {
            if ask.type == "videoroom-join", let name = ask.members.firstMatch(of: /"session":"([^"]*)"/) {
                joins[transaction] = String(name.output.1)
                live[String(name.output.1)] = transaction
            }
            if ask.type == "session-create", let name = ask.members.firstMatch(of: /"session":"([^"]*)"/) {
                callers[transaction] = String(name.output.1)
                calls[String(name.output.1)] = transaction
            }
            if ask.members.contains("feed_attach") { feeds.append(transcript.last) }
        }
        watch(actions)
    }

    /// The registry or the tokens' file has done something, or has not; somebody is invited.
    private mutating func store() {
        let isDone = !chance(4)
        if !claims.isEmpty { watch(transcript.claimed(claims.removeFirst().rawValue, isDone)) }
        if !unclaims.isEmpty { watch(transcript.unclaimed(unclaims.removeFirst().rawValue)) }
        if !tokens.isEmpty { watch(transcript.tokensStored(tokens.removeFirst().rawValue, isDone)) }
        watch(transcript.invited(chance(2) ? alice : bob))
    }

    private mutating func locate() {
        guard !located.isEmpty else { return }
        let number = located.remove(at: Int.random(in: 0..<located.count, using: &generator))
        if chance(5) {
            watch(transcript.notLocated(number.rawValue, "no worker is available"))
        } else {
            watch(transcript.located(number.rawValue, at: place()))
        }
    }

    private mutating func answer() {
        guard let (number, slot) = sent.randomElement(using: &generator) else { return }
        let by = chance(10) ? place() : slot.number
        let answer: WorkerAnswer =
            switch Int.random(in: 0..<8, using: &generator) {
            case 0: .error("Unauthorized")
            case 2: .unknownSession
            case 1: .notOwner(FrontdoorTests.slot(place()))
            default: .ack
            }
        watch(transcript.answered(number.rawValue, answer, by: by))
    }

    private mutating func tell() {
        guard let (session, place) = sessions.randomElement(using: &generator) else { return }
        let feed = request(feeds.randomElement(using: &generator) ?? 99)
        let event: WorkerEvent =
            switch Int.random(in: 0..<14, using: &generator) {
            case 0: .state(.progress)
            case 1: .state(.accepted(answer: sdp("answer")))
            case 2: .state(.established)
            case 3: .state(.terminated(reason: nil))
            case 4: .initialPublishers([publisher("pub-1")])
            case 5: .publishersJoined([publisher("pub-2")])
            case 6: .publishersLeft([client("pub-1")])
            case 7, 8: .feedOffered(feed: feed, offer: sdp("offer"))
            case 9, 10: .feedEstablished(feed: feed)
            case 11: .roomConfigured(version: 1, originator: nil, activeParticipants: [client("pub-1")])
            case 12:
                .roomConfigured(
                    version: Int64.random(in: 0...9, using: &generator), originator: client("pub-1"),
                    activeParticipants: [])
            default: .feedEnded(feed: feed)
            }
        watch(transcript.told(session, event, by: place))
    }

    private mutating func tellOfPhone() {
        guard let (session, place) = phones.randomElement(using: &generator) else { return }
        let number = firstCall + UInt64.random(in: 1...4, using: &generator)
        let event: WorkerEvent =
            switch Int.random(in: 0..<14, using: &generator) {
            case 0, 1: .registration(.registering)
            case 2, 3: .registration(.registered)
            case 4: .registration(.failed(reason: chance(2) ? "403 Forbidden" : "408 Request Timeout"))
            case 5: .registrationLost
            case 6, 7, 8: .ringing(number, "in-\(number - firstCall)")
            case 9: .missedCall(.bob)
            case 10: .call(.progress)
            case 11: .call(.accepted(answer: chance(2) ? sdp("answer") : nil))
            case 12: .call(.established)
            default: .call(.terminated(reason: "487 Request Terminated", missed: chance(2) ? .bob : nil))
            }
        if case .incomingCall = event { phones.append((number, place)) }
        watch(transcript.told(session, event, by: place))
    }

    private mutating func lose() {
        let place = place()
        lost.insert(place)
        if chance(3) {
            watch(transcript.slotAbandoned(place))
        } else {
            transcript.linkLost(place)
        }
    }

    private mutating func relink() {
        guard let place = lost.randomElement(using: &generator) else { return }
        lost.remove(place)
        let resync = transcript.resync(place)
        for entry in resync.entries { unsynced.append((entry.session.request.rawValue, place)) }
        for request in resync.requests {
            sent.append((request.sequence, slot(place)))
            if case .join = request.request { sessions.append((request.sequence.rawValue, place)) }
            if request.request.isOfPhone { phones.append((request.sequence.rawValue, place)) }
        }
    }

    /// Perhaps of an earlier link: nothing of that may do harm.
    private mutating func resynced() {
        let (session, place) = unsynced.remove(at: Int.random(in: 0..<unsynced.count, using: &generator))
        watch(transcript.resynced(session, by: place))
    }

    private mutating func passDeadline() {
        guard !deadlines.isEmpty else { return }
        watch(transcript.deadlinePassed(deadlines.removeFirst().rawValue))
    }

    // MARK: Promises

    private mutating func watch(_ actions: [Action]) {
        if isClosed, !actions.isEmpty { problems.append("\(actions) after the close") }
        for action in actions { watch(action) }
        let shouldPause = transcript.machine.unansweredCount >= Limits().unansweredRequests
        if !isClosed, isPaused != shouldPause {
            problems.append("paused: \(isPaused) with \(transcript.machine.unansweredCount) unanswered")
        }
    }

    private mutating func watch(_ action: Action) {
        switch action {
        case .send(.ack(let transaction)): answered(transaction)
        case .send(.error(let transaction, _)):
            answered(transaction)
            if let name = joins[transaction], live[name] == transaction { live[name] = nil }
            if let name = callers[transaction], calls[name] == transaction { calls[name] = nil }
        case .send(.videoroom(let session, let event)):
            if live[session.description] == nil { problems.append("\(event) of \(session)") }
            if case .state(.terminated) = event { live[session.description] = nil }
        case .send(.ready): problems.append("ready is not the machine's")
        case .send(.registrationState(let account, let state)):
            // What is asked of a registration makes the same state news.
            let isAsked = transcript.machine.isTurnTaken(FrontdoorTests.account(account))
            if told[account] == state, !isAsked { problems.append("\(account): \(state) again") }
            told[account] = isAsked ? nil : state
        case .send(.incomingSession(_, let session, _, _)):
            if calls.updateValue("", forKey: session.description) != nil { problems.append("\(session) rings again") }
        case .send(.missedSession): break
        case .send(.session(let session, let state)):
            if calls[session.description] == nil { problems.append("\(state) of \(session)") }
            if case .terminated = state { calls[session.description] = nil }
        case .send(.conferenceInvite(let account, _, _)):
            if !isVerified(FrontdoorTests.account(account)) { problems.append("\(account) was invited unverified") }
        case .claim(let number, let account):
            if let number { claims.append(number) }
            if !trustsClaims, !verified.insert(account).inserted { problems.append("\(account) claimed again") }
        case .unclaim(let number, let accounts):
            if let number { unclaims.append(number) }
            if !trustsClaims, accounts.contains(where: { verified.remove($0) == nil }) {
                problems.append("\(accounts) unclaimed again")
            }
        case .storeTokens(let number, let account, _):
            if let number { tokens.append(number) }
            if !isVerified(account) { problems.append("tokens of an unverified account") }
        case .locate(let number, _), .findHome(let number, _): located.append(number)
        case .renew(let account, let number, _):
            renewals.append((account, number))
            told[account.description] = nil
        case .forward(let number, let request, let slot):
            sent.append((number, slot))
            if case .join = request { sessions.append((number.rawValue, slot.number)) }
            if request.isOfPhone { phones.append((number.rawValue, slot.number)) }
        case .release(let session, _):
            if session.connection != .test { problems.append("release of \(session)") }
        case .gone: problems.append("gone before the close")
        case .startDeadline(let number): deadlines.append(number)
        case .pauseReading:
            if isPaused { problems.append("paused twice") }
            isPaused = true
        case .resumeReading:
            if !isPaused { problems.append("resumed without a pause") }
            isPaused = false
        case .note: break
        }
    }

    private func isVerified(_ account: AddressOfRecord) -> Bool { trustsClaims || verified.contains(account) }

    private mutating func answered(_ transaction: String) {
        answers[transaction, default: 0] += 1
        if answers[transaction] != 1 { problems.append("\(transaction) answered again") }
    }
}

extension WorkerRequest {
    /// It begins a registration or a call.
    fileprivate var isOfPhone: Bool {
        switch self {
        case .register(let register): register.registration == nil
        case .call: true
        case .join, .feedAttach, .feedAnswer, .feedDetach, .trickle, .update, .terminate, .configureRoom,
            .releaseAccount, .invite, .unregister, .accept:
            false
        }
    }
}
