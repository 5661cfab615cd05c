import Identity
import Sylkrtc

/// A participant of a room: from the request to join until its handle is gone (protocol page, section 10).
///
/// It can begin anywhere: a predecessor's participant begins with what Janus has of it (``observed(_:others:)``), and on
/// every new link to its front door it goes on from what the client has been told (``resynced(_:pending:)``).
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
        /// A predecessor's: Janus is being asked. → joined, unsettled
        case resuming
        /// A predecessor's, and not in the room as far as can be seen. What the client was told decides. → opening, joining,
        /// accepted, joined
        case unsettled
        case over
    }

    enum Action: Equatable {
        case record
        case attach
        case join(JanusHandleID)
        /// Detach the session's other handles.
        case clearPlace
        /// Once: the answer to the join.
        case answerJoin(WorkerAnswer)
        /// The join was answered, but the answer was lost on its way.
        case answerJoinAgain(WorkerAnswer)
        /// To every terminate that waits.
        case answerTerminates(WorkerAnswer)
        case tell(WorkerEvent)
        /// Tell how the room is configured unless it is what was told last; `isNew`: it was so when the client came.
        case tellConfiguration(told: Int64?, isNew: Bool)
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

    /// What Janus has of a predecessor's participant.
    struct Observation: Equatable {
        var handle: JanusHandleID?
        /// Set when it is in the room and its media is negotiated.
        var answer: SessionDescription?
        var isMediaUp = false
        /// It was in the room, and its media is over: a hangup wins, whatever was under way.
        var isHungUp = false
    }

    private struct Farewell {
        /// nil: the client asked for the end.
        var reason: String?
        /// Nobody is to be told.
        var isSilent = false
        var isByRequest = false
    }

    /// The reason of an end that happened while nobody was there to see it.
    static let unseenReason = "reason unspecified"

    private(set) var state: State
    private(set) var life: HandleLife
    private var farewell: Farewell?
    /// How the join was answered.
    private(set) var joinAnswer: WorkerAnswer?
    private var isEstablished = false
    /// What Janus answered to the offer.
    private var answer: SessionDescription?
    /// Whom the client knows of, or will when it is next told: there, and not yet gone (D47).
    private var announced: [PublisherID: Publisher] = [:]
    /// Who came and went after Janus made the list of our `joined`, and before that event: the list does not say.
    private var early: (appeared: [(PublisherID, Publisher)], gone: Set<PublisherID>) = ([], [])
    private var hasEndedFeeds = false
    private var hasClearedPlace = false

    init() {
        state = .awaitingRoom
        life = HandleLife()
    }

    /// A predecessor's, whose row is there.
    static var inherited: PublisherStateMachine {
        var machine = PublisherStateMachine()
        machine.state = .resuming
        machine.life = .inherited
        return machine
    }

    /// Joined, and not about to end: others can watch it, and it can watch others.
    var isPresent: Bool { state == .joined && farewell == nil }
    var isEnding: Bool { farewell != nil || state == .over }
    /// Why it ended; nil: as the client wanted, or not yet.
    var reason: String? { farewell?.reason }

    private var isJoining: Bool {
        (state == .joining || state == .accepted || state == .unsettled) && farewell == nil
    }
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
        let answers: [Action] = joinAnswer == nil ? [.answerJoin(answer)] : []
        joinAnswer = joinAnswer ?? answer
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
        joinAnswer = .ack
        return [.answerJoin(.ack), .tell(.state(.progress)), .startTimer(.join)]
    }

    /// Janus refuses the join, at once or by an event (D16).
    mutating func joinRefused(_ reason: String) -> [Action] {
        switch state {
        case .joining: end(Farewell(reason: reason), leavingFirst: false)
        case .accepted: end(Farewell(reason: "500 \(reason)"), leavingFirst: false)
        case .awaitingRoom, .opening, .joined, .resuming, .unsettled, .over: []
        }
    }

    /// Another handle of this session has its place in the room: a dead process attached it, and it has to go. Once.
    mutating func placeTaken(_ reason: String) -> [Action] {
        guard state == .joining || state == .accepted, farewell == nil, !hasClearedPlace else {
            return joinRefused(reason)
        }
        hasClearedPlace = true
        return [.clearPlace]
    }

    mutating func placeCleared() -> [Action] {
        guard state == .joining || state == .accepted, farewell == nil, let handle = life.usable else { return [] }
        return [.join(handle)]
    }

    /// - Parameter others: whose media is up, as Janus lists them and the room knows them.
    mutating func joined(answer: SessionDescription, others: [(PublisherID, Publisher)]) -> [Action] {
        // The event may overtake the acceptance.
        let accepted = state == .joining ? joinAccepted() : []
        guard state == .accepted || state == .unsettled, farewell == nil else { return accepted }
        return accepted + enter(answer: answer, others: others)
    }

    private mutating func enter(
        answer: SessionDescription, others: [(PublisherID, Publisher)]
    ) -> [Action] {
        state = .joined
        self.answer = answer
        let listed = Set(others.map(\.0))
        let others = (others + early.appeared.filter { !listed.contains($0.0) }).filter { !early.gone.contains($0.0) }
        early = ([], [])
        for (id, publisher) in others { announced[id] = publisher }
        return [
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
        for (id, publisher) in new { announced[id] = publisher }
        return new.isEmpty ? [] : [.tell(.publishersJoined(new.map(\.1)))]
    }

    /// Left, unpublished or kicked; Janus may say so twice, and of ids nobody saw.
    mutating func publisherGone(_ id: PublisherID) -> [Action] {
        if isJoining {
            early.gone.insert(id)
            early.appeared.removeAll { $0.0 == id }
        }
        guard hears, let publisher = announced.removeValue(forKey: id) else { return [] }
        return [.tell(.publishersLeft([publisher.session])), .endFeeds(showing: id)]
    }

    // MARK: Being taken over

    /// Janus has been asked about a predecessor's participant.
    ///
    /// - Parameter others: whose media is up, as Janus lists them and the room knows them.
    mutating func observed(_ seen: Observation, others: [(PublisherID, Publisher)]) -> [Action] {
        guard state == .resuming else { return [] }
        if let handle = seen.handle { life.found(handle) }
        state = .unsettled
        guard farewell == nil else { return follow(life.end(leavingFirst: false)) }
        guard !seen.isHungUp else { return end(Farewell(reason: Self.unseenReason), leavingFirst: false) }
        guard let answer = seen.answer else { return [] }
        isEstablished = seen.isMediaUp
        return enter(answer: answer, others: others)
    }

    /// What the client still waits for on a new link.
    struct Pending: Equatable {
        var join = false
        var end = false
    }

    /// The front door says what its client has been told: what is missing follows, and nothing else. Not before
    /// ``observed(_:others:)``.
    mutating func resynced(_ told: ToldState, pending: Pending) -> [Action] {
        let answers = answerAgain(told, isPending: pending.join)
        if told.isAcked || pending.join { speakAgain(pending) }
        guard farewell == nil else { return answers }
        switch state {
        case .resuming, .awaitingRoom, .opening, .joining, .over: return answers
        case .accepted: return answers + progress(told)
        case .joined: return answers + difference(from: told)
        case .unsettled: return settle(told, pending)
        }
    }

    private mutating func answerAgain(_ told: ToldState, isPending: Bool) -> [Action] {
        if told.isAcked || state == .joined { joinAnswer = .ack }
        guard isPending, let joinAnswer else { return [] }
        return [.answerJoinAgain(joinAnswer)]
    }

    /// Released because nobody was there, and now somebody is: the end is told after all.
    private mutating func speakAgain(_ pending: Pending) {
        guard let silent = farewell, silent.isSilent else { return }
        let isByRequest = silent.isByRequest || pending.end
        farewell = Farewell(
            reason: silent.reason ?? (isByRequest ? nil : Self.unseenReason), isByRequest: isByRequest)
    }

    private func progress(_ told: ToldState) -> [Action] {
        told.stage < .progress ? [.tell(.state(.progress))] : []
    }

    private func difference(from told: ToldState) -> [Action] {
        var actions = progress(told)
        if told.stage < .accepted, let answer { actions.append(.tell(.state(.accepted(answer: answer)))) }
        let present = announced.values.sorted { $0.session.description < $1.session.description }
        if told.hasInitialPublishers {
            let gone = told.announced.filter { announced[$0.value] == nil }
            if !gone.isEmpty {
                actions.append(.tell(.publishersLeft(gone.keys.sorted { $0.description < $1.description })))
                actions += gone.values.sorted { $0.rawValue < $1.rawValue }.map { .endFeeds(showing: $0) }
            }
            let known = Set(told.announced.values)
            let new = present.filter { !known.contains($0.id) }
            if !new.isEmpty { actions.append(.tell(.publishersJoined(new))) }
        } else {
            actions.append(.tell(.initialPublishers(present)))
        }
        actions.append(.tellConfiguration(told: told.configuration, isNew: !told.hasInitialPublishers))
        if isEstablished, told.stage < .established { actions.append(.tell(.state(.established))) }
        return actions
    }

    /// Whether a step happened that Janus does not show: what is unanswered is repeated, what is acknowledged never is,
    /// because Janus may have it still queued.
    private mutating func settle(_ told: ToldState, _ pending: Pending) -> [Action] {
        let isThere = life.usable
        if told.stage >= .accepted || (told.isAcked && isThere == nil) {
            // It was there, and has gone while nobody was there to see why.
            let reason = pending.end ? nil : Self.unseenReason
            return end(Farewell(reason: reason, isByRequest: pending.end), leavingFirst: false)
        }
        if told.isAcked {
            state = .accepted
            return progress(told) + [.startTimer(.join)]
        }
        guard pending.join else { return end(Farewell(isSilent: true), leavingFirst: false) }
        guard let handle = isThere else {
            state = .opening
            return follow(life.begun())
        }
        state = .joining
        return [.join(handle)]
    }

    // MARK: Ending

    mutating func terminateRequested() -> [Action] {
        guard farewell == nil else { return [] }
        return end(Farewell(isByRequest: true), leavingFirst: state == .joined)
    }

    /// As if the client had asked, and without a way back.
    mutating func accountRemoved() -> [Action] { end(Farewell(), leavingFirst: false) }

    /// Not the client's doing, and not Janus's: the slot is drained, for example.
    mutating func expelled(_ reason: String) -> [Action] { end(Farewell(reason: reason), leavingFirst: false) }

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
        guard farewell != nil else { return end(Farewell(reason: Self.unseenReason), leavingFirst: false) }
        return [.stopTimer] + follow(life.left())
    }

    mutating func detached() -> [Action] { follow(life.detached()) }

    mutating func marked() -> [Action] { follow(life.marked()) }

    /// A predecessor's waits until it is known what there is to undo.
    private mutating func end(_ farewell: Farewell, leavingFirst: Bool) -> [Action] {
        guard self.farewell == nil, state != .over else { return [] }
        self.farewell = farewell
        guard state != .resuming else { return [] }
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
        guard joinAnswer != nil else {
            let answer = WorkerAnswer.error(farewell.reason ?? "terminated")
            joinAnswer = answer
            return [.answerJoin(answer), .answerTerminates(.ack), .finish]
        }
        return [.answerTerminates(.ack), .tell(.state(.terminated(reason: farewell.reason))), .finish]
    }
}
