import Identity
import Sylkrtc
import TestSupport
import Testing

@testable import Worker

@Suite struct FeedStateMachineTests {
    typealias Action = FeedStateMachine.Action

    private let h = handle(7)
    private let offer = sdp("offer")
    private let answer = sdp("answer")

    // MARK: Attaching and answering

    @Test func `R12 R13 E11 E12 a feed from the request to the media`() {
        var machine = FeedStateMachine()
        #expect(machine.attachRequested() == [.record])
        #expect(machine.recorded() == [.attach])
        #expect(machine.attached(h) == [.subscribe(h)])
        #expect(!machine.awaitsAnswer)
        #expect(machine.subscriptionAccepted() == [.answerAttach(.ack), .startTimer])
        #expect(machine.offered(offer) == [.stopTimer, .offer(offer)])
        #expect(machine.awaitsAnswer)
        #expect(machine.answered(answer) == [.start(h, answer)])
        #expect(!machine.awaitsAnswer, "answered once")
        #expect(machine.startAccepted() == [.answerAnswer(.ack)])
        #expect(machine.mediaUp() == [.tellEstablished])
        #expect(machine.mediaUp() == [])
    }

    @Test func `an offer that overtakes the acknowledgement changes no order`() {
        var machine = at(.subscribing)
        #expect(machine.offered(offer) == [.answerAttach(.ack), .startTimer, .stopTimer, .offer(offer)])
        #expect(machine.subscriptionAccepted() == [])
        #expect(machine.awaitsAnswer)
    }

    @Test func `media that overtakes the acknowledgement of the start is told after it`() {
        var machine = at(.starting)
        #expect(machine.mediaUp() == [])
        #expect(machine.startAccepted() == [.answerAnswer(.ack), .tellEstablished])
    }

    @Test func `a second offer is not passed on`() {
        var machine = at(.offered)
        #expect(machine.offered(offer) == [])
        machine = at(.started)
        #expect(machine.offered(offer) == [])
    }

    // MARK: Failures on the way

    @Test func `a row that cannot be written fails the attach`() {
        var machine = at(.recording)
        #expect(machine.recordingFailed("no registry") == refusal("no registry"))
    }

    @Test func `a failed attach marks the row`() {
        var machine = at(.attaching)
        #expect(machine.attachFailed("no handle") == [.markEnded])
        #expect(machine.marked() == refusal("no handle"))
    }

    @Test func `R12 a subscription refused at once is undone before it is answered`() {
        var machine = at(.subscribing)
        #expect(machine.subscriptionRefused("No such feed") == [.stopTimer, .detach(h)])
        #expect(machine.detached() == [.markEnded])
        #expect(machine.marked() == refusal("No such feed"))
    }

    @Test func `B13 a subscription refused after its ack ends the feed (D16)`() {
        var machine = at(.awaitingOffer)
        #expect(machine.subscriptionRefused("No such feed") == [.stopTimer, .detach(h)])
        #expect(finished(&machine) == [.tellEnded, .answerDetaches(.ack), .finish])
    }

    @Test func `an offer that never comes ends the feed`() {
        var machine = at(.awaitingOffer)
        #expect(machine.offerTimedOut() == [.stopTimer, .detach(h)])
        #expect(machine.offered(offer) == [], "too late")
        #expect(finished(&machine) == [.tellEnded, .answerDetaches(.ack), .finish])
    }

    @Test func `the offer timer means nothing once the offer is there`() {
        var machine = at(.offered)
        #expect(machine.offerTimedOut() == [])
        #expect(machine.subscriptionRefused("late") == [])
        #expect(machine.awaitsAnswer)
    }

    @Test func `a refused answer can be followed by a better one`() {
        var machine = at(.starting)
        #expect(machine.startRefused("bad SDP") == [.answerAnswer(.error("bad SDP"))])
        #expect(machine.awaitsAnswer)
        #expect(machine.answered(answer) == [.start(h, answer)])
        #expect(machine.startAccepted() == [.answerAnswer(.ack)])
    }

    // MARK: Detaching on request

    @Test(arguments: [At.awaitingOffer, .offered, .started])
    func `R14 a detach leaves, detaches, marks and answers, and tells nothing`(state: At) {
        var machine = at(state)
        #expect(machine.detachRequested() == [.stopTimer, .leave(h)])
        #expect(machine.detachRequested() == [])
        #expect(machine.left() == [.detach(h)])
        #expect(machine.left() == [])
        #expect(machine.detached() == [.markEnded])
        #expect(machine.marked() == [.answerDetaches(.ack), .finish])
        #expect(machine.detachRequested() == [])
    }

    @Test func `a detach while the answer is on its way answers both`() {
        var machine = at(.starting)
        #expect(machine.detachRequested() == [.stopTimer, .leave(h)])
        #expect(machine.startAccepted() == [])
        #expect(finished(&machine) == [.answerAnswer(.error("detached")), .answerDetaches(.ack), .finish])
    }

    @Test func `a detach before the subscription is through needs no leave`() {
        var machine = at(.recording)
        #expect(machine.detachRequested() == [.stopTimer])
        #expect(machine.recorded() == [.markEnded])
        #expect(machine.marked() == refusal("detached"))

        machine = at(.attaching)
        _ = machine.detachRequested()
        #expect(machine.attached(h) == [.detach(h)])
        #expect(finished(&machine) == refusal("detached"))

        machine = at(.subscribing)
        #expect(machine.detachRequested() == [.stopTimer, .detach(h)])
        #expect(machine.subscriptionAccepted() == [])
        #expect(machine.offered(offer) == [])
        #expect(finished(&machine) == refusal("detached"))
    }

    // MARK: Ends from elsewhere

    @Test func `B26 the end of the publisher ends the feed in every state (D48)`() {
        var machine = at(.recording)
        #expect(machine.ended("gone") == [.stopTimer])
        #expect(machine.recorded() == [.markEnded])
        #expect(machine.marked() == refusal("gone"))

        machine = at(.attaching)
        #expect(machine.ended("gone") == [.stopTimer])
        #expect(machine.attached(h) == [.detach(h)])
        #expect(finished(&machine) == refusal("gone"))

        machine = at(.subscribing)
        #expect(machine.ended("gone") == [.stopTimer, .detach(h)])
        #expect(finished(&machine) == refusal("gone"))

        for state in [At.awaitingOffer, .offered, .started] {
            machine = at(state)
            #expect(machine.ended("gone") == [.stopTimer, .detach(h)])
            #expect(machine.ended("again") == [])
            #expect(machine.mediaUp() == [])
            #expect(!machine.awaitsAnswer)
            #expect(finished(&machine) == [.tellEnded, .answerDetaches(.ack), .finish])
        }

        machine = at(.starting)
        #expect(machine.ended("gone") == [.stopTimer, .detach(h)])
        #expect(machine.startRefused("late") == [])
        #expect(
            finished(&machine)
                == [.answerAnswer(.error("gone")), .tellEnded, .answerDetaches(.ack), .finish])
    }

    @Test func `a hangup while leaving is confirmation enough`() {
        var machine = at(.started)
        _ = machine.detachRequested()
        #expect(machine.ended("Close PC") == [.detach(h)])
        #expect(finished(&machine) == [.answerDetaches(.ack), .finish])
    }

    @Test func `B14 a handle that Janus removed is not detached`() {
        var machine = at(.started)
        #expect(machine.handleVanished("handle detached") == [.stopTimer, .markEnded])
        #expect(machine.marked() == [.tellEnded, .answerDetaches(.ack), .finish])

        machine = at(.offered)
        _ = machine.detachRequested()
        #expect(machine.handleVanished("500 Janus lost") == [.stopTimer, .markEnded])
        #expect(machine.marked() == [.answerDetaches(.ack), .finish])

        machine = at(.attaching)
        #expect(machine.handleVanished("500 Janus lost") == [.stopTimer])
        #expect(machine.attachFailed("link lost") == [.markEnded])
        #expect(machine.marked() == refusal("500 Janus lost"))
    }

    @Test func `a released feed is undone in every state, and nobody is told`() {
        var machine = at(.recording)
        #expect(machine.released() == [.stopTimer])
        #expect(machine.recorded() == [.markEnded])
        #expect(machine.marked() == [.finish])

        for state in [At.subscribing, .awaitingOffer, .offered, .starting, .started] {
            machine = at(state)
            #expect(machine.released() == [.stopTimer, .detach(h)])
            #expect(machine.released() == [])
            #expect(finished(&machine) == [.finish])
        }

        machine = at(.started)
        _ = machine.detachRequested()
        #expect(machine.released() == [.detach(h)], "it waits for nothing any more")
        #expect(finished(&machine) == [.finish])
    }

    // MARK: At random

    @Test(arguments: 1...200)
    func `whatever happens, a feed is answered once, told its end at most once, and leaves nothing behind`(
        seed: UInt64
    ) {
        var walk = Walk(seed: seed)
        for _ in 0..<Int.random(in: 1...40, using: &walk.random) { walk.step() }
        walk.drain()
        walk.check()
    }

    private struct Walk {
        enum Pending { case record, attach, subscribe, offer, start, leave, detach, mark }

        var random: SeededGenerator
        var machine = FeedStateMachine()
        var pending: [Pending] = []
        var hasTimer = false
        var attachAnswers = 0
        var answersAsked = 0
        var answersAnswered = 0
        var ends = 0
        var finishes = 0
        var established = 0
        var isAttached = false
        var isDetached = false
        var hasVanished = false
        var isSilent = false

        init(seed: UInt64) {
            random = SeededGenerator(seed: seed)
            perform(machine.attachRequested())
        }

        mutating func step() {
            switch random.next() % 12 {
            case 0...5: resolve()
            case 6:
                guard machine.awaitsAnswer else { return }
                answersAsked += 1
                perform(machine.answered(sdp("x")))
            case 7: perform(machine.mediaUp())
            case 8 where random.next() % 3 == 0: perform(machine.detachRequested())
            case 9 where random.next() % 3 == 0: perform(machine.ended("gone"))
            case 10 where finishes == 0 && random.next() % 4 == 0:
                hasVanished = true
                perform(machine.handleVanished("500 Janus lost"))
            case 11 where random.next() % 4 == 0:
                isSilent = true
                perform(machine.released())
            default:
                if hasTimer {
                    hasTimer = false
                    perform(machine.offerTimedOut())
                }
            }
        }

        mutating func drain() {
            for _ in 0..<200 where !pending.isEmpty { resolve() }
            perform(machine.detachRequested())
            for _ in 0..<200 where !pending.isEmpty { resolve() }
        }

        func check() {
            #expect(finishes == 1)
            #expect(attachAnswers == 1 || (attachAnswers == 0 && isSilent))
            #expect(answersAnswered == answersAsked || isSilent)
            #expect(ends <= 1)
            #expect(established <= 1)
            #expect(!isAttached || isDetached || hasVanished)
            #expect(machine.state == .over)
        }

        private mutating func resolve() {
            guard !pending.isEmpty else { return }
            let isFailure = random.next() % 4 == 0
            switch pending.remove(at: Int(random.next() % UInt64(pending.count))) {
            case .record: perform(isFailure ? machine.recordingFailed("no") : machine.recorded())
            case .attach:
                isAttached = !isFailure && !hasVanished
                perform(isAttached ? machine.attached(handle(7)) : machine.attachFailed("no"))
            case .subscribe: perform(isFailure ? machine.subscriptionRefused("no") : machine.subscriptionAccepted())
            case .offer: perform(isFailure ? machine.subscriptionRefused("no") : machine.offered(sdp("x")))
            case .start: perform(isFailure ? machine.startRefused("no") : machine.startAccepted())
            case .leave: perform(machine.left())
            case .detach: perform(machine.detached())
            case .mark: perform(machine.marked())
            }
        }

        private mutating func perform(_ actions: [FeedStateMachine.Action]) {
            for action in actions {
                #expect(finishes == 0, "nothing after the end: \(action)")
                switch action {
                case .record: pending.append(.record)
                case .attach: pending.append(.attach)
                case .subscribe: pending += [.subscribe, .offer]
                case .answerAttach: attachAnswers += 1
                case .answerAttachAgain: Issue.record("nothing was lost")
                case .start: pending.append(.start)
                case .answerAnswer: answersAnswered += 1
                case .answerDetaches: #expect(attachAnswers == 1)
                case .offer: #expect(attachAnswers == 1 && ends == 0)
                case .tellEstablished:
                    #expect(ends == 0 && answersAnswered > 0)
                    established += 1
                case .tellEnded:
                    #expect(attachAnswers == 1)
                    ends += 1
                case .startTimer: hasTimer = true
                case .stopTimer: hasTimer = false
                case .leave: pending.append(.leave)
                case .detach:
                    #expect(!isDetached)
                    isDetached = true
                    pending.append(.detach)
                case .markEnded: pending.append(.mark)
                case .finish: finishes += 1
                }
            }
        }
    }

    // MARK: Helpers

    enum At { case recording, attaching, subscribing, awaitingOffer, offered, starting, started }

    private func at(_ state: At) -> FeedStateMachine {
        var machine = FeedStateMachine()
        _ = machine.attachRequested()
        guard state != .recording else { return machine }
        _ = machine.recorded()
        guard state != .attaching else { return machine }
        _ = machine.attached(h)
        guard state != .subscribing else { return machine }
        _ = machine.subscriptionAccepted()
        guard state != .awaitingOffer else { return machine }
        _ = machine.offered(offer)
        guard state != .offered else { return machine }
        _ = machine.answered(answer)
        guard state != .starting else { return machine }
        _ = machine.startAccepted()
        return machine
    }

    private func finished(_ machine: inout FeedStateMachine) -> [Action] {
        _ = machine.left()
        if case .detaching = machine.life.state { #expect(machine.detached() == [.markEnded]) }
        return machine.marked()
    }

    private func refusal(_ reason: String) -> [Action] {
        [.answerAttach(.error(reason)), .answerDetaches(.ack), .finish]
    }
}
