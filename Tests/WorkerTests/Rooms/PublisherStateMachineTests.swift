import Identity
import Sylkrtc
import Testing

@testable import Worker

@Suite struct PublisherStateMachineTests {
    typealias Action = PublisherStateMachine.Action

    private let h = handle(7)
    /// Its feeds end when there is no way back any more: with the first step of the cleanup.
    private let feeds = Action.endFeeds(showing: nil)
    private let answer = sdp("answer")

    // MARK: Joining

    @Test func `R10 E07 E08 a join from the room to the media`() {
        var machine = PublisherStateMachine()
        #expect(machine.admitted() == [.record])
        #expect(machine.recorded() == [.attach])
        #expect(machine.attached(h) == [.join(h)])
        #expect(machine.joinAccepted() == [.answerJoin(.ack), .tell(.state(.progress)), .startTimer(.join)])
        #expect(!machine.isPresent)
        #expect(
            machine.joined(answer: answer, others: [(publisher(1), someone("bob"))]) == [
                .stopTimer, .tell(.state(.accepted(answer: answer))), .tell(.initialPublishers([someone("bob")])),
                .becomeMember,
            ])
        #expect(machine.isPresent)
        #expect(machine.mediaUp() == [.tell(.state(.established))])
        #expect(machine.mediaUp() == [], "told once")
    }

    @Test func `B06 an event that overtakes the acknowledgement changes no order`() {
        var machine = at(.joining)
        #expect(
            machine.joined(answer: answer, others: []) == [
                .answerJoin(.ack), .tell(.state(.progress)), .startTimer(.join), .stopTimer,
                .tell(.state(.accepted(answer: answer))), .tell(.initialPublishers([])), .becomeMember,
            ])
        #expect(machine.joinAccepted() == [], "the acknowledgement comes later and says nothing new")
    }

    @Test func `joined twice counts once`() {
        var machine = at(.joined)
        #expect(machine.joined(answer: answer, others: []) == [])
    }

    @Test func `a room that refuses is all there is`() throws {
        let other = try #require(SlotID("host2/1"))
        for refusal in [WorkerAnswer.error("full"), .notOwner(other)] {
            var machine = PublisherStateMachine()
            #expect(machine.refused(refusal) == [.answerJoin(refusal), .finish])
            #expect(machine.state == .over)
            #expect(machine.refused(refusal) == [])
            #expect(machine.admitted() == [])
        }
    }

    // MARK: Failures on the way

    @Test func `a row that cannot be written fails the join`() {
        var machine = at(.recording)
        #expect(machine.recordingFailed("no registry") == [feeds] + refusal("no registry"))
        #expect(machine.state == .over)
    }

    @Test func `a failed attach fails the join and marks the row`() {
        var machine = at(.attaching)
        #expect(machine.attachFailed("no handle") == [feeds, .markEnded])
        #expect(machine.isEnding)
        #expect(machine.marked() == refusal("no handle"))
    }

    @Test func `R10 a join refused at once is undone before it is answered`() {
        var machine = at(.joining)
        #expect(machine.joinRefused("No such room") == [.stopTimer, feeds, .detach(h)])
        #expect(machine.detached() == [.markEnded])
        #expect(machine.marked() == refusal("No such room"))
    }

    @Test func `B13 a join refused after its ack is told as terminated (D16)`() {
        var machine = at(.accepted)
        #expect(machine.joinRefused("Maximum number") == [.stopTimer, feeds, .detach(h)])
        #expect(machine.detached() == [.markEnded])
        #expect(machine.marked() == farewell("500 Maximum number"))
    }

    @Test func `a joined that never comes ends the session`() {
        var machine = at(.accepted)
        #expect(machine.joinTimedOut() == [.stopTimer, feeds, .detach(h)])
        #expect(finished(&machine) == farewell("408 Request Timeout"))
    }

    @Test func `the join timer means nothing once the join is done`() {
        var machine = at(.joined)
        #expect(machine.joinTimedOut() == [])
        #expect(machine.joinRefused("late") == [])
        #expect(machine.isPresent)
    }

    // MARK: Others

    @Test func `E09 E10 arrivals are told once, and departures only of whom was told (D47)`() {
        var machine = at(.joined)
        let (one, two) = ((publisher(1), someone("bob")), (publisher(2), someone("carol")))
        #expect(machine.publishersAppeared([one]) == [.tell(.publishersJoined([someone("bob")]))])
        #expect(machine.publishersAppeared([one]) == [], "never empty")
        #expect(machine.publishersAppeared([one, two]) == [.tell(.publishersJoined([someone("carol")]))])
        #expect(machine.publisherGone(publisher(9)) == [])
        #expect(
            machine.publisherGone(publisher(1)) == [
                .tell(.publishersLeft([client("bob")])), .endFeeds(showing: publisher(1)),
            ])
        #expect(machine.publisherGone(publisher(1)) == [], "unpublished twice, then leaving")
        #expect(machine.publishersAppeared([one]) == [.tell(.publishersJoined([someone("bob")]))], "back again")
    }

    @Test func `E08 those listed at the join are known`() {
        var machine = at(.accepted)
        _ = machine.joined(answer: answer, others: [(publisher(1), someone("bob"))])
        #expect(machine.publishersAppeared([(publisher(1), someone("bob"))]) == [])
        #expect(machine.publisherGone(publisher(1)).first == .tell(.publishersLeft([client("bob")])))
    }

    @Test func `before the handle is used and while it is detached nobody is announced`() {
        var machine = at(.attaching)
        #expect(machine.publishersAppeared([(publisher(1), someone("bob"))]) == [])
        #expect(machine.publisherGone(publisher(1)) == [])
        #expect(machine.mediaUp() == [])
        machine = at(.joined)
        _ = machine.hungUp("ICE failed")
        #expect(machine.publishersAppeared([(publisher(1), someone("bob"))]) == [])
        #expect(machine.publisherGone(publisher(1)) == [])
        #expect(machine.mediaUp() == [])
    }

    @Test func `while leaving others are still told of, because that may be refused`() {
        var machine = at(.joined)
        _ = machine.terminateRequested()
        #expect(
            machine.publishersAppeared([(publisher(1), someone("bob"))])
                == [.tell(.publishersJoined([someone("bob")]))])
        _ = machine.leaveRefused("busy")
        #expect(machine.publisherGone(publisher(1)).first == .tell(.publishersLeft([client("bob")])))
    }

    /// Comings (+) and goings (-) that overtake `joined`, on top of a list that names 1; and who is told as there.
    @Test(arguments: [
        ([], [1]), ([2], [1, 2]), ([1], [1]), ([-1], []), ([2, -2], [1]), ([2, 2], [1, 2]), ([2, -2, 2], [1, 2]),
        ([-1, 1], [1]), ([-3], [1]), ([2, 3, -1], [2, 3]),
    ])
    func `E08 B18 who came or went before joined was read is told right`(changes: [Int], there: [Int]) {
        func named(_ number: Int) -> (PublisherID, Publisher) {
            (publisher(UInt64(number)), someone("p\(number)"))
        }
        for state in [At.joining, .accepted] {
            var machine = at(state)
            for change in changes {
                let actions =
                    change > 0
                    ? machine.publishersAppeared([named(change)]) : machine.publisherGone(publisher(UInt64(-change)))
                #expect(actions == [])
            }
            let told = machine.joined(answer: answer, others: [named(1)])
            #expect(told.contains(.tell(.initialPublishers(there.map { named($0).1 }))), "\(told)")
        }
    }

    // MARK: Ends that are asked for

    @Test func `R18 a terminate leaves, detaches, marks, answers and tells, in this order`() {
        var machine = at(.joined)
        #expect(
            machine.terminateRequested() == [.stopTimer, .leave(h), .startTimer(.leave)])
        #expect(machine.left() == [.stopTimer, feeds, .detach(h)])
        #expect(machine.detached() == [.markEnded])
        #expect(machine.marked() == farewell(nil))
        #expect(machine.state == .over)
    }

    @Test func `R18 a second terminate has no effect of its own (D51)`() {
        var machine = at(.joined)
        _ = machine.terminateRequested()
        #expect(machine.terminateRequested() == [])
        #expect(finished(&machine) == farewell(nil))
        #expect(machine.terminateRequested() == [])
    }

    @Test func `R18 a leave that is not confirmed is given up with its timer`() {
        var machine = at(.joined)
        _ = machine.terminateRequested()
        // The timer says the same as the confirmation.
        #expect(machine.left() == [.stopTimer, feeds, .detach(h)])
        #expect(machine.left() == [.stopTimer], "the confirmation comes after all")
        #expect(finished(&machine) == farewell(nil))
    }

    @Test func `R18 a refused leave is answered, and the session goes on`() {
        var machine = at(.joined)
        _ = machine.mediaUp()
        _ = machine.terminateRequested()
        #expect(machine.leaveRefused("busy") == [.stopTimer, .answerTerminates(.error("busy"))])
        #expect(machine.isPresent)
        #expect(
            machine.terminateRequested() == [.stopTimer, .leave(h), .startTimer(.leave)],
            "it can be tried again")
        #expect(finished(&machine) == farewell(nil))
    }

    @Test func `a refusal that comes after the leave was given up changes nothing`() {
        var machine = at(.joined)
        _ = machine.terminateRequested()
        _ = machine.left()
        #expect(machine.leaveRefused("timed out") == [])
        #expect(machine.isEnding)
        #expect(machine.detached() == [.markEnded])
        #expect(machine.leaveRefused("timed out") == [])
        #expect(machine.marked() == farewell(nil))
        #expect(machine.leaveRefused("timed out") == [])
    }

    @Test func `R02 B19 a removed account ends the session as if the client had asked, without a way back`() {
        var machine = at(.joined)
        #expect(machine.accountRemoved() == [.stopTimer, feeds, .detach(h)])
        #expect(machine.accountRemoved() == [])
        #expect(finished(&machine) == farewell(nil))

        machine = at(.awaitingRoom)
        #expect(machine.accountRemoved() == [.stopTimer, feeds] + refusal("terminated"))
    }

    @Test func `a hangup while leaving is confirmation enough`() {
        var machine = at(.joined)
        _ = machine.terminateRequested()
        #expect(machine.hungUp("Close PC") == [feeds, .detach(h)])
        #expect(finished(&machine) == farewell(nil), "no reason: the client asked for it")
    }

    @Test func `a terminate in every state is answered and told as far as the session came`() {
        var machine = at(.awaitingRoom)
        #expect(machine.terminateRequested() == [.stopTimer, feeds] + refusal("terminated"))

        machine = at(.recording)
        #expect(machine.terminateRequested() == [.stopTimer])
        #expect(machine.recorded() == [feeds, .markEnded])
        #expect(machine.marked() == refusal("terminated"))

        machine = at(.attaching)
        #expect(machine.terminateRequested() == [.stopTimer])
        #expect(machine.attached(h) == [feeds, .detach(h)])
        #expect(finished(&machine) == refusal("terminated"))

        machine = at(.joining)
        #expect(machine.terminateRequested() == [.stopTimer, feeds, .detach(h)])
        #expect(machine.joinAccepted() == [])
        #expect(machine.joined(answer: answer, others: []) == [])
        #expect(finished(&machine) == refusal("terminated"))

        machine = at(.accepted)
        #expect(machine.terminateRequested() == [.stopTimer, feeds, .detach(h)])
        #expect(machine.joined(answer: answer, others: []) == [])
        #expect(finished(&machine) == farewell(nil))
    }

    // MARK: Ends on Janus's side

    @Test(arguments: [At.joining, .accepted, .joined])
    func `B27 a hangup ends the session once, with its reason (D50)`(state: At) {
        var machine = at(state)
        #expect(machine.hungUp("ICE failed") == [.stopTimer, feeds, .detach(h)])
        #expect(machine.hungUp("DTLS alert") == [])
        #expect(finished(&machine) == (state == .joining ? refusal("ICE failed") : farewell("ICE failed")))
        #expect(machine.hungUp("late") == [])
    }

    @Test func `leaving that nobody asked for is an end on Janus's side`() {
        var machine = at(.joined)
        #expect(machine.left() == [.stopTimer, feeds, .detach(h)])
        #expect(finished(&machine) == farewell("reason unspecified"))
    }

    @Test func `B14 a handle that Janus removed is not detached`() {
        var machine = at(.joined)
        #expect(machine.handleVanished("handle detached") == [.stopTimer, feeds, .markEnded])
        #expect(machine.marked() == farewell("handle detached"))
        #expect(machine.handleVanished("again") == [.stopTimer])
    }

    @Test func `a handle that vanishes while leaving ends what was asked for`() {
        var machine = at(.joined)
        _ = machine.terminateRequested()
        #expect(machine.handleVanished("500 Janus lost") == [.stopTimer, feeds, .markEnded])
        #expect(machine.marked() == farewell(nil))
    }

    @Test func `losing Janus in every state ends the session with a reason`() {
        var machine = at(.awaitingRoom)
        #expect(
            machine.handleVanished("500 Janus lost")
                == [.stopTimer, feeds] + refusal("500 Janus lost"))

        machine = at(.recording)
        #expect(machine.handleVanished("500 Janus lost") == [.stopTimer])
        #expect(machine.recorded() == [feeds, .markEnded])
        #expect(machine.marked() == refusal("500 Janus lost"))

        machine = at(.attaching)
        #expect(machine.handleVanished("500 Janus lost") == [.stopTimer])
        #expect(machine.attachFailed("link lost") == [feeds, .markEnded])
        #expect(machine.marked() == refusal("500 Janus lost"))

        machine = at(.joining)
        #expect(machine.handleVanished("500 Janus lost") == [.stopTimer, feeds, .markEnded])
        #expect(machine.marked() == refusal("500 Janus lost"))

        machine = at(.accepted)
        #expect(machine.handleVanished("500 Janus lost") == [.stopTimer, feeds, .markEnded])
        #expect(machine.marked() == farewell("500 Janus lost"))
    }

    // MARK: Releases

    @Test func `a released session is undone in every state, and nobody is told`() {
        var machine = at(.awaitingRoom)
        #expect(machine.released() == [.stopTimer, feeds, .finish])

        machine = at(.recording)
        #expect(machine.released() == [.stopTimer])
        #expect(machine.recorded() == [feeds, .markEnded])
        #expect(machine.marked() == [.finish])

        machine = at(.recording)
        _ = machine.released()
        #expect(machine.recordingFailed("no") == [feeds, .finish])

        machine = at(.attaching)
        _ = machine.released()
        #expect(machine.attached(h) == [feeds, .detach(h)])
        #expect(finished(&machine) == [.finish])

        for state in [At.joining, .accepted, .joined] {
            machine = at(state)
            #expect(machine.released() == [.stopTimer, feeds, .detach(h)])
            #expect(machine.released() == [])
            #expect(finished(&machine) == [.finish])
            #expect(machine.released() == [])
        }
    }

    @Test func `a release while leaving waits for nothing and silences the rest`() {
        var machine = at(.joined)
        _ = machine.terminateRequested()
        #expect(machine.released() == [feeds, .detach(h)])
        #expect(finished(&machine) == [.finish])
    }

    @Test func `a released session whose leave is refused is detached all the same`() {
        var machine = at(.joined)
        _ = machine.terminateRequested()
        _ = machine.released()
        #expect(machine.leaveRefused("busy") == [])
        #expect(finished(&machine) == [.finish])
    }

    // MARK: Helpers

    enum At { case awaitingRoom, recording, attaching, joining, accepted, joined }

    private func at(_ state: At) -> PublisherStateMachine {
        var machine = PublisherStateMachine()
        guard state != .awaitingRoom else { return machine }
        _ = machine.admitted()
        guard state != .recording else { return machine }
        _ = machine.recorded()
        guard state != .attaching else { return machine }
        _ = machine.attached(h)
        guard state != .joining else { return machine }
        _ = machine.joinAccepted()
        guard state != .accepted else { return machine }
        _ = machine.joined(answer: answer, others: [])
        return machine
    }

    /// Lets go what is under way; the last actions.
    private func finished(_ machine: inout PublisherStateMachine) -> [Action] {
        if case .leaving = machine.life.state { _ = machine.left() }
        if case .detaching = machine.life.state { #expect(machine.detached() == [.markEnded]) }
        return machine.marked()
    }

    private func refusal(_ reason: String) -> [Action] {
        [.answerJoin(.error(reason)), .answerTerminates(.ack), .finish]
    }

    private func farewell(_ reason: String?) -> [Action] {
        [.answerTerminates(.ack), .tell(.state(.terminated(reason: reason))), .finish]
    }
}
