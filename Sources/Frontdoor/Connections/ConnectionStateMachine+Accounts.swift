import Identity
import Registry
import Sylkrtc

/// What accounts need stored: that they are here, where others look for them, and how their devices are reached.
extension ConnectionStateMachine {
    static let noRegistryText = "the registry is not available"
    static let noTokensText = "device tokens cannot be stored"

    // MARK: Claims

    /// An account has come. Where it is believed, invitations must find it before the client hears that it is there.
    mutating func added(_ request: AccountAdd, _ asked: Asked) -> [Action] {
        guard accounts.isClaimed(request.account.address) else {
            return [
                .send(.ack(transaction: asked.transaction)),
                .note(.accountAdded(request.account.sent, userAgent: request.userAgent)),
            ]
        }
        store(.addition(request.account, userAgent: request.userAgent), asked)
        return [.startDeadline(asked.sequence), .claim(asked.sequence, request.account.address)]
    }

    /// The registry has recorded the account, or cannot.
    mutating func claimed(_ sequence: RequestSequence, isRecorded: Bool) -> [Action] {
        guard let pending = storing[sequence], case .addition(let account, let userAgent) = pending.subject else {
            return []
        }
        guard isRecorded else { return notAdded(sequence, pending, account, Self.noRegistryText) }
        storingEnded(sequence, .ack)
        return [
            .send(.ack(transaction: pending.transaction)), .note(.accountAdded(account.sent, userAgent: userAgent)),
        ] + answerRepeated(behind: sequence) + proceed()
    }

    /// The request that has added the account, and has no answer yet.
    func pendingAddition(of account: AddressOfRecord) -> RequestSequence? {
        guard let first = accounts.account(account)?.addition, storing[first] != nil else { return nil }
        return first
    }

    /// The first of several additions of one account is answered, and so are the others: each as if it came now.
    private mutating func answerRepeated(behind first: RequestSequence, isUndone: Bool = false) -> [Action] {
        let repeated = storing.compactMap { sequence, pending -> (RequestSequence, StoringRequest, AccountAdd)? in
            guard case .repeatedAddition(let request, first) = pending.subject else { return nil }
            return (sequence, pending, request)
        }.sorted { $0.0 < $1.0 }
        var actions: [Action] = []
        for (sequence, pending, request) in repeated {
            if isUndone, accounts.account(request.account.address) == nil {
                let problem = accounts.add(request, sequence)
                guard let problem else {
                    storing[sequence]?.subject = .addition(request.account, userAgent: request.userAgent)
                    actions.append(.claim(sequence, request.account.address))
                    continue
                }
                storingEnded(sequence, .error)
                actions += refuse(pending.transaction, pending.kind.name, problem)
            } else if isUndone, let next = pendingAddition(of: request.account.address) {
                storing[sequence]?.subject = .repeatedAddition(request, behind: next)
            } else {
                storingEnded(sequence, .error)
                actions += refuse(
                    pending.transaction, pending.kind.name, AccountBook.alreadyAdded(request.account))
            }
        }
        return actions
    }

    /// As if it had never been asked for, unless it was removed meanwhile, or added again.
    private mutating func notAdded(
        _ sequence: RequestSequence, _ pending: StoringRequest, _ account: SentAddress, _ text: String,
        _ outcome: RequestOutcome = .error
    ) -> [Action] {
        storingEnded(sequence, outcome)
        let refusal = refuse(pending.transaction, pending.kind.name, text)
        guard accounts.account(account.address)?.addition == sequence else {
            return refusal + answerRepeated(behind: sequence) + proceed()
        }
        return refusal + forget(account) + endSessions(of: account, after: sequence)
            + endPhones(of: account, after: sequence) + [.unclaim(nil, [account.address])]
            + answerRepeated(behind: sequence, isUndone: true) + proceed()
    }

    /// The registry has forgotten a removed account, or cannot: nobody has to know (D24).
    mutating func unclaimed(_ sequence: RequestSequence) -> [Action] {
        guard unanswered[sequence]?.isInRegistry == true else { return [] }
        unanswered[sequence]?.isInRegistry = false
        return removed(sequence) + proceed()
    }

    // MARK: Device tokens

    /// A device is to be reached by another token than before (R05). Only who is believed can change how an account's devices are
    /// reached (D22): of others that waits here.
    mutating func changeTokens(_ request: AccountDeviceToken, _ asked: Asked) -> [Action] {
        let ack = Action.send(.ack(transaction: asked.transaction))
        let account = request.account.address
        guard let change = DeviceTokenChange(removed: request.oldToken, added: request.newToken) else { return [ack] }
        guard accounts.isVerified(account) else {
            waitingTokens.add(change, of: account)
            return [ack]
        }
        store(.tokens, asked)
        return [
            .startDeadline(asked.sequence), .storeTokens(asked.sequence, account, [change]),
            .note(.tokensChanged(request.account.sent)),
        ]
    }

    mutating func tokensStored(_ sequence: RequestSequence, isStored: Bool) -> [Action] {
        guard let pending = storing[sequence], case .tokens = pending.subject else { return [] }
        storingEnded(sequence, isStored ? .ack : .error)
        guard isStored else { return refuse(pending.transaction, pending.kind.name, Self.noTokensText) + proceed() }
        return [.send(.ack(transaction: pending.transaction))] + proceed()
    }

    /// The account can be believed from now on: what waited for that is done.
    mutating func accountVerified(_ account: AddressOfRecord) -> [Action] {
        guard !isClosed, let name = accounts.account(account)?.name else { return [] }
        let changes = waitingTokens.remove(account)
        guard !changes.isEmpty else { return [] }
        return [.storeTokens(nil, account, changes), .note(.tokensChanged(name.sent))]
    }

    // MARK: Invitations

    /// Somebody invites an account of this connection. It may have been removed since he asked, or may not be believed.
    func invited(_ invitation: Invitation) -> [Action] {
        guard !isClosed, let account = accounts.account(invitation.account), accounts.isVerified(invitation.account)
        else { return [] }
        return [
            .send(
                .conferenceInvite(
                    account: account.name.sent, originator: invitation.originator, room: invitation.room)),
            .note(.invited(account.name.sent, by: invitation.originator.account, to: invitation.room)),
        ]
    }

    // MARK: Waiting

    mutating func store(_ subject: StoringRequest.Subject, _ asked: Asked) {
        storing[asked.sequence] = StoringRequest(
            transaction: asked.transaction, kind: asked.kind, subject: subject, deadline: asked.deadline,
            bytes: asked.bytes)
    }

    /// Nobody has said in time that it is stored.
    mutating func storingTimedOut(_ sequence: RequestSequence) -> [Action] {
        guard let pending = storing[sequence] else { return [] }
        let text = "request timed out"
        switch pending.subject {
        case .addition(let account, _): return notAdded(sequence, pending, account, text, .timeout)
        case .tokens, .repeatedAddition:
            storingEnded(sequence, .timeout)
            return refuse(pending.transaction, pending.kind.name, text) + proceed()
        }
    }
}
