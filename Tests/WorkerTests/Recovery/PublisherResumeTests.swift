import Identity
import Sylkrtc
import Testing

@testable import Worker

/// A predecessor's participant: what Janus shows of it, and what its client has been told, decide how it goes on.
@Suite struct PublisherResumeTests {
    typealias Action = PublisherStateMachine.Action

    private let h = handle(7)
    private let answer = sdp("answer")
    private let unseen = PublisherStateMachine.unseenReason
    private let joinPending = PublisherStateMachine.Pending(join: true)
    private let nothing = PublisherStateMachine.Pending()
    /// How the room is configured may be news to somebody who was told before, or who came when it was so.
    private let configuration = Action.tellConfiguration(told: nil, isNew: false)
    private let initialConfiguration = Action.tellConfiguration(told: nil, isNew: true)

    private func told(
        _ stage: ToldState.Stage, acked: Bool = true, initial: Bool = false, announced: [String] = []
    ) -> ToldState {
        let announced = Dictionary(uniqueKeysWithValues: announced.map { (client($0), someone($0).id) })
        return ToldState(isAcked: acked, stage: stage, hasInitialPublishers: initial, announced: announced)
    }

    private func seen(_ observation: PublisherStateMachine.Observation, others: [String] = []) -> PublisherStateMachine
    {
        var machine = PublisherStateMachine.inherited
        _ = machine.observed(observation, others: others.map { (someone($0).id, someone($0)) })
        return machine
    }

    private func joined(up isUp: Bool = true, others: [String] = []) -> PublisherStateMachine {
        seen(.init(handle: h, answer: answer, isMediaUp: isUp), others: others)
    }

    // MARK: In the room

    @Test func `one that is in the room counts as a member again at once`() {
        var machine = PublisherStateMachine.inherited
        let actions = machine.observed(.init(handle: h, answer: answer, isMediaUp: true), others: [])
        #expect(actions.contains(.becomeMember))
        #expect(machine.isPresent)
        #expect(machine.observed(.init(), others: []) == [], "once")
    }

    @Test func `a client that knows everything is told nothing`() {
        var machine = joined(others: ["bob"])
        #expect(
            machine.resynced(told(.established, initial: true, announced: ["bob"]), pending: nothing) == [configuration]
        )
    }

    @Test func `a client that knows nothing is told everything, its answer first`() {
        var machine = joined(others: ["bob"])
        #expect(
            machine.resynced(told(.nothing, acked: false), pending: joinPending) == [
                .answerJoinAgain(.ack), .tell(.state(.progress)), .tell(.state(.accepted(answer: answer))),
                .tell(.initialPublishers([someone("bob")])), initialConfiguration, .tell(.state(.established)),
            ])
    }

    @Test(arguments: [ToldState.Stage.progress, .accepted, .established])
    func `what is missing is told, and nothing else`(stage: ToldState.Stage) {
        var machine = joined(others: ["bob", "carol"])
        var expected: [Action] = []
        if stage < .accepted { expected.append(.tell(.state(.accepted(answer: answer)))) }
        expected.append(.tell(.publishersLeft([client("dave")])))
        expected.append(.endFeeds(showing: someone("dave").id))
        expected.append(.tell(.publishersJoined([someone("carol")])))
        expected.append(configuration)
        if stage < .established { expected.append(.tell(.state(.established))) }
        #expect(
            machine.resynced(told(stage, initial: true, announced: ["bob", "dave"]), pending: nothing) == expected)
    }

    @Test func `somebody who came again under the same name went first`() {
        var machine = joined(others: ["bob"])
        let before = ToldState(
            isAcked: true, stage: .established, hasInitialPublishers: true, announced: [client("bob"): publisher(1)])
        #expect(
            machine.resynced(before, pending: nothing) == [
                .tell(.publishersLeft([client("bob")])), .endFeeds(showing: publisher(1)),
                .tell(.publishersJoined([someone("bob")])), configuration,
            ])
    }

    @Test func `E13 what was told of the room's configuration stands in the question for more`() {
        var machine = joined()
        let before = ToldState(isAcked: true, stage: .established, hasInitialPublishers: true, configuration: 7)
        #expect(machine.resynced(before, pending: nothing) == [.tellConfiguration(told: 7, isNew: false)])
    }

    @Test func `media that is not up yet is told when it is`() {
        var machine = joined(up: false)
        #expect(machine.resynced(told(.accepted, initial: true), pending: nothing) == [configuration])
        #expect(machine.mediaUp() == [.tell(.state(.established))])
    }

    @Test func `a second link is told the difference to what the first one told`() {
        var machine = joined()
        _ = machine.resynced(told(.nothing, acked: false), pending: joinPending)
        _ = machine.publishersAppeared([(someone("bob").id, someone("bob"))])
        #expect(
            machine.resynced(told(.established, initial: true), pending: nothing) == [
                .tell(.publishersJoined([someone("bob")])), configuration,
            ])
    }

    // MARK: Not in the room, as far as can be seen

    @Test func `an unanswered join without a handle begins with the attach`() {
        var machine = seen(.init())
        #expect(machine.resynced(told(.nothing, acked: false), pending: joinPending) == [.attach])
        #expect(machine.attached(h) == [.join(h)])
    }

    @Test func `an unanswered join with a handle is repeated on it`() {
        var machine = seen(.init(handle: h))
        #expect(machine.resynced(told(.nothing, acked: false), pending: joinPending) == [.join(h)])
        #expect(machine.joinAccepted() == [.answerJoin(.ack), .tell(.state(.progress)), .startTimer(.join)])
    }

    @Test(arguments: [ToldState.Stage.nothing, .progress])
    func `an acked join is never repeated but waited for`(stage: ToldState.Stage) {
        var machine = seen(.init(handle: h))
        let progress: [Action] = stage == .nothing ? [.tell(.state(.progress))] : []
        #expect(machine.resynced(told(stage), pending: nothing) == progress + [.startTimer(.join)])
        #expect(machine.joinTimedOut() == [.stopTimer, .endFeeds(showing: nil), .detach(h)])
    }

    @Test(arguments: [ToldState.Stage.accepted, .established])
    func `one that was there and is not any more has ended unseen`(stage: ToldState.Stage) {
        var machine = seen(.init(handle: h))
        #expect(
            machine.resynced(told(stage), pending: nothing) == [.stopTimer, .endFeeds(showing: nil), .detach(h)])
        _ = machine.detached()
        #expect(
            machine.marked() == [
                .answerTerminates(.ack), .tell(.state(.terminated(reason: unseen))), .finish,
            ])
    }

    @Test func `one that was asked to end and is gone has ended as asked`() {
        var machine = seen(.init())
        _ = machine.resynced(told(.established), pending: .init(end: true))
        #expect(machine.marked() == [.answerTerminates(.ack), .tell(.state(.terminated(reason: nil))), .finish])
    }

    @Test func `an acked join without a handle has ended unseen`() {
        var machine = seen(.init())
        #expect(
            machine.resynced(told(.progress), pending: nothing) == [
                .stopTimer, .endFeeds(showing: nil), .markEnded,
            ])
    }

    @Test func `a join that nobody waits for ends silently`() {
        var machine = seen(.init(handle: h))
        _ = machine.resynced(told(.nothing, acked: false), pending: nothing)
        _ = machine.detached()
        #expect(machine.marked() == [.finish])
    }

    @Test func `the outcome of a predecessor's join may come before anybody has asked`() {
        var machine = seen(.init(handle: h))
        _ = machine.joined(answer: answer, others: [])
        #expect(machine.isPresent)
        #expect(
            machine.resynced(told(.progress), pending: nothing) == [
                .tell(.state(.accepted(answer: answer))), .tell(.initialPublishers([])),
                initialConfiguration,
            ])
    }

    // MARK: Hung up, released

    @Test func `a hangup wins over what was under way`() {
        var machine = PublisherStateMachine.inherited
        #expect(
            machine.observed(.init(handle: h, isHungUp: true), others: []) == [
                .stopTimer, .endFeeds(showing: nil), .detach(h),
            ])
        #expect(machine.resynced(told(.nothing, acked: false), pending: joinPending) == [])
        _ = machine.detached()
        #expect(machine.marked() == [.answerJoin(.error(unseen)), .answerTerminates(.ack), .finish])
    }

    @Test func `one that is released before it was looked at is undone when it is`() {
        var machine = PublisherStateMachine.inherited
        #expect(machine.released() == [])
        #expect(machine.observed(.init(handle: h, answer: answer), others: []).contains(.detach(h)))
        _ = machine.detached()
        #expect(machine.marked() == [.finish])
    }

    @Test func `one that was released is told of its end when its front door comes back after all`() {
        var machine = joined()
        _ = machine.released()
        #expect(machine.resynced(told(.established, initial: true), pending: nothing) == [])
        _ = machine.detached()
        #expect(machine.marked().contains(.tell(.state(.terminated(reason: unseen)))))
    }

    // MARK: A place that is taken

    @Test func `a place held by another handle of ours is cleared, once`() {
        var machine = seen(.init(handle: h))
        _ = machine.resynced(told(.nothing, acked: false), pending: joinPending)
        _ = machine.joinAccepted()
        #expect(machine.placeTaken("User ID exists") == [.clearPlace])
        #expect(machine.placeCleared() == [.join(h)])
        #expect(machine.placeTaken("User ID exists") == [.stopTimer, .endFeeds(showing: nil), .detach(h)])
    }
}
