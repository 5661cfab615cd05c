import Identity
import Sylkrtc

/// What workers tell of registrations and calls (protocol page, E02 to E04, E06).
extension ConnectionStateMachine {
    mutating func toldOfPhone(_ sequence: RequestSequence, _ event: WorkerEvent, by slot: SlotID) -> [Action] {
        guard phones.slot(of: sequence) == slot else { return [] }
        if let registration = phones.registrations[sequence] {
            // Of a removed account nothing is said any more.
            return registration.isLeaving ? [] : told(sequence, registration, event)
        }
        guard let call = phones.calls[sequence], case .call(let state) = event else { return [] }
        return told(sequence, call, state)
    }

    // MARK: Registrations

    private mutating func told(
        _ sequence: RequestSequence, _ registration: PhoneBook.Registration, _ event: WorkerEvent
    ) -> [Action] {
        switch event {
        case .registration(let state): return told(sequence, registration, state)
        case .registrationLost:
            // Before its request is answered there is nothing to lose.
            guard registration.told.isAcked else { return [.note(.unexpected("the loss of \(sequence)"))] }
            phones.remove(sequence)
            return lost(registration) + heldAnew(after: sequence) + proceed()
        case .incomingCall(let number, let client, let caller, let offer):
            return came(number, client, caller, offer, over: sequence, registration)
        case .missedCall(let caller, let number):
            if let number, !phones.missed(number, from: caller, over: sequence) { return [] }
            return [
                .send(.missedSession(account: registration.name.sent, caller: caller)),
                .note(.missed(registration.name.sent, by: caller.uri)),
            ]
        case .state, .initialPublishers, .publishersJoined, .publishersLeft, .roomConfigured, .feedOffered,
            .feedEstablished, .feedEnded, .call:
            return []
        }
    }

    private mutating func told(
        _ sequence: RequestSequence, _ registration: PhoneBook.Registration, _ state: RegistrationState
    ) -> [Action] {
        let name = registration.name.sent
        let stage = ToldRegistration.Stage(state)
        let event = Action.send(.registrationState(account: name, state))
        var reason: String?
        if case .failed(let its) = state { reason = its }
        guard stage != registration.told.stage || reason != registration.reason else { return [] }
        phones.changeRegistration(sequence) {
            $0.told.stage = stage
            $0.reason = reason
            if stage == .registered { $0.isQuiet = false }
        }
        let account = registration.name.address
        guard !registration.isQuiet || state != .registering && state != registrationStates[account] else { return [] }
        registrationStates[account] = state
        switch state {
        case .registering: return [event]
        case .registered: return [event, .note(.registered(name))] + verify(registration.name.address)
        case .failed(let reason):
            return [event, .note(.registrationFailed(name, reason))] + unverify(registration.name.address)
        }
    }

    /// A request about a registration that is no more need not go where that was. What has gone is answered there.
    private mutating func heldAnew(after registration: RequestSequence) -> [Action] {
        let held = unanswered.first { $0.value.registration == registration && $0.value.isHeld }
        guard let (sequence, pending) = held else { return [] }
        if case .unregister = pending.request { return answer(sequence, .ack) }
        return registerAnew(sequence)
    }

    // MARK: Calls

    private mutating func came(
        _ number: RequestSequence, _ client: ClientSessionID, _ caller: Caller, _ offer: SessionDescription,
        over sequence: RequestSequence, _ registration: PhoneBook.Registration
    ) -> [Action] {
        guard phones.calls[number] == nil else { return [] }
        guard let slot = registration.slot else { return [] }
        guard phones.call(client.description) == nil else {
            return [
                .note(.unexpected("another call \(client)")),
                .release(SessionID(connection: id, request: number), at: slot),
            ]
        }
        // A worker lets one call of an account in at a time, but knows those that live with it only.
        let isBusy = phones.calls.values.contains { $0.name.address == registration.name.address && $0.slot != slot }
        guard !isBusy else {
            return [
                .send(.missedSession(account: registration.name.sent, caller: caller)),
                .note(.missed(registration.name.sent, by: caller.uri)),
                .release(SessionID(connection: id, request: number), at: slot),
            ]
        }
        phones.addIncoming(number, called: client, by: caller, over: sequence)
        return [
            .send(
                .incomingSession(account: registration.name.sent, session: client, caller: caller, offer: offer)),
            .note(.called(registration.name.sent, by: caller.uri)),
        ]
    }

    private mutating func told(
        _ sequence: RequestSequence, _ call: PhoneBook.Call, _ state: CallState
    ) -> [Action] {
        let stage = ToldCall.Stage(state)
        guard stage > call.told.stage, stage != .progress || !call.isIncoming else {
            return [.note(.unexpected("\(stage) after \(call.told.stage), of call \(sequence)"))]
        }
        phones.changeCall(sequence) { $0.told.stage = stage }
        var actions: [Action] = [.send(.session(session: call.client, state))]
        guard case .terminated(let reason, let missed) = state else { return actions }
        actions.append(.note(.callEnded(call.name.sent, call.client, reason)))
        if let missed, accounts.account(call.name.address) != nil {
            actions.append(.send(.missedSession(account: call.name.sent, caller: missed)))
            actions.append(.note(.missed(call.name.sent, by: missed.uri)))
        }
        return actions + forget(sequence) + proceed()
    }
}
