import Identity
import Sylkrtc
import TestSupport
import Testing

@testable import Frontdoor

/// Links are lost at any moment, with whatever is under way on them, and come back. Nobody may notice.
@Suite struct ResyncWalkTests {
    @Test(arguments: UInt64(0)..<150)
    func `Every request is answered once and every state told once, in order, whatever the links do`(seed: UInt64) {
        var walk = Walk(seed: seed)
        for _ in 0..<800 { walk.step() }
        walk.finish()
        #expect(walk.problems == [])
        #expect(walk.workers.problems == [])
        #expect(walk.repeats > 0, "or nothing was tried")
    }

    @Test(arguments: UInt64(0)..<150)
    func `R03 R04 R06 R07 R09 Of registrations and calls everything is told once, in order, whatever dies`(
        seed: UInt64
    ) {
        var walk = Walk(seed: seed, isOfPhones: true)
        for _ in 0..<1200 { walk.step() }
        walk.finish()
        #expect(walk.problems == [])
        #expect(walk.workers.problems == [])
    }

    @Test func `Registrations are put back, calls come in and slots are given up on the way`() {
        var (renewed, rung, abandonments) = (0, 0, 0)
        for seed in 0..<20 as Range<UInt64> {
            var walk = Walk(seed: seed, isOfPhones: true)
            for _ in 0..<1200 { walk.step() }
            renewed += walk.renewed
            rung += walk.rung.count
            abandonments += walk.abandonments
        }
        #expect(renewed > 20 && rung > 40 && abandonments > 40, "\((renewed, rung, abandonments))")
    }
}

/// A client that believes what it is told, and workers that do what they say.
private struct Walk {
    /// What a client knows of a session.
    struct View: Equatable {
        var stage = ToldState.Stage.nothing
        var hasInitialPublishers = false
        var members: [ClientSessionID: PublisherID] = [:]
        var configuration: Int64 = 0
    }

    private var generator: SeededGenerator
    private var transcript = Transcript()
    private(set) var workers = ModelWorkers()
    private(set) var problems: [String] = []
    /// Requests that were sent once more.
    private(set) var repeats = 0
    private var transactions = 0
    private var answered: Set<String> = []
    private var joins: [String: String] = [:]
    private var views: [String: View] = [:]
    private var feeds: [String: ToldFeed] = [:]
    private var calls: [String: ToldCall.Stage] = [:]
    private var callers: [String: String] = [:]
    /// Every name that a call has come in under.
    private(set) var rung: Set<String> = []
    /// Registrations that were put back, or tried to.
    private(set) var renewed = 0
    private var registrations: [String: RegistrationState] = [:]
    private var renewals: [(AddressOfRecord, UInt64)] = []
    /// Who has turned a request away.
    private var avoided: [RequestSequence: Int] = [:]
    /// Slots that were given up.
    private(set) var abandonments = 0

    /// Nothing else happens, and more of that.
    private let isOfPhones: Bool

    init(seed: UInt64, isOfPhones: Bool = false) {
        self.isOfPhones = isOfPhones
        generator = SeededGenerator(seed: seed &+ 77)
        transcript.add(bob)
    }

    mutating func step() {
        let place = Int.random(in: 1...2, using: &generator)
        guard !isOfPhones else { return phoneStep(place) }
        switch Int.random(in: 0..<100, using: &generator) {
        case 0..<20: if transcript.machine.unansweredCount < Limits().unansweredRequests { ask() }
        case 20..<40: workers.handleNext(at: place, using: &generator)
        case 40..<65: deliver(from: place)
        case 65..<82: workers.evolve(using: &generator)
        case 82..<93: _ = workers.resyncNext(using: &generator)
        case 93..<96: chance(12) ? abandon(place) : lose(place)
        case 96: renew()
        default: relink(place)
        }
    }

    private mutating func phoneStep(_ place: Int) {
        switch Int.random(in: 0..<200, using: &generator) {
        case 0..<16: if transcript.machine.unansweredCount < Limits().unansweredRequests { ask() }
        case 16..<70: workers.handleNext(at: place, using: &generator)
        case 70..<130: deliver(from: place)
        case 130..<165: workers.evolvePhones(using: &generator)
        case 165..<182: _ = workers.resyncNext(using: &generator)
        case 182..<186: lose(place)
        case 186: abandon(place)
        case 187..<191: renew()
        default: relink(place)
        }
    }

    /// All links are up, and everything that is under way arrives.
    mutating func finish() {
        relink(1)
        relink(2)
        var isBusy = true
        while isBusy {
            isBusy = workers.resyncNext(using: &generator)
            while renew() { isBusy = true }
            for place in 1...2 {
                while workers.handleNext(at: place, using: &generator) { isBusy = true }
                while deliver(from: place) { isBusy = true }
            }
        }
        if transcript.machine.unansweredCount > 0 { problems.append("requests were lost") }
        if answered.count != transactions { problems.append("answers were lost") }
        var actual: [RequestSequence] = []
        for place in 1...2 {
            for entry in transcript.machine.entries(at: slot(place)) {
                actual.append(entry.session.request)
                compare(entry)
            }
        }
        let living =
            (workers.sessions.filter { !$0.value.isEnded }.map(\.key)
            + workers.phones.filter { !$0.value.isEnded }.map(\.key)).sorted()
        if actual.sorted() != living { problems.append("\(actual.sorted()) instead of \(living)") }
    }

    private mutating func compare(_ entry: ConnectionList.Entry) {
        if let phone = workers.phones[entry.session.request] { return compare(entry, phone) }
        guard let session = workers.sessions[entry.session.request] else {
            return problems.append("\(entry) is nowhere")
        }
        switch entry.told {
        case .publisher(let told):
            let view = View(
                stage: told.stage, hasInitialPublishers: told.hasInitialPublishers, members: told.announced,
                configuration: told.configuration ?? 0)
            if !views.values.contains(view) { problems.append("\(told) was not told") }
            let members = session.hasInitialPublishers ? session.members : [:]
            let configuration = session.hasInitialPublishers ? session.configuration : 0
            if told.stage != session.stage || told.announced != members || !told.isAcked
                || told.configuration ?? 0 != configuration
            {
                problems.append("\(told) instead of \(session)")
            }
        case .registration, .call: problems.append("\(entry) without a phone")
        case .feed(_, let told):
            var actual = session.feed
            actual.isAcked = true
            if told != actual { problems.append("\(told) instead of \(actual)") }
        }
    }

    private mutating func compare(_ entry: ConnectionList.Entry, _ phone: ModelWorkers.Phone) {
        switch (entry.told, phone.kind) {
        case (.registration(let told), .registration(let account, let stage)):
            let view = registrations[account.description].map(ToldRegistration.Stage.init) ?? .nothing
            // Before a new registration has begun, what was known stays.
            if stage != .nothing && told.stage != stage || !told.isAcked {
                problems.append("\(told) instead of \(phone)")
            }
            // Who knows of failed tries hears only what comes of the next.
            let isQuiet = told.stage == .registering && view == .failed
            if told.stage != .nothing, told.stage != view, !isQuiet { problems.append("\(view) was told, not \(told)") }
        case (.call(let over, let told), .call(let registration, let stage, let isAnswered)):
            if over != registration || told.stage != stage || told.isAnswered != isAnswered || !told.isAcked {
                problems.append("\(told) instead of \(phone)")
            }
            if !calls.values.contains(told.stage) { problems.append("\(told) was not told") }
        default: problems.append("\(entry) instead of \(phone)")
        }
    }

    // MARK: Links

    private mutating func chance(_ oneIn: Int) -> Bool { Int.random(in: 0..<oneIn, using: &generator) == 0 }

    private mutating func abandon(_ place: Int) {
        abandonments += 1
        workers.abandon(place)
        watch(transcript.slotAbandoned(place))
    }

    @discardableResult
    private mutating func renew() -> Bool {
        guard let (account, number) = renewals.popLast() else { return false }
        renewed += 1
        watch(transcript.renew(number, of: account.description))
        return true
    }

    private mutating func lose(_ place: Int) {
        guard workers.isUp[place] == true else { return }
        workers.loseLink(place, arriving: Int.random(in: 0..<4, using: &generator), using: &generator)
        transcript.linkLost(place)
    }

    private mutating func relink(_ place: Int) {
        guard workers.isUp[place] == false else { return }
        let resync = transcript.resync(place)
        repeats += resync.requests.count(where: \.isRepeat)
        workers.relink(place, resync, using: &generator)
    }

    @discardableResult
    private mutating func deliver(from place: Int) -> Bool {
        guard let message = workers.nextMessage(from: place) else { return false }
        switch message {
        case .answer(let sequence, let answer):
            if case .notOwner = answer { avoided[sequence] = place }
            watch(transcript.answered(sequence.rawValue, answer, by: place))
        case .event(let base, let event): watch(transcript.told(base.rawValue, event, by: place))
        case .resynced(let session): watch(transcript.resynced(session.rawValue, by: place))
        }
        return true
    }

    // MARK: The client

    private mutating func ask() {
        let pub = "pub-\(Int.random(in: 1...4, using: &generator))"
        let sub = "sub-\(Int.random(in: 1...6, using: &generator))"
        let account = chance(2) ? alice : bob
        let name = calls.keys.sorted().randomElement(using: &generator) ?? "none"
        let call = "call-\(Int.random(in: 1...3, using: &generator))"
        let ask: Ask =
            switch Int.random(in: (isOfPhones ? 24 : 0)..<38, using: &generator) {
            case 0..<5: .join(pub)
            case 5..<9: .attach(sub, to: "x", under: pub)
            case 9..<13: .answer(sub, under: pub)
            case 13: .detach(sub, under: pub)
            case 14..<17: .trickle(pub)
            case 17..<19: .trickle(pub, feed: sub)
            case 19: .invite(pub)
            case 20: .update(sub)
            case 21, 22: .update(pub, #""bitrate":64000"#)
            case 24..<28: isOfPhones && !chance(3) ? .hangUp(call) : .register(account)
            case 28: isOfPhones && !chance(3) ? .hangUp(call) : .unregister(account)
            case 29..<32: .call(call, from: account)
            case 32..<35: .accept(name)
            case 35, 36: .candidates(name)
            case 37: .hangUp(name)
            default: .terminate(pub)
            }
        let transaction = "\(transactions)"
        transactions += 1
        let actions = transcript.ask(ask, as: transaction)
        if actions.contains(.startDeadline(request(transcript.last))) {
            if ask.type == "videoroom-join" {
                joins[transaction] = pub
                views[pub] = View()
            }
            if ask.members.contains("feed_attach") { feeds[sub] = ToldFeed() }
            if ask.type == "session-create" {
                callers[transaction] = call
                calls[call] = .nothing
            }
        }
        watch(actions)
    }

    private mutating func watch(_ actions: [Action]) {
        for action in actions {
            switch action {
            case .send(.ack(let transaction)): note(transaction)
            case .send(.error(let transaction, _)):
                note(transaction)
                if let session = joins[transaction] { views[session] = nil }
                if let call = callers[transaction] { calls[call] = nil }
            case .send(.videoroom(let session, let event)): told(session.description, event)
            case .send(.registrationState(let account, let state)): told(account, state)
            case .send(.session(let session, let state)): told(session.description, state)
            case .send(.incomingSession(_, let session, _, _)):
                if !rung.insert(session.description).inserted { problems.append("\(session) rings again") }
                calls[session.description] = .nothing
            case .send(.missedSession), .claim(nil, _), .unclaim(nil, _): break
            case .send(.ready), .send(.conferenceInvite), .gone, .claim, .unclaim, .storeTokens:
                problems.append("\(action)")
            // A second call of an account, on another worker than the first.
            case .release(let session, _): workers.release(session.request)
            case .renew(let account, let number, let failures):
                if failures == 0 { registrations[account.description] = nil }
                renewals.append((account, number))
            case .findHome(let sequence, _):
                let place = avoided[sequence].map { 3 - $0 } ?? Int.random(in: 1...2, using: &generator)
                watch(transcript.located(sequence.rawValue, at: place))
            case .locate(let sequence, _):
                let place = Int.random(in: 1...2, using: &generator)
                watch(transcript.located(sequence.rawValue, at: place))
            case .forward(let sequence, let request, let slot):
                if workers.isUp[slot.number] == true {
                    workers.send(sequence, request, to: slot.number)
                } else {
                    transcript.notSent(sequence.rawValue, at: slot.number)
                }
            // Of the worker that had turned away what it was about.
            case .note(.unexpected(let what)) where what.hasPrefix("an answer from") && !avoided.isEmpty: break
            case .note(.unexpected(let what)): problems.append(what)
            case .startDeadline, .pauseReading, .resumeReading, .note: break
            }
        }
    }

    private mutating func told(_ account: String, _ state: RegistrationState) {
        let isAsked = transcript.machine.isTurnTaken(FrontdoorTests.account(account))
        if registrations[account] == state, state == .registered, !isAsked {
            problems.append("\(account): \(state) again")
        }
        registrations[account] = state
    }

    private mutating func told(_ call: String, _ state: CallState) {
        guard let stage = calls[call] else { return problems.append("\(state) of \(call)") }
        let next = ToldCall.Stage(state)
        let isOfPhone = call.hasPrefix("in-")
        switch (stage, next) {
        case (.nothing, .progress) where !isOfPhone, (.nothing, .accepted) where isOfPhone, (.progress, .accepted),
            (.accepted, .established):
            calls[call] = next
        case (_, .terminated): calls[call] = nil
        default: problems.append("\(next) of \(call) after \(stage)")
        }
    }

    private mutating func note(_ transaction: String) {
        if !answered.insert(transaction).inserted { problems.append("\(transaction) answered again") }
    }

    private mutating func told(_ session: String, _ event: VideoroomEvent) {
        guard var view = views[session] else { return problems.append("\(event) of \(session)") }
        func advance(to stage: ToldState.Stage) {
            if stage.rawValue != view.stage.rawValue + 1, stage != .terminated {
                problems.append("\(stage) after \(view.stage)")
            }
            view.stage = stage
        }
        switch event {
        case .state(.progress): advance(to: .progress)
        case .state(.accepted): advance(to: .accepted)
        case .state(.established): advance(to: .established)
        case .state(.terminated):
            views[session] = nil
            return
        case .initialPublishers(let publishers):
            if view.hasInitialPublishers || view.stage < .accepted { problems.append("initial publishers") }
            view.hasInitialPublishers = true
            for publisher in publishers { view.members[publisher.session] = publisher.id }
        case .publishersJoined(let publishers):
            for publisher in publishers {
                if view.members.updateValue(publisher.id, forKey: publisher.session) != nil {
                    problems.append("\(publisher.session) joined again")
                }
            }
        case .publishersLeft(let names):
            for name in names where view.members.removeValue(forKey: name) == nil {
                problems.append("\(name) left again")
            }
        case .feedAttached(let feed, _):
            if feeds[feed.description]?.isOffered != false { problems.append("\(feed) offered again") }
            feeds[feed.description]?.isOffered = true
        case .feedEstablished(let feed):
            if feeds[feed.description]?.isOffered != true || feeds[feed.description]?.isEstablished != false {
                problems.append("\(feed) established again")
            }
            feeds[feed.description]?.isEstablished = true
        case .configureRoom(let originator, _):
            let change = originator.flatMap { Int64($0.description.dropFirst("change-".count)) } ?? 0
            if !view.hasInitialPublishers || change <= view.configuration {
                problems.append("change \(change) after \(view.configuration)")
            }
            view.configuration = change
        }
        views[session] = view
    }
}
