import Identity
import SIPLookup
import Sylkrtc
import TestSupport
import Testing

@testable import Worker

/// What registrars say to a successor after it has asked Janus, and before its front door has spoken.
@Suite struct RegistrationUnsettledTests {
    typealias Machine = RegistrationStateMachine

    private let h = handle(7)

    private func found(_ standing: Machine.Standing) -> Machine {
        var machine = Machine.inherited
        _ = machine.observed(Machine.Observation(handle: h, standing: standing))
        return machine
    }

    private func told(_ stage: ToldRegistration.Stage, isAcked: Bool = true) -> ToldRegistration {
        ToldRegistration(isAcked: isAcked, stage: stage)
    }

    @Test func `E02 consent that comes before the front door speaks is told then, and helpers can be made`() {
        var machine = found(.registering)
        #expect(machine.registered(master: 9) == [.recordMaster(9)])
        #expect(machine.master == 9)
        #expect(machine.resynced(told(.registering), isPending: false) == [.tell(.registered)])
        machine = found(.registering)
        _ = machine.registered(master: nil)
        #expect(
            machine.resynced(told(.nothing, isAcked: false), isPending: true) == [
                .answerAgain(.ack), .tell(.registered),
            ])
    }

    @Test func `E02 a refusal that comes before the front door speaks is told then`() {
        var machine = found(.registering)
        #expect(machine.registrationFailed(code: 403, reason: "Forbidden") == [])
        #expect(
            machine.resynced(told(.registering), isPending: false) == [.tell(.failed(reason: "403 Forbidden"))])
        machine = found(.registering)
        #expect(machine.refused(.plugin(code: 444, reason: "Invalid element")) == [])
        #expect(
            machine.resynced(told(.nothing), isPending: false) == [.tell(.failed(reason: "500 Invalid element"))])
    }

    @Test func `E02 a refusal of a request that was not answered is followed by another try`() {
        var machine = found(.registering)
        _ = machine.registrationFailed(code: 403, reason: "Forbidden")
        #expect(machine.resynced(told(.nothing, isAcked: false), isPending: true) == [.stopRetryTimer, .find])
    }

    @Test func `a refresh that fails before the front door speaks is a loss`() {
        var machine = found(.registered)
        #expect(machine.registrationFailed(code: 408, reason: "Request Timeout") == [])
        #expect(machine.resynced(told(.registered), isPending: false) == [.stopRetryTimer, .tellLost, .leave(h)])
        machine = found(.registered)
        _ = machine.registering()
        _ = machine.registrationFailed(code: 408, reason: "Request Timeout")
        #expect(machine.resynced(told(.registering), isPending: false) == [.stopRetryTimer, .tellLost, .leave(h)])
    }

    @Test func `what was refused and then accepted is registered`() {
        var machine = found(.registering)
        _ = machine.registrationFailed(code: 503, reason: "x")
        _ = machine.registering()
        _ = machine.refused(.plugin(code: 445, reason: "Already registered"))
        #expect(machine.resynced(told(.registered), isPending: false) == [])
        #expect(machine.standing == .registered)
    }
}
