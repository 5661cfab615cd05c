import Identity
import Sylkrtc

/// What workers tell. They are trusted to say everything once and in order; what would tell the client something twice or
/// backwards all the same is not passed on.
extension ConnectionStateMachine {
    mutating func told(_ sequence: RequestSequence, _ event: WorkerEvent, by slot: SlotID) -> [Action] {
        guard !isClosed else { return [] }
        if phones.contains(sequence) { return toldOfPhone(sequence, event, by: slot) }
        guard let session = sessions[sequence], session.slot == slot, let told = session.publisher else { return [] }
        func send(_ event: VideoroomEvent) -> Action { .send(.videoroom(session: session.client, event)) }
        func unexpected(_ what: String) -> [Action] { [.note(.unexpected("\(what), of session \(sequence)"))] }
        switch event {
        case .state(let state):
            guard state.stage > told.stage else { return unexpected("\(state.stage) after \(told.stage)") }
            sessions.told(sequence, .state(state))
            guard case .terminated = state else { return [send(.state(state))] }
            return [send(.state(state))] + forget(sequence) + proceed()
        case .initialPublishers(let publishers):
            guard !told.hasInitialPublishers else { return unexpected("initial publishers again") }
            sessions.told(sequence, .initialPublishers(publishers))
            return [send(.initialPublishers(publishers))]
        case .publishersJoined(let publishers): return joined(publishers, sequence, send, unexpected)
        case .publishersLeft(let names): return left(names, sequence, send, unexpected)
        case .roomConfigured(let version, let originator, let activeParticipants):
            guard version > told.configuration ?? 0 else { return unexpected("configuration \(version) again") }
            sessions.told(sequence, .configured(version))
            // Somebody new begins with it, and need not be told that nobody is prominent.
            let saysNothing = told.configuration == nil && originator == nil && activeParticipants.isEmpty
            return saysNothing
                ? [] : [send(.configureRoom(originator: originator, activeParticipants: activeParticipants))]
        case .feedOffered(let feed, let offer):
            guard let entry = sessions[feed], entry.isFeed(of: sequence), let told = entry.feed else { return [] }
            guard !told.isOffered, !told.isEstablished else { return unexpected("another offer for feed \(feed)") }
            sessions.toldOfFeed(feed) { $0.isOffered = true }
            return [send(.feedAttached(subscription: entry.client, offer: offer))]
        case .feedEstablished(let feed):
            guard let entry = sessions[feed], entry.isFeed(of: sequence), let told = entry.feed else { return [] }
            guard !told.isEstablished else { return unexpected("feed \(feed) established again") }
            sessions.toldOfFeed(feed) { $0.isEstablished = true }
            return [send(.feedEstablished(subscription: entry.client))]
        case .feedEnded(let feed):
            guard sessions[feed]?.isFeed(of: sequence) == true else { return [] }
            return forget(feed) + proceed()
        case .registration, .registrationLost, .incomingCall, .missedCall, .call: return []
        }
    }

    /// Somebody else under a name that is announced: the one who had it left unnoticed.
    private mutating func joined(
        _ publishers: [Publisher], _ sequence: RequestSequence, _ send: (VideoroomEvent) -> Action,
        _ unexpected: (String) -> [Action]
    ) -> [Action] {
        var notes: [Action] = []
        var departed: [ClientSessionID] = []
        var arrived: [Publisher] = []
        for publisher in publishers {
            let known = sessions[sequence]?.publisher?.announced[publisher.session]
            if known == publisher.id || arrived.contains(where: { $0.session == publisher.session }) {
                notes += unexpected("\(publisher.session) joined again")
                continue
            }
            if known != nil {
                notes += unexpected("\(publisher.session) joined in another's place")
                departed.append(publisher.session)
            }
            arrived.append(publisher)
        }
        sessions.told(sequence, .left(departed))
        sessions.told(sequence, .joined(arrived))
        return notes + (departed.isEmpty ? [] : [send(.publishersLeft(departed))])
            + (arrived.isEmpty ? [] : [send(.publishersJoined(arrived))])
    }

    private mutating func left(
        _ names: [ClientSessionID], _ sequence: RequestSequence, _ send: (VideoroomEvent) -> Action,
        _ unexpected: (String) -> [Action]
    ) -> [Action] {
        var notes: [Action] = []
        var departed: [ClientSessionID] = []
        for name in names {
            if sessions[sequence]?.publisher?.announced[name] == nil {
                notes += unexpected("\(name) left without having been there")
            } else {
                sessions.told(sequence, .left([name]))
                departed.append(name)
            }
        }
        return notes + (departed.isEmpty ? [] : [send(.publishersLeft(departed))])
    }
}

extension ConferenceState {
    fileprivate var stage: ToldState.Stage {
        switch self {
        case .progress: .progress
        case .accepted: .accepted
        case .established: .established
        case .terminated: .terminated
        }
    }
}
