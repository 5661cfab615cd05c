import Identity
import SIPLookup
import Sylkrtc
import TestSupport
import Testing

@testable import Worker

/// Whatever Janus, registrars, clients, time and deaths do, in whatever order: every request to register is answered once, what
/// the client is told makes sense, no handle registers twice at a time, and none stays behind.
@Suite struct RegistrationRandomWalkTests {
    @Test(arguments: 1...400)
    func `R03 R04 E02 whatever happens, a request is answered once, states are told in order, and nothing stays`(
        seed: UInt64
    ) {
        var walk = RegistrationWalk(seed: seed, mayDie: false)
        walk.run()
    }

    @Test(arguments: 1...400)
    func `R03 E02 whichever worker goes on, and wherever the former one died, the client sees one registration`(
        seed: UInt64
    ) {
        var walk = RegistrationWalk(seed: seed, mayDie: true)
        walk.run()
    }
}

/// One registration, with the Janus, the registrar and the client that it has to do with.
struct RegistrationWalk {
    private typealias Machine = RegistrationStateMachine

    private enum Pending: Equatable {
        case find, record, attach
        case replace(ProxyTarget)
        case accept(JanusHandleID, isRefused: Bool)
        case leave, mark
        case detach(JanusHandleID)
    }

    private enum Event {
        case registering, registered
        case failed(Int)
        case refused

        var isFailure: Bool {
            switch self {
            case .failed, .refused: true
            case .registering, .registered: false
            }
        }
    }

    /// A handle in Janus.
    private struct Phone {
        var standing = RegistrationStateMachine.Standing.none
        /// What Janus has said, and nobody has heard yet.
        var events: [Event] = []
        /// A `register` has been sent, and Janus has said nothing about it.
        var isAsked = false
        /// Janus would not have a `register`, and is as it was.
        var hasRefused = false
        /// A `register` was sent while word of a failure was on its way: that is taken for the failure of this one.
        var hasCrossed = false

        var isUp: Bool { standing == .registering || standing == .registered }
    }

    private var random: SeededGenerator
    private let mayDie: Bool
    private var machine = Machine()
    private var pending: [Pending] = []
    private var phones: [JanusHandleID: Phone] = [:]
    private var attached: UInt64 = 0
    private var isRecorded = false
    private var master: UInt64?
    private var hasTimer = false
    private var asked = 0
    private var answered = 0
    private var finishes = 0
    /// The client knows that it is over, or does not want to know.
    private var isOver = false
    /// As the front door keeps it.
    private var told = ToldRegistration()
    /// What the client knew before it asked to register again.
    private var stageBefore = ToldRegistration.Stage.nothing
    /// It was acknowledged, and nothing was told since: whatever comes is news (D26).
    private var isNews = false
    private var hasVanished = false
    private var deaths = 0

    init(seed: UInt64, mayDie: Bool) {
        random = SeededGenerator(seed: seed)
        self.mayDie = mayDie
        ask()
    }

    private var isWaiting: Bool { asked > answered }
    /// The client waits for the answer to the request that began it.
    private var isFirstPending: Bool { asked == 1 && answered == 0 }

    mutating func run() {
        for _ in 0..<Int.random(in: 1...80, using: &random) where finishes == 0 {
            step()
            compare()
        }
        comeToRest()
        #expect(finishes == 1 && machine.step == .over)
        #expect(answered == asked)
        #expect(phones.isEmpty || hasVanished, "\(phones.keys) stay")
    }

    // MARK: What happens

    private mutating func step() {
        switch random.next() % 24 {
        case 0...7: resolve()
        case 8...12: hear()
        case 13...16: registrarAnswers()
        case 17: refresh()
        case 18, 19: if !isWaiting, !isOver { ask() }
        case 20: if hasTimer { retry() }
        case 21 where random.next() % 6 == 0: end()
        case 22 where random.next() % 8 == 0: vanish()
        case 23 where mayDie && random.next() % 2 == 0: die()
        default: break
        }
    }

    private mutating func ask() {
        asked += 1
        (stageBefore, told.stage) = (told.stage, .nothing)
        perform(machine.registerRequested())
    }

    private mutating func retry() {
        hasTimer = false
        perform(machine.retryDue())
    }

    private mutating func end() {
        guard !isOver else { return }
        // Behind a request that is unanswered, an unregister waits.
        if !isWaiting, random.next() % 2 == 0 {
            isOver = true
            perform(machine.unregisterRequested())
        } else if random.next() % 2 == 0 {
            isOver = true
            perform(machine.released())
        } else {
            perform(machine.lost("drained"))
        }
    }

    private mutating func vanish() {
        guard let handle = machine.life.usable, phones.removeValue(forKey: handle) != nil else { return }
        hasVanished = true
        perform(machine.handleVanished("handle detached"))
    }

    /// Something that is under way comes about, or not.
    private mutating func resolve() {
        guard !pending.isEmpty else { return }
        let fails = random.next() % 8 == 0
        switch pending.remove(at: Int(random.next() % UInt64(pending.count))) {
        case .find: perform(fails ? machine.notFound("nowhere") : machine.found(servers()))
        case .record:
            isRecorded = !fails
            perform(fails ? machine.recordingFailed("no registry") : machine.recorded())
        case .attach: perform(fails ? machine.attachFailed("no handle") : machine.attached(attach()))
        case .replace(let server):
            perform(
                fails ? machine.replacementFailed("no handle") : machine.replacementAttached(attach(), for: server))
        case .accept(let handle, let isRefused):
            phones[handle]?.isAsked = false
            perform(isRefused ? machine.registerRefused("no") : machine.registerAccepted())
        case .leave: perform(machine.left())
        case .detach: perform(machine.detached())
        case .mark: perform(machine.marked())
        }
    }

    private mutating func servers() -> [ProxyTarget] {
        let all = [target(1), target(2), target(3, .tcp)].shuffled(using: &random)
        return Array(all.prefix(Int.random(in: 1...3, using: &random)))
    }

    private mutating func attach() -> JanusHandleID {
        attached += 1
        phones[handle(attached)] = Phone()
        return handle(attached)
    }

    /// The worker hears what Janus has said on some handle.
    private mutating func hear() {
        let speaking = phones.filter { !$0.value.events.isEmpty }.keys.sorted { $0.rawValue < $1.rawValue }
        guard let handle = speaking.randomElement(using: &random), let event = phones[handle]?.events.removeFirst()
        else { return }
        phones[handle]?.isAsked = false
        guard handle == machine.life.usable else { return }
        switch event {
        case .registering: perform(machine.registering())
        case .registered: perform(machine.registered(master: handle.rawValue))
        case .failed(let code): perform(machine.registrationFailed(code: code, reason: "no"))
        case .refused: perform(machine.refused(.plugin(code: 444, reason: "no")))
        }
    }

    private mutating func registrarAnswers() {
        let waiting = phones.filter { $0.value.standing == .registering }.keys.sorted { $0.rawValue < $1.rawValue }
        guard let handle = waiting.randomElement(using: &random) else { return }
        let fails = random.next() % 3 == 0
        phones[handle]?.standing = fails ? .none : .registered
        phones[handle]?.events.append(
            fails ? .failed([403, 408, 503].randomElement(using: &random) ?? 0) : .registered)
    }

    /// Janus registers again by itself, before that expires.
    private mutating func refresh() {
        let up = phones.filter { $0.value.standing == .registered }.keys.sorted { $0.rawValue < $1.rawValue }
        guard let handle = up.randomElement(using: &random) else { return }
        let fails = random.next() % 3 == 0
        if fails { phones[handle]?.standing = .none }
        phones[handle]?.events.append(fails ? .failed(408) : .registered)
    }

    // MARK: Death

    /// The worker dies, and another one takes its place: it has the row, Janus and the front door's word.
    private mutating func die() {
        guard !machine.isEnding, finishes == 0 else { return }
        deaths += 1
        let former = machine
        pending = []
        hasTimer = false
        for handle in phones.keys {
            phones[handle]?.events = []
            phones[handle]?.isAsked = false
        }
        guard isRecorded else {
            // The front door asks again, and nobody has ever heard of it.
            machine = Machine()
            perform(machine.registerRequested())
            return
        }
        // The one in use, or a fresh one that was to be; others are nobody's.
        let found = former.life.usable ?? phones.keys.max { $0.rawValue < $1.rawValue }
        phones = phones.filter { $0.key == found }
        machine = .inherited
        let standing = found.flatMap { phones[$0]?.standing } ?? .none
        perform(machine.observed(Machine.Observation(handle: found, standing: standing, master: master)))
        resync()
    }

    private mutating func resync() {
        let isFirstPending = isFirstPending
        isNews = false
        perform(machine.resynced(told, isPending: isFirstPending))
        guard isWaiting, !isFirstPending else { return }
        // It is asked to register again: one that is ending has an answer for that.
        if machine.isEnding { answered += 1 } else { perform(machine.registerRequested()) }
    }

    // MARK: Resynchronization

    /// At every step: a front door with a new link is told what it has not been told, and nothing else.
    private mutating func compare() {
        guard !isOver, !machine.isEnding, finishes == 0 else { return }
        var sameView = machine
        let again = sameView.resynced(told, isPending: isFirstPending)
        // Whoever has asked to register again is told the states anew (D26), by whichever word comes first.
        if !isWaiting || isFirstPending { #expect(again == [], "the client knows all of it") }
        guard told.isAcked, !isWaiting else { return }
        for stage in ToldRegistration.Stage.allCases {
            var machine = machine
            let actions = machine.resynced(ToldRegistration(isAcked: true, stage: stage), isPending: false)
            let states = actions.compactMap { if case .tellAgain(let state) = $0 { state } else { nil } }
            #expect(states.count == actions.count)
            let expected = stage == told.stage || told.stage == .nothing || isNews ? [] : [told.stage]
            #expect(states.map(ToldRegistration.Stage.init) == expected)
        }
        guard asked == 1 else { return }
        var unanswered = machine
        let actions = unanswered.resynced(ToldRegistration(), isPending: true)
        #expect(actions.first == .answerAgain(.ack))
        #expect(actions.count == (isNews ? 1 : 2))
    }

    // MARK: What the machine decides

    private mutating func perform(_ actions: [RegistrationStateMachine.Action]) {
        for action in actions { perform(action) }
    }

    private mutating func perform(_ action: RegistrationStateMachine.Action) {
        #expect(finishes == 0, "nothing after the end: \(action)")
        switch action {
        case .find: pending.append(.find)
        case .record: pending.append(.record)
        case .attach: pending.append(.attach)
        case .attachReplacement(let server): pending.append(.replace(server))
        case .register(let handle, _, let isRefresh): register(handle, isRefresh: isRefresh)
        case .answer(let answer), .answerAgain(let answer):
            answered += 1
            #expect(answered <= asked, "\(answer) to nobody")
            if answer == .ack { (told.isAcked, isNews) = (true, true) }
            if answer != .ack, told.stage == .nothing { told.stage = stageBefore }
            if answer != .ack, !told.isAcked { isOver = true }
        case .tell(let state), .tellAgain(let state): hears(state)
        case .tellLost:
            #expect(told.isAcked && !isOver, "there is nothing to lose")
            isOver = true
        case .avoid: break
        case .startRetryTimer(let failures):
            #expect(failures > 0)
            hasTimer = true
        case .stopRetryTimer: hasTimer = false
        case .recordMaster(let number): master = number
        case .retire(let handle): phones[handle] = nil
        case .leave: pending.append(.leave)
        case .detach(let handle):
            phones[handle] = nil
            pending.append(.detach(handle))
        case .markEnded: pending.append(.mark)
        case .finish: finishes += 1
        }
    }

    private mutating func register(_ handle: JanusHandleID, isRefresh: Bool) {
        guard let phone = phones[handle] else {
            Issue.record("a register on \(handle), which is not there")
            return
        }
        #expect(!phone.isAsked, "two at a time on \(handle)")
        #expect(
            isRefresh || !phone.isUp || phone.hasRefused || phone.hasCrossed,
            "Janus refuses to register \(handle) again")
        phones[handle]?.isAsked = true
        if phone.events.contains(where: \.isFailure) { phones[handle]?.hasCrossed = true }
        switch random.next() % 10 {
        case 0: pending.append(.accept(handle, isRefused: true))
        case 1:
            phones[handle]?.hasRefused = true
            phones[handle]?.events.append(.refused)
            pending.append(.accept(handle, isRefused: false))
        default:
            phones[handle]?.standing = .registering
            phones[handle]?.events.append(.registering)
            pending.append(.accept(handle, isRefused: false))
        }
    }

    private mutating func hears(_ state: RegistrationState) {
        #expect(told.isAcked && !isOver, "\(state) before the ack, or after the end")
        let stage = ToldRegistration.Stage(state)
        #expect(stage != told.stage || isNews, "\(state) is no news")
        (told.stage, isNews) = (stage, false)
    }

    // MARK: The end

    private mutating func comeToRest() {
        settle()
        if finishes == 0 {
            isOver = true
            perform(machine.released())
        }
        settle()
    }

    private mutating func settle() {
        for _ in 0..<500 where finishes == 0 {
            guard !pending.isEmpty || phones.values.contains(where: { !$0.events.isEmpty }) else { return }
            resolve()
            hear()
        }
    }
}
