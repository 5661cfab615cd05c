import Identity
import Sylkrtc
import TestSupport
import Testing

@testable import Worker

/// Whatever Janus, callers, clients and time do, in whatever order: an incoming call goes forward only, every answer of the
/// client is answered once, its end is told once, and its registration has its handle back.
@Suite struct IncomingCallRandomWalkTests {
    @Test(arguments: 1...300)
    func `R07 R09 B17 whatever happens, a call is told forward only and gives its handle back once`(seed: UInt64) {
        var walk = Walk(seed: seed)
        for _ in 0..<Int.random(in: 1...50, using: &walk.random) { walk.step() }
        walk.drain()
        walk.check()
    }

    private struct Walk {
        enum Pending { case record, accept, termination, mark }

        var random: SeededGenerator
        var machine = IncomingCallStateMachine()
        var pending: [Pending] = []
        var hasTimer = false
        var asked = 0
        var answered = 0
        var returned = 0
        var finishes = 0
        var missed = 0
        var isPresented = false
        var isSilent = false
        var hasVanished = false
        var stage = ToldCall.Stage.nothing

        init(seed: UInt64) {
            random = SeededGenerator(seed: seed)
            perform(machine.invited(random.next() % 10 == 0 ? nil : sdp("offer")))
        }

        mutating func step() {
            guard finishes == 0 else { return }
            switch random.next() % 16 {
            case 0...4: resolve()
            case 5, 6:
                guard machine.awaitsAnswer else { return }
                asked += 1
                perform(machine.answered(sdp("answer")))
            case 7: perform(machine.accepted())
            case 8: perform(machine.mediaUp())
            case 9 where random.next() % 3 == 0: hangUp()
            case 10 where random.next() % 3 == 0: perform(machine.terminateRequested())
            case 11 where random.next() % 4 == 0: perform(machine.mediaHungUp("Close PC"))
            case 12 where random.next() % 8 == 0: perform(machine.ended("unregistered"))
            case 13 where random.next() % 8 == 0:
                isSilent = true
                perform(machine.released())
            case 14 where random.next() % 8 == 0 && returned == 0:
                hasVanished = true
                perform(machine.handleVanished("handle detached"))
            case 15 where random.next() % 8 == 0: perform(machine.superseded())
            default: if hasTimer { perform(machine.timedOut()) }
            }
        }

        mutating func drain() {
            for _ in 0..<100 where !pending.isEmpty { resolve() }
            hangUp()
            for _ in 0..<100 where !pending.isEmpty { resolve() }
        }

        func check() {
            #expect(finishes == 1)
            #expect(answered == asked || isSilent)
            #expect(returned == (hasVanished && returned == 0 ? 0 : 1))
            #expect(missed <= 1)
            #expect(stage == .terminated || !isPresented || isSilent)
            #expect(machine.state == .over)
        }

        private mutating func hangUp() {
            let code = random.next() % 2 == 0 ? 487 : 486
            perform(
                machine.hungUp(
                    SIPHangup(code: code, reason: "x", callID: "c", isAnsweredElsewhere: random.next() % 3 == 0)))
        }

        private mutating func resolve() {
            guard !pending.isEmpty else { return }
            let isFailure = random.next() % 6 == 0
            switch pending.remove(at: Int(random.next() % UInt64(pending.count))) {
            case .record: perform(isFailure ? machine.recordingFailed() : machine.recorded())
            case .accept:
                perform(
                    isFailure
                        ? random.next() % 2 == 0 ? machine.acceptRefused("no") : machine.acceptFailed("no")
                        : machine.acceptTaken())
            case .termination: perform(machine.terminationTaken())
            case .mark: perform(machine.marked())
            }
        }

        private mutating func perform(_ actions: [IncomingCallStateMachine.Action]) {
            for action in actions {
                #expect(finishes == 0, "nothing after the end: \(action)")
                switch action {
                case .record: pending.append(.record)
                case .present:
                    #expect(!isPresented && stage == .nothing)
                    isPresented = true
                case .accept: pending.append(.accept)
                case .answerAccept: answered += 1
                case .tell(let state): reach(ToldCall.Stage(state))
                case .tellTerminated(_, let isMissed):
                    reach(.terminated)
                    missed += isMissed ? 1 : 0
                case .tellMissed:
                    #expect(!isPresented, "the end of a call that has rung says so itself")
                    missed += 1
                case .decline, .hangUp:
                    #expect(returned == 0 || hasVanished)
                    pending.append(.termination)
                case .reset: #expect(returned == 0, "before the handle is another's")
                case .answerTerminates: break
                case .startTimer: hasTimer = true
                case .stopTimer: hasTimer = false
                case .returnHandle: returned += 1
                case .markEnded: pending.append(.mark)
                case .finish: finishes += 1
                }
            }
        }

        private mutating func reach(_ next: ToldCall.Stage) {
            #expect(isPresented && next > stage, "\(next) after \(stage)")
            if next == .established { #expect(stage == .accepted) }
            stage = next
        }
    }
}
