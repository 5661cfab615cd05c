import NIOCore
import Testing

@testable import Frontdoor

@Suite struct LivenessStateMachineTests {
    @Test func `B05 A ping goes out an interval after the handshake, and then after every pong`() {
        var liveness = LivenessStateMachine(interval: 120)
        #expect(liveness.opened() == .wait(.seconds(120)))
        #expect(liveness.timerFired() == .ping(1, .seconds(60)))
        #expect(liveness.ponged(1) == .wait(.seconds(120)))
        #expect(liveness.timerFired() == .ping(2, .seconds(60)))
    }

    @Test(arguments: [(1, 1), (2, 1), (3, 1), (7, 3), (120, 60), (86400, 43200)])
    func `B05 The pong is awaited for half the interval, rounded down, and a second at least`(
        interval: Int, patience: Int64
    ) {
        var liveness = LivenessStateMachine(interval: interval)
        _ = liveness.opened()
        #expect(liveness.timerFired() == .ping(1, .seconds(patience)))
        #expect(liveness.timerFired() == .abort)
    }

    @Test func `B05 Only the pong to the last ping counts`() {
        var liveness = LivenessStateMachine(interval: 10)
        _ = liveness.opened()
        #expect(liveness.ponged(1) == .none, "nobody asked yet")
        _ = liveness.timerFired()
        #expect(liveness.ponged(nil) == .none)
        #expect(liveness.ponged(2) == .none)
        #expect(liveness.ponged(0) == .none)
        #expect(liveness.ponged(1) == .wait(.seconds(10)))
        #expect(liveness.ponged(1) == .none)
        _ = liveness.timerFired()
        #expect(liveness.ponged(1) == .none)
        #expect(liveness.timerFired() == .abort)
    }

    @Test func `B05 With an interval of 0 there are no pings`() {
        var liveness = LivenessStateMachine(interval: 0)
        #expect(liveness.opened() == .none)
        #expect(liveness.timerFired() == .none)
        #expect(liveness.ponged(1) == .none)
        liveness.paused()
        #expect(liveness.resumed() == .none)
    }

    @Test func `B05 A connection that was paused before it began is pinged, too`() {
        var liveness = LivenessStateMachine(interval: 10)
        liveness.paused()
        #expect(liveness.opened() == .wait(.seconds(10)))
        #expect(liveness.timerFired() == .ping(1, .seconds(5)))
    }

    @Test func `B05 While the connection is not read no pong is missed`() {
        var liveness = LivenessStateMachine(interval: 10)
        _ = liveness.opened()
        _ = liveness.timerFired()
        liveness.paused()
        liveness.paused()
        #expect(liveness.timerFired() == .none)
        #expect(liveness.ponged(1) == .none)
        #expect(liveness.resumed() == .wait(.seconds(10)))
        #expect(liveness.resumed() == .none)
        #expect(liveness.ponged(1) == .none, "that ping is forgotten")
        #expect(liveness.timerFired() == .ping(2, .seconds(5)))
    }
}
