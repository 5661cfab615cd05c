import Identity
import Sylkrtc
import Testing

@testable import Worker

/// A predecessor's subscription, likewise.
@Suite struct FeedResumeTests {
    typealias Action = FeedStateMachine.Action

    private let h = handle(7)
    private let offer = sdp("offer")

    private func seen(_ observation: FeedStateMachine.Observation) -> FeedStateMachine {
        var machine = FeedStateMachine.inherited
        _ = machine.observed(observation)
        return machine
    }

    // MARK: Subscribed

    @Test func `a client that knows nothing gets its answer and the offer`() {
        var machine = seen(.init(handle: h, offer: offer))
        #expect(machine.resynced(ToldFeed(), isPending: true) == [.answerAttachAgain(.ack), .offer(offer)])
        #expect(machine.awaitsAnswer)
    }

    @Test func `a client that knows the offer may answer it`() {
        var machine = seen(.init(handle: h, offer: offer))
        #expect(machine.resynced(ToldFeed(isAcked: true, isOffered: true), isPending: false) == [])
        #expect(machine.answered(sdp("x")) == [.start(h, sdp("x"))])
    }

    @Test func `an answer that Janus has and the client does not know of is acked when it is repeated`() {
        var machine = seen(.init(handle: h, offer: offer, isAnswered: true, isMediaUp: true))
        #expect(machine.resynced(ToldFeed(isAcked: true, isOffered: true), isPending: false) == [])
        #expect(machine.awaitsAnswer)
        #expect(machine.answered(sdp("x")) == [.answerAnswer(.ack), .tellEstablished])
        #expect(!machine.awaitsAnswer)
    }

    @Test func `an acked answer that Janus still has queued is not asked for again`() {
        var machine = seen(.init(handle: h, offer: offer))
        #expect(
            machine.resynced(ToldFeed(isAcked: true, isOffered: true, isAnswered: true), isPending: false) == [])
        #expect(!machine.awaitsAnswer)
        #expect(machine.mediaUp() == [.tellEstablished])
    }

    @Test(arguments: [true, false])
    func `media that came up unseen is told unless it was`(wasTold: Bool) {
        var machine = seen(.init(handle: h, offer: offer, isAnswered: true, isMediaUp: true))
        let told = ToldFeed(isAcked: true, isOffered: true, isAnswered: true, isEstablished: wasTold)
        #expect(machine.resynced(told, isPending: false) == (wasTold ? [] : [.tellEstablished]))
    }

    // MARK: Not subscribed, as far as can be seen

    @Test func `an unanswered attach begins with what is missing`() {
        var machine = seen(.init())
        #expect(machine.resynced(ToldFeed(), isPending: true) == [.attach])
        machine = seen(.init(handle: h))
        #expect(machine.resynced(ToldFeed(), isPending: true) == [.subscribe(h)])
    }

    @Test func `an acked one is waited for`() {
        var machine = seen(.init(handle: h))
        #expect(machine.resynced(ToldFeed(isAcked: true), isPending: false) == [.startTimer])
        #expect(machine.offered(offer) == [.stopTimer, .offer(offer)])
    }

    @Test(arguments: [true, false])
    func `one that was there and is gone has ended, as asked or unseen`(isEnding: Bool) {
        var machine = seen(.init(handle: h))
        let told = ToldFeed(isAcked: true, isOffered: true)
        #expect(machine.resynced(told, isPending: false, isEnding: isEnding) == [.stopTimer, .detach(h)])
        _ = machine.detached()
        #expect(machine.marked() == (isEnding ? [] : [.tellEnded]) + [.answerDetaches(.ack), .finish])
    }

    @Test func `an attach that nobody waits for ends silently`() {
        var machine = seen(.init(handle: h))
        _ = machine.resynced(ToldFeed(), isPending: false)
        _ = machine.detached()
        #expect(machine.marked() == [.finish])
    }

    // MARK: Its publisher is gone

    @Test func `one whose publisher went unseen ends, and who waits is answered`() {
        var machine = FeedStateMachine.inherited
        #expect(machine.observed(.init(handle: h, offer: offer, isActive: false)) == [.stopTimer, .detach(h)])
        #expect(machine.resynced(ToldFeed(), isPending: true) == [])
        _ = machine.detached()
        #expect(machine.marked() == [.answerAttach(.error("publisher gone")), .answerDetaches(.ack), .finish])
    }

    @Test func `one that is released before it was looked at is undone when it is`() {
        var machine = FeedStateMachine.inherited
        #expect(machine.released() == [])
        #expect(machine.observed(.init(handle: h, offer: offer)) == [.detach(h)])
    }
}
