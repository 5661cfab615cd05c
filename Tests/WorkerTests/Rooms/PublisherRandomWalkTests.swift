import Identity
import Sylkrtc
import TestSupport
import Testing

@testable import Worker

/// Sessions whose world behaves as it may, in any order: what was asked for succeeds, fails or comes late, and ends come
/// from every side at any time.
@Suite struct PublisherRandomWalkTests {
    @Test(arguments: 1...200)
    func `whatever happens, a session is answered once, told its end once and last, and leaves nothing behind`(
        seed: UInt64
    ) {
        var walk = Walk(seed: seed)
        for _ in 0..<Int.random(in: 1...40, using: &walk.random) { walk.step() }
        walk.drain()
        walk.check()
    }

    private struct Walk {
        enum Pending { case room, record, attach, join, joined, leave, confirmation, detach, mark }

        var random: SeededGenerator
        var machine = PublisherStateMachine()
        var pending: [Pending] = [.room]
        var timer: PublisherStateMachine.Timer?
        var joinAnswers = 0
        var terminatesWaiting = 0
        var terminatesAnswered = 0
        var terminatesAsked = 0
        var farewells = 0
        var finishes = 0
        var isAttached = false
        var isDetached = false
        var hasVanished = false
        var wasReleased = false
        var wasAsked = false
        var isRefused = false
        var established = 0
        var announced: Set<ClientSessionID> = []

        init(seed: UInt64) { random = SeededGenerator(seed: seed) }

        mutating func step() {
            switch random.next() % 13 {
            case 0...5: resolve()
            case 12 where random.next() % 4 == 0: perform(machine.accountRemoved())
            case 6 where random.next() % 3 == 0: terminate()
            case 7 where random.next() % 3 == 0: hangUp()
            case 8 where random.next() % 4 == 0: vanish()
            case 9 where random.next() % 4 == 0: release()
            case 10: media()
            default: fireTimer()
            }
        }

        /// Everything under way comes to its end, and so does the session.
        mutating func drain() {
            for _ in 0..<500 where finishes == 0 || !pending.isEmpty {
                resolve()
                fireTimer()
                // A leave may be refused any number of times.
                if pending.isEmpty, !machine.isEnding { terminate() }
            }
        }

        func check() {
            #expect(finishes == 1, "finished once")
            #expect(machine.state == .over)
            #expect(joinAnswers == 1 || (joinAnswers == 0 && wasReleased), "answered once, unless nobody is there")
            #expect(farewells <= 1)
            #expect(terminatesWaiting == 0, "every terminate is answered")
            #expect(terminatesAnswered == terminatesAsked)
            #expect(!isAttached || isDetached || hasVanished, "an attached handle is detached")
            #expect(established <= 1)
        }

        private mutating func terminate() {
            guard finishes == 0 else { return }
            terminatesAsked += 1
            terminatesWaiting += 1
            perform(machine.terminateRequested())
        }

        private mutating func hangUp() {
            guard isAttached, !isDetached, !hasVanished else { return }
            perform(machine.hungUp("DTLS alert"))
        }

        private mutating func vanish() {
            guard finishes == 0 else { return }
            hasVanished = true
            perform(machine.handleVanished("500 Janus lost"))
        }

        private mutating func release() {
            wasReleased = true
            perform(machine.released())
        }

        private mutating func media() {
            perform(machine.mediaUp())
            let other = random.next() % 3
            perform(machine.publishersAppeared([(publisher(other), someone("p\(other)"))]))
            perform(machine.publisherGone(publisher(random.next() % 3)))
        }

        private mutating func fireTimer() {
            let due = timer
            timer = nil
            switch due {
            case .join: perform(machine.joinTimedOut())
            case .leave: perform(machine.left())
            case nil: break
            }
        }

        private mutating func resolve() {
            guard !pending.isEmpty else { return }
            let isFailure = random.next() % 4 == 0
            // Replies may come in any order.
            switch pending.remove(at: Int(random.next() % UInt64(pending.count))) {
            case .room:
                isRefused = isFailure
                perform(isFailure ? machine.refused(.error("full")) : machine.admitted())
            case .record: perform(isFailure ? machine.recordingFailed("no") : machine.recorded())
            case .attach:
                isAttached = !isFailure && !hasVanished
                perform(isAttached ? machine.attached(handle(7)) : machine.attachFailed("no"))
            case .join:
                perform(isFailure ? machine.joinRefused("no") : machine.joinAccepted())
                if isFailure { pending.removeAll { $0 == .joined } }
            case .joined:
                guard !isDetached, !hasVanished else { return }
                if isFailure {
                    perform(machine.joinRefused("no"))
                } else {
                    perform(machine.joined(answer: sdp("x"), others: [(publisher(1), someone("p1"))]))
                }
            case .leave: if isFailure { perform(machine.leaveRefused("no")) }
            case .confirmation:
                guard !isDetached, !hasVanished, machine.isEnding else { return }
                perform(machine.left())
            case .detach: perform(machine.detached())
            case .mark: perform(machine.marked())
            }
        }

        private mutating func perform(_ actions: [PublisherStateMachine.Action]) {
            for action in actions {
                #expect(finishes == 0, "nothing after the end: \(action)")
                switch action {
                case .record: pending.append(.record)
                case .attach: pending.append(.attach)
                case .clearPlace: Issue.record("nobody else is there")
                case .join: pending += [.join, .joined]
                case .answerJoin: joinAnswers += 1
                case .answerJoinAgain: Issue.record("nothing was lost")
                case .answerTerminates:
                    terminatesAnswered += terminatesWaiting
                    terminatesWaiting = 0
                case .tell(let event): told(event)
                case .becomeMember, .tellConfiguration: #expect(farewells == 0)
                case .startTimer(let new): timer = new
                case .stopTimer: timer = nil
                case .leave: pending += [.leave, .confirmation]
                case .detach:
                    #expect(!isDetached, "detached once")
                    isDetached = true
                    pending.append(.detach)
                case .markEnded: pending.append(.mark)
                case .endFeeds: #expect(farewells == 0)
                case .finish:
                    finishes += 1
                    // The shell answers what still waits.
                    terminatesAnswered += terminatesWaiting
                    terminatesWaiting = 0
                }
            }
        }

        private mutating func told(_ event: WorkerEvent) {
            #expect(joinAnswers == 1, "nothing is told before the answer")
            #expect(farewells == 0, "nothing is told after the end")
            switch event {
            case .state(.terminated): farewells += 1
            case .state(.established): established += 1
            case .initialPublishers(let publishers), .publishersJoined(let publishers):
                for publisher in publishers { #expect(announced.insert(publisher.session).inserted) }
            case .publishersLeft(let sessions):
                for session in sessions { #expect(announced.remove(session) != nil) }
            default: break
            }
        }
    }
}
