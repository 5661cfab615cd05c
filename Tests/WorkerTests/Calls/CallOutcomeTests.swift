import Identity
import Registry
import SIPLookup
import Sylkrtc
import TestSupport
import Testing

@testable import Worker

/// What calls have come to, as the state machines know it when they are over.
@Suite struct CallOutcomeTests {
    private let answer = sdp("answer")
    private let offer = sdp("offer")

    private func hangup(_ code: Int, elsewhere: Bool = false) -> SIPHangup {
        SIPHangup(code: code, reason: "whatever", callID: "c", isAnsweredElsewhere: elsewhere)
    }

    @Test(
        arguments: [
            (200, .answered), (400, .declined), (404, .declined), (408, .failed), (480, .declined), (486, .declined),
            (487, .cancelled), (488, .declined), (500, .failed), (503, .failed), (603, .declined), (0, .failed),
            (302, .failed), (900, .failed),
        ] as [(Int, CallOutcome)])
    func `the end of a call that nobody saw answered says by its code what has come of it`(
        code: Int, outcome: CallOutcome
    ) {
        #expect(CallOutcome(code: code) == outcome)
    }

    // MARK: Calls that come in

    private func rings() -> IncomingCallStateMachine {
        var machine = IncomingCallStateMachine()
        _ = machine.invited(offer)
        _ = machine.recorded()
        return machine
    }

    private func isUp() -> IncomingCallStateMachine {
        var machine = rings()
        _ = machine.answered(answer)
        _ = machine.acceptTaken()
        _ = machine.accepted()
        return machine
    }

    @Test func `a call that the client took is answered, however it ends`() {
        let ends: [(inout IncomingCallStateMachine) -> Void] = [
            { _ = $0.hungUp(hangup(200)) }, { _ = $0.hungUp(hangup(487)) }, { _ = $0.mediaHungUp("DTLS alert") },
            { _ = $0.handleVanished("handle detached") }, { _ = $0.superseded() },
            {
                _ = $0.terminateRequested()
                _ = $0.timedOut()
            },
            {
                _ = $0.ended("reason unspecified")
                _ = $0.hungUp(hangup(200))
            },
        ]
        for end in ends {
            var machine = isUp()
            end(&machine)
            #expect(machine.isEnding && machine.outcome == .answered)
        }
    }

    @Test func `a call that is refused here is declined, whatever else happens to it`() {
        let ends: [(inout IncomingCallStateMachine) -> Void] = [
            { _ = $0.hungUp(hangup(486)) }, { _ = $0.hungUp(hangup(487)) }, { _ = $0.timedOut() },
            { _ = $0.handleVanished("handle detached") },
        ]
        let refusals: [(inout IncomingCallStateMachine) -> Void] = [
            { _ = $0.terminateRequested() }, { _ = $0.ended("reason unspecified") }, { _ = $0.released() },
        ]
        for end in ends {
            for refuse in refusals {
                var machine = rings()
                refuse(&machine)
                end(&machine)
                #expect(machine.outcome == .declined)
            }
        }
        var machine = IncomingCallStateMachine()
        _ = machine.invited(nil)
        _ = machine.hungUp(hangup(488))
        #expect(machine.outcome == .declined, "there is no offer")
    }

    @Test(arguments: [false, true])
    func `a call is cancelled by its caller, by another device, and by the next call`(isElsewhere: Bool) {
        var machine = rings()
        _ = machine.hungUp(hangup(487, elsewhere: isElsewhere))
        #expect(machine.outcome == .cancelled)

        machine = rings()
        _ = machine.superseded()
        #expect(machine.outcome == .cancelled)
    }

    @Test func `a call that ends by itself while it rings has failed`() {
        for code in [408, 500, 503] {
            var machine = rings()
            _ = machine.hungUp(hangup(code))
            #expect(machine.outcome == .failed)
        }
        var machine = rings()
        _ = machine.handleVanished("handle detached")
        #expect(machine.outcome == .failed)
    }

    @Test(
        arguments: [
            (.gone, .nothing, .cancelled), (.declined, .nothing, .declined), (.gone, .established, .answered),
            (.declined, .established, .answered), (.stuck, .accepted, .answered),
        ] as [(IncomingCallStateMachine.Observation, ToldCall.Stage, CallOutcome)])
    func `of a predecessor's call that came in what Janus and the client know decides`(
        seen: IncomingCallStateMachine.Observation, stage: ToldCall.Stage, outcome: CallOutcome
    ) {
        var machine = IncomingCallStateMachine.inherited
        _ = machine.observed(seen)
        _ = machine.resynced(ToldCall(isAcked: true, isAnswered: stage >= .accepted, stage: stage))
        #expect(machine.isEnding && machine.outcome == outcome)
    }

    // MARK: Calls that go out

    private let server = ProxyTarget(.udp, IPAddress(version4: 1), 5060)

    private func dialled() -> OutgoingCallStateMachine {
        var machine = OutgoingCallStateMachine()
        _ = machine.callRequested()
        _ = machine.lookedUp([server])
        _ = machine.recorded()
        _ = machine.attached(handle(7))
        _ = machine.identified()
        _ = machine.sentNoted(handle(7))
        _ = machine.dialled()
        _ = machine.provisional()
        return machine
    }

    @Test func `a call that the callee took is answered, however it ends`() {
        let ends: [(inout OutgoingCallStateMachine) -> Void] = [
            { _ = $0.hungUp(hangup(200)) }, { _ = $0.mediaHungUp("DTLS alert") }, { _ = $0.ended("over") },
            { _ = $0.released() }, { _ = $0.handleVanished("handle detached") },
            {
                _ = $0.terminateRequested()
                _ = $0.timerFired(.hangup)
            },
        ]
        for end in ends {
            var machine = dialled()
            _ = machine.accepted(answer, namesPeer: true)
            end(&machine)
            #expect(machine.isEnding && machine.outcome == .answered)
        }
    }

    @Test(
        arguments: [
            (486, .declined), (603, .declined), (404, .declined), (487, .cancelled), (503, .failed), (408, .failed),
        ] as [(Int, CallOutcome)])
    func `what ends a call before it is answered says what has come of it, unless its caller hung up`(
        code: Int, outcome: CallOutcome
    ) {
        var machine = dialled()
        _ = machine.hungUp(hangup(code))
        #expect(machine.outcome == outcome)

        machine = dialled()
        _ = machine.terminateRequested()
        _ = machine.hungUp(hangup(code))
        #expect(machine.outcome == .cancelled)
    }

    @Test func `a call is cancelled by whoever does not want it any more, and fails by itself`() {
        let ends: [((inout OutgoingCallStateMachine) -> Void, CallOutcome)] = [
            ({ _ = $0.ended("reason unspecified") }, .cancelled), ({ _ = $0.released() }, .cancelled),
            (
                {
                    _ = $0.timerFired(.ring)
                    _ = $0.timerFired(.hangup)
                }, .cancelled
            ),
            (
                {
                    _ = $0.terminateRequested()
                    _ = $0.handleVanished("handle detached")
                }, .cancelled
            ),
            ({ _ = $0.handleVanished("handle detached") }, .failed), ({ _ = $0.mediaHungUp("ICE failed") }, .failed),
            ({ _ = $0.dialRefused("Invalid user address") }, .failed),
        ]
        for (end, outcome) in ends {
            var machine = dialled()
            end(&machine)
            #expect(machine.isEnding && machine.outcome == outcome)
        }
    }

    @Test func `a call that never left has failed, or was given up before`() {
        var machine = OutgoingCallStateMachine()
        _ = machine.callRequested()
        var given = machine
        _ = machine.lookupFailed("DNS lookup error: no results found")
        #expect(machine.outcome == .failed)
        _ = given.terminateRequested()
        #expect(given.outcome == .cancelled)

        machine = OutgoingCallStateMachine()
        _ = machine.callRequested()
        _ = machine.lookedUp([server])
        _ = machine.recordingFailed("the registry is not available")
        #expect(machine.outcome == .failed)
    }

    @Test(
        arguments: [(.progress, .failed), (.accepted, .answered), (.established, .answered)]
            as [(ToldCall.Stage, CallOutcome)])
    func `of a predecessor's call that Janus does not show what its client was told decides`(
        stage: ToldCall.Stage, outcome: CallOutcome
    ) {
        var machine = OutgoingCallStateMachine.inherited(isSent: true)
        _ = machine.observed(OutgoingCallStateMachine.Observation(handle: handle(7), phase: .idle))
        _ = machine.resynced(ToldCall(isAcked: true, stage: stage), isPending: false)
        #expect(machine.isEnding && machine.outcome == outcome)
    }
}
