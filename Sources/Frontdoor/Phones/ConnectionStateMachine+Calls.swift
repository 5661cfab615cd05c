import Identity
import Sylkrtc

/// Requests about calls (protocol page, R06 to R09).
extension ConnectionStateMachine {
    mutating func call(_ request: SessionCreate, _ asked: Asked) -> [Action] {
        func refuse(_ text: String) -> [Action] { self.refuse(asked.transaction, asked.name, text) }
        guard phones.call(request.session.description) == nil else {
            return refuse("Session ID \(request.session) already in use")
        }
        guard let account = accounts.account(request.account.address) else {
            return refuse("Unknown account specified: \(request.account.sent)")
        }
        guard sessionCount < limits.sessions else { return [.note(.limit(.sessions))] + refuse("too many sessions") }
        phones.addCall(asked.sequence, called: request.session, of: account.name)
        let call = WorkerRequest.Call(
            session: request.session, identity: account.identity, uri: request.uri, offer: request.offer)
        unanswered[asked.sequence] = UnansweredRequest(
            transaction: asked.transaction, kind: asked.kind, request: .call(call), deadline: asked.deadline,
            bytes: asked.bytes)
        return [.startDeadline(asked.sequence), .note(.calling(account.name.sent, request.uri.withoutPassword()))]
            + findHome(asked.sequence)
    }

    mutating func accept(_ request: SessionAnswer, _ asked: Asked) -> [Action] {
        func refuse(_ text: String) -> [Action] { self.refuse(asked.transaction, asked.name, text) }
        guard let number = phones.call(request.session), let call = phones.calls[number] else {
            return refuse(Self.unknownCallText(request.session))
        }
        guard call.isIncoming else { return refuse("Cannot answer outgoing session \(request.session)") }
        guard call.told.stage == .nothing, !call.told.isAnswered, !call.isBeingAnswered else {
            return refuse("Invalid state for answering session \(request.session): \(call.stateName)")
        }
        phones.changeCall(number) { $0.isBeingAnswered = true }
        return forward(.accept(call: number, answer: request.answer), about: number, request.session, asked)
    }

    mutating func trickle(_ request: SessionTrickle, _ asked: Asked) -> [Action] {
        guard let number = phones.call(request.session) else {
            return refuse(asked.transaction, asked.name, Self.unknownCallText(request.session))
        }
        return forward(.trickle(session: number, candidates: request.candidates), about: number, request.session, asked)
    }

    mutating func terminate(_ request: SessionTerminate, _ asked: Asked) -> [Action] {
        guard let number = phones.call(request.session) else {
            return refuse(asked.transaction, asked.name, Self.unknownCallText(request.session))
        }
        return forward(.terminate(session: number), about: number, request.session, asked)
    }

    private static func unknownCallText(_ session: String) -> String { "Unknown session specified: \(session)" }

    private mutating func forward(
        _ request: WorkerRequest, about call: RequestSequence, _ name: String, _ asked: Asked
    ) -> [Action] {
        forward(request, about: call, asked, Self.unknownCallText(name))
    }

    /// Calls count with conference sessions; registrations do not.
    var sessionCount: Int { sessions.count + phones.calls.count }

    /// The call is over here; its client is told why, if it knows of the call.
    ///
    /// - Parameter isMissed: it has not asked for that: a call that it has not answered is missed (E04).
    mutating func end(_ call: RequestSequence, _ reason: String, isMissed: Bool = false) -> [Action] {
        guard let entry = phones.calls[call] else { return [] }
        var missed: [Action] = []
        if isMissed, let caller = entry.caller, entry.told.stage == .nothing, !entry.told.isAnswered,
            accounts.account(entry.name.address) != nil
        {
            missed = [
                .send(.missedSession(account: entry.name.sent, caller: caller)),
                .note(.missed(entry.name.sent, by: caller.uri)),
            ]
        }
        let told: [Action] =
            entry.told.isAcked
            ? [
                .send(.session(session: entry.client, .terminated(reason: reason))),
                .note(.callEnded(entry.name.sent, entry.client, reason)),
            ] : []
        return told + missed + forget(call)
    }
}
