import Identity
import Sylkrtc
import TestSupport
import Testing

@testable import Worker

/// What a successor makes of a predecessor's call that has gone on, or has been replaced, while nobody looked.
@Suite struct IncomingCallTakeoverTests {
    typealias Action = IncomingCallStateMachine.Action
    typealias Machine = IncomingCallStateMachine

    private let offer = sdp("offer")
    private let answer = sdp("answer")

    private func rings() -> Machine {
        var machine = Machine.inherited
        _ = machine.observed(.ringing(offer: offer))
        return machine
    }

    private func told(_ reason: String, isMissed: Bool = false) -> [Action] {
        [.answerTerminates, .tellTerminated(reason: reason, isMissed: isMissed), .finish]
    }

    // MARK: Another call

    @Test func `D29 of a call that was replaced the client is told what fits what it knows`() {
        var machine = rings()
        #expect(machine.replaced() == [.returnHandle(.taken)])
        #expect(machine.isEnding && !machine.awaitsAnswer)
        #expect(machine.resynced(ToldCall(isAcked: true)) == [.stopTimer, .markEnded])
        #expect(machine.marked() == told("487 Request Terminated", isMissed: true))

        machine = rings()
        _ = machine.replaced()
        _ = machine.resynced(ToldCall(isAcked: true, isAnswered: true, stage: .established))
        #expect(machine.marked() == told("200 Session Terminated"))
    }

    @Test(arguments: [ToldCall.Stage.accepted, .established])
    func `D29 what rings where a call was answered is another one`(stage: ToldCall.Stage) {
        var machine = rings()
        #expect(
            machine.resynced(ToldCall(isAcked: true, isAnswered: true, stage: stage)) == [
                .stopTimer, .returnHandle(.taken), .markEnded,
            ])
        #expect(machine.replaced() == [])
        #expect(machine.marked() == told("200 Session Terminated"))
    }

    @Test func `D29 a call whose answer was taken may be replaced, too`() {
        var machine = rings()
        _ = machine.resynced(ToldCall(isAcked: true, isAnswered: true))
        #expect(machine.replaced() == [.stopTimer, .returnHandle(.taken), .markEnded])
        #expect(machine.marked() == told("487 Request Terminated", isMissed: true))
    }

    @Test func `D29 an answer to a call that was replaced is refused`() {
        var machine = rings()
        _ = machine.resynced(ToldCall(isAcked: true))
        _ = machine.answered(answer)
        #expect(machine.replaced() == [.stopTimer, .returnHandle(.taken), .markEnded])
        #expect(
            machine.marked() == [.answerAccept(.error("487 Request Terminated"))]
                + told("487 Request Terminated", isMissed: true))
    }

    @Test func `a call that was released and replaced is over without a word`() {
        var machine = Machine.inherited
        _ = machine.released()
        _ = machine.observed(.ringing(offer: offer))
        #expect(machine.replaced() == [.stopTimer, .returnHandle(.taken), .markEnded])
        #expect(machine.marked() == [.finish])
    }

    // MARK: An answer in flight

    @Test func `R07 E06 an answer that a predecessor has given is told as soon as it is known who knows of it`() {
        var machine = rings()
        #expect(machine.accepted() == [.tell(.accepted(answer: nil))], "which nobody hears yet")
        #expect(machine.mediaUp() == [.tell(.established)])
        #expect(
            machine.resynced(ToldCall(isAcked: true, isAnswered: true)) == [
                .tell(.accepted(answer: nil)), .tell(.established),
            ])

        machine = rings()
        _ = machine.accepted()
        #expect(machine.resynced(ToldCall(isAcked: true)) == [])
        #expect(machine.awaitsAnswer, "the client asks again")
        #expect(machine.answered(answer) == [.answerAccept(.ack), .tell(.accepted(answer: nil))])
    }

    @Test func `R07 E06 an answer that Janus was too slow to take is in force all the same`() {
        var machine = Machine()
        _ = machine.invited(offer)
        _ = machine.recorded()
        _ = machine.answered(answer)
        #expect(machine.acceptRefused("request timed out") == [.answerAccept(.error("request timed out"))])
        #expect(machine.accepted() == [.tell(.accepted(answer: nil))])
        #expect(!machine.awaitsAnswer)
    }

    @Test func `R09 a call that was declined while it was being answered is hung up`() {
        var machine = rings()
        _ = machine.resynced(ToldCall(isAcked: true))
        #expect(machine.terminateRequested() == [.decline(486), .startTimer])
        #expect(machine.accepted() == [.hangUp, .startTimer], "a decline means nothing to Janus any more")
        #expect(machine.accepted() == [])
    }
}
