import Identity
import Sylkrtc

/// A participant of a room: from the request to join until its handle is gone (protocol page, section 10).
struct PublisherStateMachine {
    enum State: Equatable {
        /// The room is being claimed, created, or taken down for the last time. → opening, over
        case awaitingRoom
        /// The handle is being recorded and attached. → joining
        case opening
        /// `joinandconfigure` is on its way. → accepted
        case joining
        /// Janus has taken it: the client has its ack. The join timer runs. → joined
        case accepted
        /// A member of the room; the media may be up.
        case joined
        case over
    }

    enum Action: Equatable {
        case record
        case attach
        case join(JanusHandleID)
        /// Once: the answer to the join.
        case answerJoin(WorkerAnswer)
        /// To every terminate that waits.
        case answerTerminates(WorkerAnswer)
        case tell(WorkerEvent)
        /// Count as a member of the room from now on.
        case becomeMember
        case startTimer(Timer)
        case stopTimer
        case leave(JanusHandleID)
        case detach(JanusHandleID)
        case markEnded
        /// End this session's feeds that show `publisher`; nil: all of them.
        case endFeeds(showing: PublisherID?)
        /// Nothing of the session is left here.
        case finish
    }

    enum Timer: Equatable {
        /// `joined` must come.
        case join
        /// `leaving: ok` should come.
        case leave
    }

    private struct Farewell {
        /// nil: the client asked for the end.
        var reason: String?
        /// Nobody is to be told.
        var isSilent = false
        var isByRequest = false
    }

    private(set) var state: State = .awaitingRoom
    private(set) var life = HandleLife()
    private var farewell: Farewell?
    private var isJoinAnswered = false
    private var isEstablished = false
    /// Whom the client knows of: told as there, not yet told as gone (D47).
    private var announced: [PublisherID: ClientSessionID] = [:]
    /// Who came and went after Janus made the list of our `joined`, and before that event: the list does not say.
    private var early: (appeared: [(PublisherID, Publisher)], gone: Set<PublisherID>) = ([], [])
    private var hasEndedFeeds = false

    /// Joined, and not about to end: others can watch it, and it can watch others.
    var isPresent: Bool { state == .joined && farewell == nil }
    var isEnding: Bool { farewell != nil || state == .over }

    private var isJoining: Bool { (state == .joining || state == .accepted) && farewell == nil }
    /// Others' comings and goings are told; while leaving, too, because that may be refused.
    private var hears: Bool {
        guard state == .joined else { return false }
        if case .leaving = life.state { return true }
        return farewell == nil
    }

    // MARK: Joining

    /// The room exists.
    mutating func admitted() -> [Action] {
        guard state == .awaitingRoom, farewell == nil else { return [] }
        state = .opening
        return follow(life.begun())
    }

    /// The room refuses, before anything was done.
    mutating func refused(_ answer: WorkerAnswer) -> [Action] {
        guard state == .awaitingRoom else { return [] }
        state = .over
        let answers: [Action] = isJoinAnswered ? [] : [.answerJoin(answer)]
        isJoinAnswered = true
        return answers + [.finish]
    }

    mutating func recorded() -> [Action] { follow(life.recorded()) }

    mutating func recordingFailed(_ reason: String) -> [Action] {
        farewell = farewell ?? Farewell(reason: reason)
        return follow(life.recordingFailed())
    }

    mutating func attached(_ handle: JanusHandleID) -> [Action] { follow(life.attached(handle)) }

    mutating func attachFailed(_ reason: String) -> [Action] {
        farewell = farewell ?? Farewell(reason: reason)
        return follow(life.attachFailed())
    }

    mutating func joinAccepted() -> [Action] {
        guard state == .joining, farewell == nil else { return [] }
        state = .accepted
        isJoinAnswered = true
        return [.answerJoin(.ack), .tell(.state(.progress)), .startTimer(.join)]
    }

    /// Janus refuses the join, at once or by an event (D16).
    mutating func joinRefused(_ reason: String) -> [Action] {
        switch state {
        case .joining: end(Farewell(reason: reason), leavingFirst: false)
        case .accepted: end(Farewell(reason: "500 \(reason)"), leavingFirst: false)
        case .awaitingRoom, .opening, .joined, .over: []
        }
    }

    /// - Parameter others: whose media is up, as Janus lists them and the room knows them.
    mutating func joined(answer: SessionDescription, others: [(PublisherID, Publisher)]) -> [Action] {
        // The event may overtake the acceptance.
        let accepted = state == .joining ? joinAccepted() : []
        guard state == .accepted, farewell == nil else { return accepted }
        state = .joined
        let listed = Set(others.map(\.0))
        let others = (others + early.appeared.filter { !listed.contains($0.0) }).filter { !early.gone.contains($0.0) }
        early = ([], [])
        for (id, publisher) in others { announced[id] = publisher.session }
        return accepted + [
            .stopTimer, .tell(.state(.accepted(answer: answer))), .tell(.initialPublishers(others.map(\.1))),
            .becomeMember,
        ]
    }

    mutating func joinTimedOut() -> [Action] {
        guard state == .accepted else { return [] }
        return end(Farewell(reason: "408 Request Timeout"), leavingFirst: false)
    }

    // MARK: Being there

    mutating func mediaUp() -> [Action] {
        guard state == .joined, !isEstablished, farewell == nil else { return [] }
        isEstablished = true
        return [.tell(.state(.established))]
    }

    mutating func publishersAppeared(_ publishers: [(PublisherID, Publisher)]) -> [Action] {
        guard hears else {
            if isJoining {
                early.appeared += publishers.filter { new in !early.appeared.contains { $0.0 == new.0 } }
                early.gone.subtract(publishers.map(\.0))
            }
            return []
        }
        let new = publishers.filter { announced[$0.0] == nil }
        for (id, publisher) in new { announced[id] = publisher.session }
        return new.isEmpty ? [] : [.tell(.publishersJoined(new.map(\.1)))]
    }

    /// Left, unpublished or kicked; Janus may say so twice, and of ids nobody saw.
    mutating func publisherGone(_ id: PublisherID) -> [Action] {
        if isJoining {
            early.gone.insert(id)
            early.appeared.removeAll { $0.0 == id }
        }
        guard hears, let session = announced.removeValue(forKey: id) else { return [] }
        return [.tell(.publishersLeft([session])), .endFeeds(showing: id)]
    }

    // MARK: Ending

    mutating func terminateRequested() -> [Action] {
        guard farewell == nil else { return [] }
        return end(Farewell(isByRequest: true), leavingFirst: state == .joined)
    }

    /// As if the client had asked, and without a way back.
    mutating func accountRemoved() -> [Action] { end(Farewell(), leavingFirst: false) }

    /// Janus ended the media or the handle (D19, D50).
    mutating func hungUp(_ reason: String) -> [Action] {
        // While leaving, Janus may hang up before it confirms: that is confirmation enough.
        if farewell != nil { return follow(life.left()) }
        return end(Farewell(reason: reason), leavingFirst: false)
    }

    mutating func handleVanished(_ reason: String) -> [Action] {
        farewell = farewell ?? Farewell(reason: reason)
        return [.stopTimer] + follow(life.vanished())
    }

    /// Nobody is there any more who could be told.
    mutating func released() -> [Action] {
        guard farewell == nil else {
            farewell?.isSilent = true
            return follow(life.left())
        }
        return end(Farewell(isSilent: true), leavingFirst: false)
    }

    mutating func leaveRefused(_ reason: String) -> [Action] {
        // The leave was given up before its refusal came: the detach is on its way.
        guard case .leaving = life.state else { return [] }
        guard farewell?.isByRequest == true, farewell?.isSilent == false else { return follow(life.left()) }
        farewell = nil
        life.leaveRefused()
        return [.stopTimer, .answerTerminates(.error(reason))]
    }

    /// Confirmed, or waited for long enough. Unasked, Janus has removed the publisher (D50).
    mutating func left() -> [Action] {
        guard farewell != nil else { return end(Farewell(reason: "reason unspecified"), leavingFirst: false) }
        return [.stopTimer] + follow(life.left())
    }

    mutating func detached() -> [Action] { follow(life.detached()) }

    mutating func marked() -> [Action] { follow(life.marked()) }

    private mutating func end(_ farewell: Farewell, leavingFirst: Bool) -> [Action] {
        guard self.farewell == nil, state != .over else { return [] }
        self.farewell = farewell
        return [.stopTimer] + follow(life.end(leavingFirst: leavingFirst))
    }

    /// Once, when there is no way back any more.
    private mutating func endFeeds() -> [Action] {
        guard !hasEndedFeeds else { return [] }
        hasEndedFeeds = true
        return [.endFeeds(showing: nil)]
    }

    private mutating func follow(_ action: HandleLife.Action) -> [Action] {
        switch action {
        case .none: return []
        case .record: return [.record]
        case .attach: return [.attach]
        case .ready(let handle):
            state = .joining
            return [.join(handle)]
        case .leave(let handle): return [.leave(handle), .startTimer(.leave)]
        case .detach(let handle): return endFeeds() + [.detach(handle)]
        case .markEnded: return endFeeds() + [.markEnded]
        case .over: return endFeeds() + sayFarewell()
        }
    }

    private mutating func sayFarewell() -> [Action] {
        guard state != .over else { return [] }
        state = .over
        guard let farewell, !farewell.isSilent else { return [.finish] }
        guard isJoinAnswered else {
            isJoinAnswered = true
            return [.answerJoin(.error(farewell.reason ?? "terminated")), .answerTerminates(.ack), .finish]
        }
        return [.answerTerminates(.ack), .tell(.state(.terminated(reason: farewell.reason))), .finish]
    }
}
