import Identity
import Sylkrtc
import TestSupport
import Testing

@testable import Worker

@Suite struct IncomingCallStateMachineTests {
    typealias Action = IncomingCallStateMachine.Action
    typealias Machine = IncomingCallStateMachine

    private let offer = sdp("offer")
    private let answer = sdp("answer")

    // MARK: The whole way

    @Test func `E03 R07 E06 a call that comes in is recorded, told, answered, accepted and established`() {
        var machine = Machine()
        #expect(machine.invited(offer) == [.record])
        #expect(machine.recorded() == [.present(offer)])
        #expect(machine.awaitsAnswer)
        #expect(machine.answered(answer) == [.accept(answer)])
        #expect(!machine.awaitsAnswer, "a second answer is refused (D34)")
        #expect(machine.acceptTaken() == [.answerAccept(.ack)])
        #expect(machine.accepted() == [.tell(.accepted(answer: nil))])
        #expect(machine.mediaUp() == [.tell(.established)])
        #expect(machine.hungUp(bye) == [.stopTimer, .returnHandle(.free), .markEnded])
        #expect(machine.marked() == told("200 Session Terminated"))
    }

    @Test func `R07 an acceptance that overtakes its acknowledgement changes no order`() {
        var machine = at(.answering)
        #expect(machine.accepted() == [.answerAccept(.ack), .tell(.accepted(answer: nil))])
        #expect(machine.acceptTaken() == [])
    }

    @Test func `B18 media that comes before the acceptance is told right after it (D33)`() {
        var machine = at(.confirming)
        #expect(machine.mediaUp() == [])
        #expect(machine.accepted() == [.tell(.accepted(answer: nil)), .tell(.established)])
        #expect(machine.accepted() == [] && machine.mediaUp() == [])
    }

    @Test func `R07 an answer that Janus does not take can be followed by a better one`() {
        var machine = at(.answering)
        #expect(machine.acceptRefused("bad SDP") == [.answerAccept(.error("bad SDP"))])
        #expect(machine.awaitsAnswer)
    }

    @Test func `B13 an answer refused after it was taken ends the call (D16)`() {
        var machine = at(.confirming)
        #expect(machine.acceptFailed("no codec") == [.decline(488), .startTimer])
        #expect(machine.hungUp(declined(488)) == [.reset, .stopTimer, .returnHandle(.free), .markEnded])
        #expect(machine.marked() == told("500 no codec"))
    }

    // MARK: Ends

    @Test func `E04 a caller who gives up is missed, after the end is told`() {
        var machine = at(.ringing)
        #expect(machine.hungUp(cancelled()) == [.reset, .stopTimer, .returnHandle(.free), .markEnded])
        #expect(machine.hungUp(cancelled()) == [])
        #expect(machine.marked() == told("487 Request Terminated", isMissed: true))
    }

    @Test func `E04 a call that another device has taken is not missed (D32)`() {
        var machine = at(.ringing)
        _ = machine.hungUp(cancelled(elsewhere: true))
        #expect(machine.marked() == told("487 Request Terminated"))
    }

    @Test(arguments: [486, 480, 408, 500])
    func `E04 other ends are no missed calls`(code: Int) {
        var machine = at(.ringing)
        _ = machine.hungUp(declined(code))
        #expect(machine.marked() == told("\(code) Declined"))
    }

    @Test func `E04 a call that was answered is not missed`() {
        var machine = at(.established)
        #expect(machine.hungUp(cancelled()) == [.stopTimer, .returnHandle(.free), .markEnded])
        #expect(machine.marked() == told("487 Request Terminated"))
    }

    @Test func `R09 a call that rings is declined with 486`() {
        var machine = at(.ringing)
        #expect(machine.terminateRequested() == [.decline(486), .startTimer])
        #expect(machine.terminateRequested() == [])
        #expect(!machine.awaitsAnswer)
        #expect(machine.terminationTaken() == [.answerTerminates])
        #expect(machine.hungUp(declined(486)) == [.reset, .stopTimer, .returnHandle(.free), .markEnded])
        #expect(machine.marked() == told("486 Declined"))
    }

    @Test(arguments: [At.confirming, .accepted, .established])
    func `R09 a call that is answered is hung up`(state: At) {
        var machine = at(state)
        #expect(machine.terminateRequested() == [.hangUp, .startTimer])
        #expect(machine.terminationTaken() == [.answerTerminates])
        #expect(machine.hungUp(bye).suffix(2) == [.returnHandle(.free), .markEnded])
        #expect(machine.marked() == told("200 Session Terminated"))
    }

    @Test(arguments: [At.ringing, .established])
    func `R09 what Janus ignores ends all the same, and its handle is marked as stuck (D35)`(state: At) {
        var machine = at(state)
        #expect(machine.timedOut() == [], "nobody has asked for the end")
        _ = machine.terminateRequested()
        #expect(machine.timedOut() == [.stopTimer, .returnHandle(.stuck), .markEnded])
        #expect(machine.marked() == told("408 Request Timeout"))
    }

    @Test func `B18 a call without an offer is declined with 488 and missed, and its handle is freed (D30)`() {
        var machine = Machine()
        #expect(machine.invited(nil) == [.decline(488), .tellMissed, .startTimer])
        #expect(machine.isEnding && !machine.awaitsAnswer)
        #expect(machine.hungUp(declined(488)) == [.reset, .stopTimer, .returnHandle(.free), .finish])
        #expect(!machine.isRecorded)
    }

    @Test func `a call that cannot be recorded is declined and missed`() {
        var machine = Machine()
        _ = machine.invited(offer)
        #expect(machine.recordingFailed() == [.decline(480), .tellMissed, .startTimer])
        #expect(machine.timedOut() == [.stopTimer, .returnHandle(.stuck), .finish])
    }

    @Test func `B18 another call on the same handle ends the one before (D29)`() {
        var machine = at(.ringing)
        #expect(machine.superseded() == [.stopTimer, .returnHandle(.taken), .markEnded])
        #expect(machine.marked() == told("reason unspecified"))
    }

    @Test func `B17 E06 media that ends ends an answered call, and the handle stays`() {
        var machine = at(.established)
        #expect(machine.mediaHungUp("DTLS alert") == [.stopTimer, .returnHandle(.free), .markEnded])
        #expect(machine.marked() == told("DTLS alert"))

        machine = at(.ringing)
        #expect(machine.mediaHungUp("Close PC") == [], "that is of the call before")
    }

    @Test func `B14 a handle that Janus removed is not given back (D19)`() {
        var machine = at(.established)
        #expect(machine.handleVanished("handle detached") == [.stopTimer, .markEnded])
        #expect(machine.marked() == told("handle detached"))
    }

    @Test func `B19 an account that goes ends its call: 480 while it rings, a hangup later (D23)`() {
        var machine = at(.ringing)
        #expect(machine.ended("unregistered") == [.decline(480), .startTimer])
        _ = machine.hungUp(declined(480))
        #expect(machine.marked() == told("unregistered"))

        machine = at(.established)
        #expect(machine.ended("unregistered") == [.hangUp, .startTimer])
        _ = machine.hungUp(bye)
        #expect(machine.marked() == told("unregistered"))
    }

    @Test func `a caller who gives up before the row is written is missed without having rung`() {
        var machine = Machine()
        _ = machine.invited(offer)
        #expect(machine.hungUp(cancelled()) == [.reset, .stopTimer])
        #expect(machine.recorded() == [.stopTimer, .returnHandle(.free), .markEnded])
        #expect(machine.marked() == [.tellMissed, .finish])
    }

    @Test func `an end while the answer is on its way answers both`() {
        var machine = at(.answering)
        _ = machine.hungUp(cancelled())
        #expect(
            machine.marked() == [.answerAccept(.error("487 Request Terminated"))]
                + told("487 Request Terminated", isMissed: true))
        #expect(machine.acceptTaken() == [])
    }

    @Test(arguments: At.allCases)
    func `a released call ends in every state, and nobody is told`(state: At) {
        var machine = at(state)
        var actions = machine.released()
        if state == .recording { actions += machine.recorded() }
        #expect(actions.contains(.startTimer))
        actions += machine.timedOut()
        actions += machine.marked()
        #expect(actions.suffix(2) == [.markEnded, .finish])
    }

    // MARK: Being taken over

    @Test func `a call that rings goes on ringing, and is told only to whom has not heard`() {
        var machine = Machine.inherited
        #expect(machine.observed(.ringing(offer: offer)) == [])
        #expect(machine.resynced(ToldCall(isAcked: true)) == [])
        #expect(machine.answered(answer) == [.accept(answer)])

        machine = .inherited
        _ = machine.observed(.ringing(offer: offer))
        #expect(machine.resynced(nil) == [.present(offer)])
        #expect(machine.awaitsAnswer)
    }

    @Test func `an unanswered call that is gone is missed`() {
        var machine = Machine.inherited
        _ = machine.observed(.gone)
        #expect(
            machine.resynced(ToldCall(isAcked: true)) == [.stopTimer, .returnHandle(.free), .markEnded])
        #expect(machine.marked() == told("487 Request Terminated", isMissed: true))

        machine = .inherited
        _ = machine.observed(.gone)
        _ = machine.resynced(nil)
        #expect(machine.marked() == [.tellMissed, .finish], "of whom nobody has heard")
    }

    @Test func `a call that a predecessor has declined is not missed`() {
        var machine = Machine.inherited
        _ = machine.observed(.declined)
        #expect(
            machine.resynced(ToldCall(isAcked: true)) == [.stopTimer, .returnHandle(.free), .markEnded])
        #expect(machine.marked() == told("486 Busy Here"))

        machine = .inherited
        _ = machine.observed(.declined)
        _ = machine.resynced(ToldCall(isAcked: true, isAnswered: true, stage: .established))
        #expect(machine.marked() == told("200 Session Terminated"), "a hangup of ours")
    }

    @Test(arguments: [ToldCall.Stage.accepted, .established])
    func `an established call that is gone is over`(stage: ToldCall.Stage) {
        var machine = Machine.inherited
        _ = machine.observed(.gone)
        _ = machine.resynced(ToldCall(isAcked: true, isAnswered: true, stage: stage))
        #expect(machine.marked() == told("200 Session Terminated"))
    }

    @Test func `an answer that Janus has is acknowledged before what follows from it`() {
        var machine = Machine.inherited
        _ = machine.observed(.inCall(isMediaUp: true))
        #expect(machine.resynced(ToldCall(isAcked: true)) == [])
        #expect(machine.awaitsAnswer, "the client asks again")
        #expect(
            machine.answered(answer)
                == [.answerAccept(.ack), .tell(.accepted(answer: nil)), .tell(.established)])

        machine = .inherited
        _ = machine.observed(.inCall(isMediaUp: true))
        #expect(
            machine.resynced(ToldCall(isAcked: true, isAnswered: true, stage: .accepted)) == [.tell(.established)])
    }

    @Test func `an acknowledged answer is never given again`() {
        var machine = Machine.inherited
        _ = machine.observed(.ringing(offer: offer))
        #expect(machine.resynced(ToldCall(isAcked: true, isAnswered: true)) == [])
        #expect(!machine.awaitsAnswer)
        #expect(machine.accepted() == [.tell(.accepted(answer: nil))])
    }

    @Test func `an end that is seen before the front door speaks is told by what it says then`() {
        var machine = Machine.inherited
        _ = machine.observed(.ringing(offer: offer))
        _ = machine.hungUp(cancelled())
        #expect(machine.marked() == told("487 Request Terminated", isMissed: true), "and not as missed by itself")
    }

    @Test func `what rings on the handle may be another call by now`() {
        var machine = Machine.inherited
        _ = machine.observed(.ringing(offer: offer))
        _ = machine.resynced(ToldCall(isAcked: true))
        #expect(machine.replaced() == [.stopTimer, .returnHandle(.taken), .markEnded])
    }

    @Test func `a handle that Janus has not freed is given back as stuck`() {
        var machine = Machine.inherited
        #expect(machine.observed(.stuck) == [.returnHandle(.stuck)])
        #expect(machine.resynced(ToldCall(isAcked: true, isAnswered: true, stage: .established)).last == .markEnded)
        #expect(machine.marked() == told("200 Session Terminated"))
    }

    @Test func `a call given up before Janus was asked ends when it is known what there is to undo`() {
        var machine = Machine.inherited
        #expect(machine.released() == [])
        #expect(machine.observed(.ringing(offer: offer)) == [.decline(480), .startTimer])
        _ = machine.hungUp(declined(480))
        #expect(machine.marked() == [.finish])

        machine = .inherited
        _ = machine.ended("unregistered")
        #expect(machine.observed(.gone) == [.stopTimer, .returnHandle(.free), .markEnded])
    }

    // MARK: Helpers

    enum At: CaseIterable { case recording, ringing, answering, confirming, accepted, established }

    private let bye = SIPHangup(code: 200, reason: "Session Terminated", callID: "c")

    private func cancelled(elsewhere: Bool = false) -> SIPHangup {
        SIPHangup(code: 487, reason: "Request Terminated", callID: "c", isAnsweredElsewhere: elsewhere)
    }

    private func declined(_ code: Int) -> SIPHangup { SIPHangup(code: code, reason: "Declined", callID: "c") }

    private func at(_ state: At) -> Machine {
        var machine = Machine()
        _ = machine.invited(offer)
        let steps: [(inout Machine) -> Void] = [
            { _ = $0.recorded() }, { _ = $0.answered(answer) }, { _ = $0.acceptTaken() }, { _ = $0.accepted() },
            { _ = $0.mediaUp() },
        ]
        for step in steps.prefix(At.allCases.firstIndex(of: state) ?? 0) { step(&machine) }
        return machine
    }

    private func told(_ reason: String, isMissed: Bool = false) -> [Action] {
        [.answerTerminates, .tellTerminated(reason: reason, isMissed: isMissed), .finish]
    }
}
