import Identity
import SIPLookup
import Sylkrtc
import TestSupport
import Testing

@testable import Worker

@Suite struct OutgoingCallStateMachineTests {
    typealias Action = OutgoingCallStateMachine.Action
    typealias Machine = OutgoingCallStateMachine

    private let h = handle(7)
    private let other = handle(8)
    private let answer = sdp("answer")
    private let first = ProxyTarget(.udp, IPAddress(version4: 1), 5060)
    private let second = ProxyTarget(.tcp, IPAddress(version4: 2), 5060)
    private let stops: [Action] = OutgoingCallStateMachine.Timer.allCases.map { .stop($0) }

    // MARK: The whole way

    @Test func `R06 E06 a call from the request to the media: its ack comes before its progress`() {
        var machine = Machine()
        #expect(machine.callRequested() == [.lookUp])
        #expect(machine.lookedUp([first, second]) == [.record])
        #expect(machine.recorded() == [.attach(.udp)])
        #expect(machine.attached(h) == [.identify(first), .start(.identify)])
        #expect(machine.identified() == [.stop(.identify), .noteSent(h)])
        #expect(machine.sentNoted(h) == [.dial])
        #expect(machine.dialled() == [.answerCall(.ack), .start(.ring)])
        #expect(machine.calling() == [.start(.settle), .tell(.progress)])
        #expect(machine.provisional() == [.stop(.settle)])
        #expect(
            machine.accepted(answer, namesPeer: true)
                == [.stop(.ring), .stop(.settle), .tell(.accepted(answer: answer))])
        #expect(machine.mediaUp() == [.tell(.established)])
        #expect(machine.hungUp(bye) == stops + [.detach(h)])
        #expect(machine.detached() == [.markEnded])
        #expect(machine.marked() == [.answerTerminates, .tell(.terminated(reason: "200 Session Terminated")), .finish])
    }

    @Test func `R06 an event that overtakes the acknowledgement changes no order`() {
        var machine = at(.dialling)
        #expect(machine.calling() == [.answerCall(.ack), .start(.ring), .start(.settle), .tell(.progress)])
        #expect(machine.dialled() == [])

        machine = at(.dialling)
        #expect(machine.hungUp(busy) == [.answerCall(.ack), .start(.ring)] + stops + [.detach(h)])
    }

    @Test func `R06 an INVITE does not leave before the registry knows that it may have left`() {
        var machine = at(.noting)
        #expect(machine.calling() == [] && machine.provisional() == [] && machine.dialled() == [])
        #expect(machine.sentNoted(other) == [], "another handle's")
        #expect(machine.sentNoted(h) == [.dial])
        #expect(machine.sentNoted(h) == [], "and once")
    }

    // MARK: Early media and order

    @Test func `B18 the answer of early media is told when the call is accepted without one (D28)`() {
        var machine = at(.progress)
        #expect(machine.provisional(answer) == [.stop(.settle)])
        #expect(machine.mediaUp() == [], "early media is up before the answer (D33)")
        #expect(
            machine.accepted(nil, namesPeer: true)
                == [.stop(.ring), .stop(.settle), .tell(.accepted(answer: answer)), .tell(.established)])
    }

    @Test func `B18 an answer of its own replaces that of early media (D28)`() {
        var machine = at(.progress)
        _ = machine.provisional(sdp("early"))
        #expect(machine.accepted(answer, namesPeer: true).contains(.tell(.accepted(answer: answer))))
    }

    @Test func `B18 late events change nothing, and no state comes twice (D33)`() {
        var machine = at(.established)
        #expect(machine.calling() == [] && machine.provisional(answer) == [])
        #expect(machine.accepted(answer, namesPeer: true) == [] && machine.mediaUp() == [])
    }

    @Test func `a call that is accepted without any description is over`() {
        var machine = at(.progress)
        #expect(machine.accepted(nil, namesPeer: true) == stops + [.detach(h)])
        #expect(finished(&machine) == told("488 Not Acceptable Here"))
    }

    // MARK: Failures on the way

    @Test func `B29 R06 a failed lookup is the answer, and nothing was recorded`() {
        var machine = Machine()
        _ = machine.callRequested()
        #expect(
            machine.lookupFailed("DNS lookup error: no results found") == stops
                + refusal("DNS lookup error: no results found"))
        machine = Machine()
        _ = machine.callRequested()
        #expect(machine.lookedUp([]) == stops + refusal("DNS lookup error: no results found"))
    }

    @Test func `R06 a failure at each step is undone before it is answered`() {
        var machine = at(.recording)
        #expect(machine.recordingFailed("no registry") == refusal("no registry"))

        machine = at(.attaching)
        #expect(machine.attachFailed("no handle") == [.markEnded])
        #expect(machine.marked() == refusal("no handle"))

        machine = at(.identifying)
        #expect(machine.identificationFailed("Missing element") == stops + [.detach(h)])
        #expect(finished(&machine) == refusal("Missing element"))

        machine = at(.noting)
        #expect(machine.sentNotNoted("no registry") == stops + [.detach(h)])
        #expect(finished(&machine) == refusal("no registry"))

        machine = at(.dialling)
        #expect(machine.dialRefused("Error processing SDP") == stops + [.detach(h)])
        #expect(finished(&machine) == refusal("Error processing SDP"))
    }

    @Test func `a handle that never learns who calls fails the call`() {
        var machine = at(.identifying)
        #expect(machine.timerFired(.identify) == stops + [.detach(h)])
        #expect(finished(&machine) == refusal("the media server did not take the account"))
    }

    @Test func `B13 a refusal that comes as an event after the ack ends the call (D16)`() {
        var machine = at(.inviting)
        #expect(machine.dialRefused("Invalid user address") == stops + [.detach(h)])
        #expect(finished(&machine) == told("500 Invalid user address"))
    }

    @Test(arguments: [(486, "Busy Here"), (404, "Not Found"), (603, "Decline"), (480, "Temporarily Unavailable")])
    func `E06 what the callee or a proxy says ends the call with its words`(code: Int, reason: String) {
        var machine = at(.progress)
        #expect(machine.hungUp(SIPHangup(code: code, reason: reason, callID: "c")) == stops + [.detach(h)])
        #expect(machine.hungUp(bye) == [], "once")
        #expect(machine.mediaHungUp("Close PC") == [])
        #expect(finished(&machine) == told("\(code) \(reason)"))
    }

    @Test func `E06 media that ends first ends the call with its reason`() {
        var machine = at(.established)
        #expect(machine.mediaHungUp("DTLS alert") == stops + [.detach(h)])
        #expect(finished(&machine) == told("DTLS alert"))
    }

    @Test func `B14 a handle that Janus removed is not detached (D19)`() {
        var machine = at(.established)
        #expect(machine.handleVanished("handle detached") == stops + [.markEnded])
        #expect(machine.marked() == told("handle detached"))
    }

    // MARK: Other servers

    @Test func `a server that refuses is followed by the next, on another handle, once each`() {
        var machine = at(.progress)
        #expect(
            machine.hungUp(unavailable)
                == [.proxyFailed(first), .stop(.ring), .stop(.settle), .stop(.identify), .discard(h), .attach(.tcp)])
        #expect(machine.attached(other) == [.identify(second), .start(.identify)])
        #expect(machine.identified() == [.stop(.identify), .noteSent(other)])
        #expect(machine.sentNoted(other) == [.dial])
        #expect(machine.dialled() == [.start(.ring)], "acknowledged once")
        #expect(machine.calling() == [.start(.settle)], "told once")
        #expect(machine.hungUp(unavailable) == [.proxyFailed(second)] + stops + [.detach(other)])
        #expect(finished(&machine) == told("503 Service Unavailable"))
    }

    @Test func `silence is told of, and is no reason to dial again: somebody may have the INVITE`() {
        var machine = at(.progress)
        let timeout = SIPHangup(code: 408, reason: "Request Timeout", callID: "c")
        #expect(machine.hungUp(timeout) == [.proxyFailed(first)] + stops + [.detach(h)])
        #expect(finished(&machine) == told("408 Request Timeout"))
    }

    @Test func `after a provisional answer a refusal is the callee's`() {
        var machine = at(.progress)
        _ = machine.provisional()
        #expect(machine.hungUp(unavailable) == stops + [.detach(h)])
    }

    @Test func `a server that cannot be spoken to is passed over before anything is dialled`() {
        var machine = at(.identifying)
        #expect(
            machine.serverRefused("503 No transport")
                == [.proxyFailed(first), .stop(.identify), .discard(h), .attach(.tcp)])
        #expect(machine.attached(other) == [.identify(second), .start(.identify)])
        #expect(machine.serverRefused("503 No transport") == [.proxyFailed(second)] + stops + [.detach(other)])
        #expect(finished(&machine) == refusal("503 No transport"))
    }

    @Test func `a stranger who rings at the handle before it is used costs the handle and not the call`() {
        var machine = at(.identifying)
        #expect(machine.intruded() == [.stop(.identify), .discard(h), .attach(.udp)])
        #expect(machine.attached(other) == [.identify(first), .start(.identify)])
        machine = at(.progress)
        #expect(machine.intruded() == [])
    }

    // MARK: Terminating

    @Test(arguments: [At.answered, .established])
    func `R09 a call that is up is hung up, acknowledged, and over when Janus says so`(state: At) {
        var machine = at(state)
        #expect(machine.terminateRequested() == [.hangUp, .start(.hangup)])
        #expect(machine.terminateRequested() == [])
        #expect(machine.hangupTaken() == [.answerTerminates])
        #expect(machine.hungUp(SIPHangup(code: 200, reason: "to BYE", callID: "c")) == stops + [.detach(h)])
        #expect(finished(&machine) == told("200 to BYE"))
    }

    @Test func `R09 a hangup waits for the first answer of the proxy, without which it would be lost`() {
        var machine = at(.progress)
        #expect(machine.terminateRequested() == [.start(.settle)])
        #expect(machine.provisional() == [.stop(.settle), .hangUp, .start(.hangup)])
        #expect(machine.hungUp(cancelled) == stops + [.detach(h)])
        #expect(finished(&machine) == told("487 Request Terminated"))
    }

    @Test func `R09 without word of an answer the hangup leaves a second later`() {
        var machine = at(.progress)
        _ = machine.terminateRequested()
        #expect(machine.timerFired(.settle) == [.stop(.settle), .hangUp, .start(.hangup)])

        machine = at(.progress)
        #expect(machine.timerFired(.settle) == [.stop(.settle)])
        #expect(machine.terminateRequested() == [.hangUp, .start(.hangup)], "the second has passed")
    }

    @Test func `R09 a hangup that Janus ignores ends with a detach (D35)`() {
        var machine = at(.ringing)
        #expect(machine.terminateRequested() == [.hangUp, .start(.hangup)])
        #expect(machine.timerFired(.hangup) == stops + [.detach(h)])
        #expect(finished(&machine) == told("408 Request Timeout"))
    }

    @Test func `R09 a hangup that crosses the answer ends with a detach at once: Janus would talk for ever`() {
        var machine = at(.ringing)
        _ = machine.terminateRequested()
        #expect(machine.accepted(answer, namesPeer: false) == stops + [.detach(h)])
        #expect(finished(&machine) == told("487 Request Terminated"))
    }

    @Test func `R09 an answer while the hangup waits lets it leave, and is not told`() {
        var machine = at(.progress)
        _ = machine.terminateRequested()
        #expect(machine.accepted(answer, namesPeer: true) == [.stop(.settle), .hangUp, .start(.hangup)])
        #expect(machine.mediaUp() == [])
    }

    @Test func `a callee who never answers is given up`() {
        var machine = at(.ringing)
        #expect(machine.timerFired(.ring) == [.hangUp, .start(.hangup)])
        #expect(machine.hungUp(cancelled) == stops + [.detach(h)])
        machine = at(.established)
        #expect(machine.timerFired(.ring) == [])
    }

    @Test func `B19 an account that goes takes its calls along (D23)`() {
        var machine = at(.established)
        #expect(machine.ended("account removed") == stops + [.detach(h)])
        #expect(finished(&machine) == told("account removed"))
    }

    @Test(arguments: At.allCases)
    func `a released call is undone in every state, and nobody is told`(state: At) {
        var machine = at(state)
        var actions = machine.released()
        actions += state == .recording ? machine.recorded() : []
        actions += state == .attaching ? machine.attached(h) : []
        #expect(actions.contains(.detach(h)) || state == .lookingUp || state == .recording)
        #expect(machine.released() == [])
        actions += machine.life.state == .detaching(h) ? machine.detached() : []
        actions += machine.life.state == .marking ? machine.marked() : []
        #expect(actions.last == .finish)
        #expect(
            !actions.contains { action in
                switch action {
                case .tell, .answerCall: true
                default: false
                }
            })
    }

    // MARK: Being taken over

    @Test func `what was not dialled is dialled again as long as the client waits`() {
        var machine = Machine.inherited(isSent: false)
        #expect(machine.observed(Machine.Observation()) == [])
        #expect(machine.resynced(ToldCall(), isPending: true) == [.lookUp])
        #expect(machine.lookedUp([first]) == [.attach(.udp)], "the row is there")
        #expect(machine.attached(h) == [.identify(first), .start(.identify)])

        machine = .inherited(isSent: false)
        _ = machine.observed(Machine.Observation())
        #expect(machine.resynced(ToldCall(), isPending: false) == stops + [.markEnded])
        #expect(machine.marked() == [.finish], "nobody waits, and nobody is told")
    }

    @Test(arguments: [nil, 7] as [UInt64?])
    func `what may have been dialled never is again: it is acknowledged, then over`(found: UInt64?) {
        var machine = Machine.inherited(isSent: true)
        #expect(machine.observed(Machine.Observation(handle: found.map(handle), phase: .idle)) == [])
        let actions = machine.resynced(ToldCall(), isPending: true)
        #expect(actions == [.answerCallAgain(.ack)] + stops + [found == nil ? .markEnded : .detach(h)])
        #expect(finished(&machine) == told("408 Request Timeout"))
    }

    @Test(arguments: [
        (ToldCall.Stage.progress, "408 Request Timeout"), (.accepted, "200 Session Terminated"),
        (.established, "200 Session Terminated"),
    ])
    func `an end that nobody saw is told by what the client knew`(stage: ToldCall.Stage, reason: String) {
        for phase in [Machine.Observation.Phase.idle, .stuck] {
            var machine = Machine.inherited(isSent: true)
            _ = machine.observed(Machine.Observation(handle: h, phase: phase))
            #expect(machine.resynced(ToldCall(isAcked: true, stage: stage), isPending: false) == stops + [.detach(h)])
            #expect(finished(&machine) == told(reason))
        }
    }

    @Test func `a call that still rings goes on`() {
        var machine = Machine.inherited(isSent: true)
        #expect(
            machine.observed(Machine.Observation(handle: h, phase: .inviting)) == [.start(.settle), .start(.ring)])
        #expect(machine.resynced(ToldCall(), isPending: true) == [.answerCallAgain(.ack), .tell(.progress)])
        #expect(
            machine.accepted(answer, namesPeer: true)
                == [.stop(.ring), .stop(.settle), .tell(.accepted(answer: answer))])
    }

    @Test func `a call that was answered meanwhile is told from what Janus has, once`() {
        var machine = Machine.inherited(isSent: true)
        _ = machine.observed(
            Machine.Observation(handle: h, phase: .inCall(answer: answer, isMediaUp: true)))
        #expect(
            machine.resynced(ToldCall(isAcked: true, stage: .progress), isPending: false)
                == [.tell(.accepted(answer: answer)), .tell(.established)])
        #expect(machine.resynced(ToldCall(isAcked: true, stage: .established), isPending: false) == [])
        #expect(machine.accepted(nil, namesPeer: true) == [], "of early media that looked like an answer")
        #expect(machine.hungUp(bye) == stops + [.detach(h)])
    }

    @Test func `an end asked for or given up before Janus was asked waits for what there is to undo`() {
        var machine = Machine.inherited(isSent: true)
        #expect(machine.released() == [])
        #expect(machine.observed(Machine.Observation(handle: h, phase: .inviting)) == [.detach(h)])
        #expect(finished(&machine) == [.finish])
    }

    @Test(arguments: At.allCases)
    func `R06 a successor at every step: what was not dialled is, what may have been is not, and one answer is given`(
        state: At
    ) throws {
        let before = at(state)
        // What the registry and Janus have of it.
        let isSent = [.dialling, .inviting, .progress, .ringing, .answered, .established].contains(state)
        let isInJanus = isSent && state != .dialling
        let phase: Machine.Observation.Phase =
            switch state {
            case .answered: .inCall(answer: answer, isMediaUp: false)
            case .established: .inCall(answer: answer, isMediaUp: true)
            default: isInJanus ? .inviting : .idle
            }
        // What the client has been told, at the most and at the least.
        for isAcked in before.answer == .ack ? [true, false] : [false] {
            let told = ToldCall(isAcked: isAcked, stage: isAcked ? before.stage : .nothing)
            var machine = Machine.inherited(isSent: isSent)
            var actions = machine.observed(Machine.Observation(handle: isSent ? h : nil, phase: phase))
            actions += machine.resynced(told, isPending: !isAcked)
            #expect(actions.contains(.lookUp) == !isSent)
            #expect(actions.contains(.answerCallAgain(.ack)) == (isSent && !isAcked))
            if !isSent { actions += machine.lookedUp([first]) + machine.attached(other) + machine.identified() }
            #expect(!actions.contains(.dial))
            let isOver = isSent && !isInJanus
            #expect(machine.isEnding == isOver)
            if isAcked, isInJanus, state != .inviting {
                #expect(!actions.contains { if case .tell = $0 { true } else { false } }, "told before")
            }
            if isOver { #expect(finished(&machine) == self.told("408 Request Timeout")) }
        }
    }

    // MARK: Helpers

    enum At: CaseIterable {
        case lookingUp, recording, attaching, identifying, noting, dialling, inviting, progress, ringing, answered
        case established
    }

    private let bye = SIPHangup(code: 200, reason: "Session Terminated", callID: "c")
    private let busy = SIPHangup(code: 486, reason: "Busy Here", callID: "c")
    private let cancelled = SIPHangup(code: 487, reason: "Request Terminated", callID: "c")
    private let unavailable = SIPHangup(code: 503, reason: "Service Unavailable", callID: "c")

    private func at(_ state: At) -> Machine {
        var machine = Machine()
        _ = machine.callRequested()
        let steps: [(inout Machine) -> Void] = [
            { _ = $0.lookedUp([first, second]) }, { _ = $0.recorded() }, { _ = $0.attached(h) },
            { _ = $0.identified() }, { _ = $0.sentNoted(h) }, { _ = $0.dialled() }, { _ = $0.calling() },
            { _ = $0.provisional() }, { _ = $0.accepted(answer, namesPeer: true) }, { _ = $0.mediaUp() },
        ]
        let count = At.allCases.firstIndex(of: state) ?? 0
        for step in steps.prefix(count) { step(&machine) }
        return machine
    }

    private func finished(_ machine: inout Machine) -> [Action] {
        if case .detaching = machine.life.state { #expect(machine.detached() == [.markEnded]) }
        return machine.marked()
    }

    private func refusal(_ reason: String) -> [Action] { [.answerCall(.error(reason)), .answerTerminates, .finish] }

    private func told(_ reason: String) -> [Action] {
        [.answerTerminates, .tell(.terminated(reason: reason)), .finish]
    }
}
