import NIOCore
import Testing

@testable import Frontdoor

@Suite struct ServingStateMachineTests {
    private let start = NIODeadline.uptimeNanoseconds(0)

    @Test func `Before the first worker serves nobody is let in`() {
        var serving = ServingStateMachine()
        #expect(!serving.letsIn && !serving.isServing)
        #expect(serving.changed(isServing: false, at: start) == .none)
        #expect(serving.timerFired(at: start + .hours(1)) == .none)
        #expect(serving.changed(isServing: true, at: start) == .welcome)
        #expect(serving.letsIn && serving.isServing)
        #expect(serving.changed(isServing: true, at: start) == .none)
    }

    @Test func `B01 B03 For five seconds without a worker clients are let in and wait, then they are turned away`() {
        var serving = ServingStateMachine()
        _ = serving.changed(isServing: true, at: start)
        #expect(serving.changed(isServing: false, at: start) == .none)
        #expect(serving.letsIn && !serving.isServing)
        #expect(serving.timerFired(at: start + .milliseconds(4999)) == .none)
        #expect(serving.letsIn)
        #expect(serving.changed(isServing: false, at: start + .seconds(4)) == .none, "the time runs from the loss")
        #expect(serving.timerFired(at: start + .seconds(5)) == .turnAway)
        #expect(!serving.letsIn)
        #expect(serving.timerFired(at: start + .seconds(9)) == .none, "once")
        #expect(serving.changed(isServing: true, at: start + .seconds(10)) == .welcome)
        #expect(serving.letsIn)
    }

    @Test func `A worker that is back in time is welcomed, and the next loss has its own five seconds`() {
        var serving = ServingStateMachine()
        _ = serving.changed(isServing: true, at: start)
        _ = serving.changed(isServing: false, at: start)
        #expect(serving.changed(isServing: true, at: start + .seconds(4)) == .welcome)
        #expect(serving.timerFired(at: start + .seconds(6)) == .none)
        _ = serving.changed(isServing: false, at: start + .seconds(7))
        #expect(serving.timerFired(at: start + .seconds(11)) == .none)
        #expect(serving.timerFired(at: start + .seconds(12)) == .turnAway)
    }
}
