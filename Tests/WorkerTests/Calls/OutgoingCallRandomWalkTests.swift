import Identity
import SIPLookup
import Sylkrtc
import TestSupport
import Testing

@testable import Worker

/// Whatever Janus, telephones, clients and time do, in whatever order: a call is answered once, goes forward only, is never
/// dialled twice without a refusal in between, and leaves no handle behind.
@Suite struct OutgoingCallRandomWalkTests {
    @Test(arguments: 1...300)
    func `R06 R09 whatever happens, a call is answered once, told forward only, and leaves nothing behind`(
        seed: UInt64
    ) {
        var walk = Walk(seed: seed)
        for _ in 0..<Int.random(in: 1...60, using: &walk.random) { walk.step() }
        walk.drain()
        walk.check()
    }

    private struct Walk {
        enum Pending: Equatable {
            case lookup, record, attach, identify, note(JanusHandleID), dial, hangup, detach, mark
        }

        var random: SeededGenerator
        var machine = OutgoingCallStateMachine()
        var pending: [Pending] = []
        var timers: [OutgoingCallStateMachine.Timer] = []
        var answers = 0
        var finishes = 0
        var stage = ToldCall.Stage.nothing
        /// Handles that are taken and not given back.
        var handles: Set<JanusHandleID> = []
        var taken: UInt64 = 0
        var dialled = 0
        var refusals = 0
        /// The registry knows of the handle that is about to dial.
        var noted: JanusHandleID?
        var isSilent = false
        var hasVanished = false

        init(seed: UInt64) {
            random = SeededGenerator(seed: seed)
            perform(machine.callRequested())
        }

        mutating func step() {
            guard finishes == 0 else { return }
            switch random.next() % 20 {
            case 0...7: resolve()
            case 8: perform(machine.calling())
            case 9: perform(machine.provisional(random.next() % 2 == 0 ? sdp("early") : nil))
            case 10:
                perform(machine.accepted(random.next() % 3 == 0 ? nil : sdp("x"), namesPeer: random.next() % 4 > 0))
            case 11: perform(machine.mediaUp())
            case 12 where dialled > 0 && random.next() % 3 == 0:
                refusals += 1
                perform(machine.hungUp(SIPHangup(code: 503, reason: "Service Unavailable", callID: "c")))
            case 13 where dialled > 0 && random.next() % 4 == 0:
                perform(machine.hungUp(SIPHangup(code: 486, reason: "Busy Here", callID: "c")))
            case 14 where random.next() % 4 == 0: perform(machine.terminateRequested())
            case 15 where random.next() % 8 == 0: perform(machine.mediaHungUp("Close PC"))
            case 16 where random.next() % 8 == 0: perform(machine.ended("account removed"))
            case 17 where random.next() % 8 == 0 && !handles.isEmpty:
                hasVanished = true
                handles = []
                perform(machine.handleVanished("handle detached"))
            case 18 where random.next() % 8 == 0:
                isSilent = true
                perform(machine.released())
            case 19 where random.next() % 4 == 0: perform(machine.intruded())
            default: fire()
            }
        }

        mutating func drain() {
            for _ in 0..<300 where !pending.isEmpty { resolve() }
            perform(machine.ended("over"))
            for _ in 0..<300 where !pending.isEmpty { resolve() }
        }

        func check() {
            #expect(finishes == 1)
            #expect(answers == 1 || (answers == 0 && isSilent))
            #expect(handles.isEmpty, "\(handles)")
            #expect(dialled <= 1 + refusals)
            #expect(timers.isEmpty)
            #expect(machine.state == .over)
        }

        private mutating func fire() {
            guard !timers.isEmpty else { return }
            perform(machine.timerFired(timers.remove(at: Int(random.next() % UInt64(timers.count)))))
        }

        private mutating func resolve() {
            guard !pending.isEmpty else { return }
            let isFailure = random.next() % 8 == 0
            switch pending.remove(at: Int(random.next() % UInt64(pending.count))) {
            case .lookup:
                let targets = (1...3).map { ProxyTarget($0 == 2 ? .tcp : .udp, IPAddress(version4: $0), 5060) }
                perform(isFailure ? machine.lookupFailed("no") : machine.lookedUp(targets))
            case .record: perform(isFailure ? machine.recordingFailed("no") : machine.recorded())
            case .attach:
                guard !isFailure else { return perform(machine.attachFailed("no")) }
                taken += 1
                handles.insert(handle(taken))
                perform(machine.attached(handle(taken)))
            case .identify:
                perform(
                    isFailure
                        ? random.next() % 2 == 0
                            ? machine.serverRefused("503 No transport") : machine.identificationFailed("no")
                        : machine.identified())
            case .note(let handle): perform(isFailure ? machine.sentNotNoted("no") : machine.sentNoted(handle))
            case .dial: perform(isFailure ? machine.dialRefused("no") : machine.dialled())
            case .hangup: perform(machine.hangupTaken())
            case .detach: perform(machine.detached())
            case .mark: perform(machine.marked())
            }
        }

        private mutating func perform(_ actions: [OutgoingCallStateMachine.Action]) {
            for action in actions {
                #expect(finishes == 0, "nothing after the end: \(action)")
                switch action {
                case .lookUp: pending.append(.lookup)
                case .record: pending.append(.record)
                case .attach:
                    #expect(handles.isEmpty, "one handle at a time")
                    pending.append(.attach)
                case .discard(let handle), .detach(let handle):
                    #expect(handles.remove(handle) != nil || hasVanished)
                    if case .detach = action { pending.append(.detach) }
                case .identify: pending.append(.identify)
                case .noteSent(let handle):
                    noted = handle
                    pending.append(.note(handle))
                case .dial:
                    #expect(noted.map(handles.contains) == true, "noted before it is dialled")
                    dialled += 1
                    #expect(dialled <= 1 + refusals)
                    pending.append(.dial)
                case .answerCall: answers += 1
                case .answerCallAgain: Issue.record("nothing was lost")
                case .tell(let state):
                    #expect(answers == 1 && !isSilent)
                    let next = ToldCall.Stage(state)
                    #expect(next > stage, "\(next) after \(stage)")
                    if next == .established { #expect(stage == .accepted) }
                    stage = next
                case .hangUp: pending.append(.hangup)
                case .answerTerminates: #expect(answers == 1)
                case .proxyFailed: break
                case .start(let timer): timers.append(timer)
                case .stop(let timer): timers.removeAll { $0 == timer }
                case .markEnded: pending.append(.mark)
                case .finish:
                    finishes += 1
                    timers = []
                }
            }
        }
    }
}
