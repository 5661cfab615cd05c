import Identity
import SIPLookup
import Sylkrtc
import TestSupport
import Testing

@testable import Worker

/// A predecessor's registrations, whatever Janus did and the client was told meanwhile.
@Suite struct RegistrationResumeTests {
    typealias Machine = RegistrationStateMachine

    private let h = handle(7)
    private let one = target(1)

    private func found(_ standing: Machine.Standing, handle: JanusHandleID? = handle(7), master: UInt64? = nil)
        -> Machine
    {
        var machine = Machine.inherited
        let actions = machine.observed(Machine.Observation(handle: handle, standing: standing, master: master))
        #expect(actions == [])
        return machine
    }

    private func told(_ stage: ToldRegistration.Stage, isAcked: Bool = true) -> ToldRegistration {
        ToldRegistration(isAcked: isAcked, stage: stage)
    }

    @Test func `a registration that is as it was told needs no word`() {
        var machine = found(.registered)
        #expect(machine.resynced(told(.registered), isPending: false) == [])
        machine = found(.registering)
        #expect(machine.resynced(told(.registering), isPending: false) == [])
        #expect(machine.registered(master: 9) == [.tell(.registered), .recordMaster(9)])
    }

    @Test(arguments: [ToldRegistration.Stage.nothing, .registering])
    func `what came about unseen is told`(_ stage: ToldRegistration.Stage) {
        var machine = found(.registered)
        #expect(machine.resynced(told(stage), isPending: false) == [.tell(.registered)])
    }

    @Test func `a request whose answer was lost is answered, and then what it led to is told`() {
        var machine = found(.registered)
        #expect(
            machine.resynced(told(.nothing, isAcked: false), isPending: true) == [
                .answerAgain(.ack), .tell(.registered),
            ])
    }

    @Test func `a request to register again is answered before anything is told`() {
        var machine = found(.registered)
        #expect(machine.resynced(told(.nothing), isPending: false, isRenewing: true) == [])
        #expect(machine.registerRequested() == [.stopRetryTimer, .find])
        #expect(machine.found([one]) == [.register(h, one, isRefresh: true)])
        #expect(machine.registering() == [.answer(.ack), .tell(.registering)])
        #expect(machine.registered(master: nil) == [.tell(.registered)])
        // Nor on a new link to a living worker.
        #expect(machine.resynced(told(.nothing), isPending: false, isRenewing: true) == [])
    }

    @Test func `a request of which nothing is seen is begun again on the handle that is there`() {
        var machine = found(.none)
        #expect(machine.resynced(told(.nothing, isAcked: false), isPending: true) == [.stopRetryTimer, .find])
        // Which transport the handle has begun with nobody knows.
        #expect(machine.found([one]) == [.attachReplacement(one)])
    }

    @Test func `a request that has no handle yet gets one`() {
        var machine = found(.none, handle: nil)
        #expect(machine.resynced(told(.nothing, isAcked: false), isPending: true) == [.stopRetryTimer, .find])
        #expect(machine.found([one]) == [.attach])
        #expect(machine.attached(h) == [.register(h, one, isRefresh: false)])
    }

    @Test(arguments: [ToldRegistration.Stage.nothing, .registering, .registered])
    func `a registration that Janus has lost is told to be`(_ stage: ToldRegistration.Stage) {
        var machine = found(.none)
        #expect(machine.resynced(told(stage), isPending: false) == [.stopRetryTimer, .tellLost, .leave(h)])
        machine = found(.none, handle: nil)
        #expect(machine.resynced(told(stage), isPending: false) == [.stopRetryTimer, .tellLost, .markEnded])
    }

    @Test func `a registration that has failed stays so`() {
        var machine = found(.none)
        #expect(machine.resynced(told(.failed), isPending: false) == [])
        #expect(machine.retryDue() == [.stopRetryTimer, .find], "its shell has no reason to call")
    }

    @Test func `without the password a later failure is a loss, and the front door registers anew`() {
        var machine = found(.registered)
        _ = machine.resynced(told(.registered), isPending: false)
        #expect(
            machine.registrationFailed(code: 408, reason: "Request Timeout")
                == [.stopRetryTimer, .tellLost, .leave(h)])
    }

    @Test func `a handle that turns out to have another transport is replaced`() {
        var machine = found(.registered)
        _ = machine.resynced(told(.registered), isPending: false)
        _ = machine.registerRequested()
        let tcp = target(1, .tcp)
        #expect(machine.found([tcp]) == [.register(h, tcp, isRefresh: true)])
        _ = machine.registerAccepted()
        #expect(machine.registrationFailed(code: 503, reason: "No transport") == [.attachReplacement(tcp)])
    }

    @Test func `a release before Janus was asked waits for what there is to undo`() {
        var machine = Machine.inherited
        #expect(machine.released() == [])
        #expect(machine.observed(Machine.Observation(handle: h, standing: .registered)) == [.leave(h)])
    }

    @Test func `a new link to a living worker says what the last one lost`() {
        var machine = Machine()
        _ = machine.registerRequested()
        _ = machine.found([one])
        _ = machine.recorded()
        #expect(machine.resynced(told(.nothing, isAcked: false), isPending: true) == [], "not answered yet")
        _ = machine.attached(h)
        _ = machine.registerAccepted()
        #expect(machine.resynced(told(.nothing, isAcked: false), isPending: true) == [.answerAgain(.ack)])
        _ = machine.registering()
        _ = machine.registered(master: 9)
        #expect(machine.resynced(told(.registering), isPending: false) == [.tellAgain(.registered)])
        #expect(machine.resynced(told(.registered), isPending: false) == [])
        _ = machine.handleVanished("gone")
        #expect(machine.resynced(told(.registered), isPending: false) == [.tellLost], "until it is over")
    }
}
