import Identity
import Registry
import Sylkrtc

/// `account-register` and `account-unregister` (protocol page, R03, R04). Of one account they are carried out one after the other.
extension ConnectionStateMachine {
    mutating func changeRegistration(
        _ account: SentAddress, _ wish: RegistrationTurns.Wish, _ asked: Asked
    ) -> [Action] {
        guard accounts.account(account.address) != nil else {
            return refuse(asked.transaction, asked.name, "Unknown account specified: \(account.sent)")
        }
        // Whatever it is, it takes the place of what the gateway would have done by itself.
        dropRenewal(of: account.address)
        var request = RegistrationTurns.Waiting(asked: asked, account: account.address, wish: wish)
        guard !isTurnTaken(account.address) else {
            // The few bytes of it are not worth counting while it waits.
            request.asked.bytes = 0
            turns.add(request)
            return [.startDeadline(asked.sequence)]
        }
        let actions = begin(request)
        return (unanswered[asked.sequence] == nil ? [] : [.startDeadline(asked.sequence)]) + actions
    }

    /// Some request about the account's registration is unanswered.
    func isTurnTaken(_ account: AddressOfRecord) -> Bool { unanswered.values.contains { $0.turn == account } }

    /// The request that had the turn is answered.
    mutating func nextTurn(of account: AddressOfRecord) -> [Action] {
        var actions: [Action] = []
        while !isTurnTaken(account), let next = turns.next(of: account) {
            actions += begin(next)
            if unanswered[next.asked.sequence] == nil { noteAnswered(next.asked, .ack) }
        }
        return actions
    }

    private mutating func begin(_ waiting: RegistrationTurns.Waiting) -> [Action] {
        let asked = waiting.asked
        guard let account = accounts.account(waiting.account) else { return [] }
        let registration = phones.registration(of: waiting.account)
        switch waiting.wish {
        case .register:
            return register(
                account, asked.sequence, again: registration,
                UnansweredRequest(
                    transaction: asked.transaction, kind: asked.kind,
                    request: .register(.init(identity: account.identity, registration: registration)),
                    deadline: asked.deadline, bytes: asked.bytes, turn: waiting.account))
        case .unregister:
            guard let registration, let slot = phones.slot(of: registration) else {
                registrationStates[waiting.account] = nil
                return [.send(.ack(transaction: asked.transaction))] + unverify(waiting.account)
            }
            unanswered[asked.sequence] = UnansweredRequest(
                transaction: asked.transaction, kind: asked.kind, request: .unregister(registration: registration),
                deadline: asked.deadline, bytes: asked.bytes, turn: waiting.account,
                workers: [slot: UnansweredRequest.Delivery()])
            return depart(asked.sequence)
        }
    }

    /// - Parameter registration: that is renewed; nil: the request begins one.
    mutating func register(
        _ account: AccountBook.Account, _ sequence: RequestSequence, again registration: RequestSequence?,
        _ request: UnansweredRequest
    ) -> [Action] {
        unanswered[sequence] = request
        guard let registration, let slot = phones.slot(of: registration) else {
            addRegistration(sequence, of: account)
            return findHome(sequence)
        }
        unanswered[sequence]?.workers = [slot: UnansweredRequest.Delivery()]
        return depart(sequence)
    }

    /// The account that a request is about; nil: it was removed since, even if another is there under its name.
    func account(_ address: AddressOfRecord, of request: RequestSequence) -> AccountBook.Account? {
        guard let account = accounts.account(address), account.addition < request else { return nil }
        return account
    }

    private mutating func addRegistration(_ sequence: RequestSequence, of account: AccountBook.Account) {
        phones.addRegistration(sequence, of: account.name)
        guard unanswered[sequence]?.transaction == nil, case .failed? = registrationStates[account.name.address] else {
            return
        }
        phones.changeRegistration(sequence) { $0.isQuiet = true }
    }

    /// The registration that a request was to renew is gone, or its worker: the request begins one, elsewhere perhaps.
    mutating func registerAnew(_ sequence: RequestSequence) -> [Action] {
        guard let pending = unanswered[sequence], case .register(let register) = pending.request else { return [] }
        guard let account = account(register.identity.account, of: sequence) else {
            return answer(sequence, .error("Unknown account specified: \(register.identity.accountAsSent)"))
        }
        phones.remove(register.registration ?? sequence)
        addRegistration(sequence, of: account)
        unanswered[sequence]?.request = .register(.init(identity: register.identity, registration: nil))
        unanswered[sequence]?.workers = [:]
        unanswered[sequence]?.attempts = 0
        return findHome(sequence)
    }

    // MARK: Answers

    mutating func registerAcknowledged(_ register: WorkerRequest.Register, _ sequence: RequestSequence) {
        phones.changeRegistration(register.registration ?? sequence) {
            $0.told.isAcked = true
            // What the client hears from now on is news (D26). What it heard before the answer a new link still has to name.
            guard register.registration != nil else { return }
            $0.told.stage = .nothing
            $0.isQuiet = false
        }
        let account = register.identity.account
        guard renewals[account]?.request == sequence else { return registrationStates[account] = nil }
        renewals[account] = nil
    }

    /// A registration that was to be renewed is as it was; one that was to begin does not.
    mutating func registerFailed(
        _ register: WorkerRequest.Register, _ sequence: RequestSequence, _ text: String
    ) -> [Action] {
        guard register.registration == nil else { return [] }
        phones.remove(sequence)
        let account = register.identity.account
        return tellFailed(account, text, isAsked: renewals[account]?.request != sequence) + unverify(account)
            + renewalFailed(account, sequence)
    }

    /// There is no registration any more, and the client believes otherwise (E02). Who has asked for another is answered.
    ///
    /// - Parameter isAsked: by a client, who knows the outcome if there was nothing before.
    mutating func tellFailed(_ account: AddressOfRecord, _ reason: String, isAsked: Bool) -> [Action] {
        guard let name = accounts.account(account)?.name.sent, !turns.contains(account), !isTurnTaken(account) else {
            return []
        }
        switch registrationStates[account] {
        case .failed?: return []
        case nil where isAsked: return []
        case .registering?, .registered?, nil: break
        }
        registrationStates[account] = .failed(reason: reason)
        return [
            .send(.registrationState(account: name, .failed(reason: reason))), .note(.registrationFailed(name, reason)),
        ]
    }

    /// The worker has ended it, or has not known it: all the same to the client (D24).
    mutating func unregistered(_ registration: RequestSequence, of account: AddressOfRecord?) -> [Action] {
        phones.remove(registration)
        if let account { registrationStates[account] = nil }
        guard let account, let name = accounts.account(account)?.name.sent else { return [] }
        return [.note(.unregistered(name))] + unverify(account)
    }

    // MARK: Verification

    /// The account is registered: it can be believed (D22). Invitations find it from now on, and what has waited is done.
    mutating func verify(_ account: AddressOfRecord) -> [Action] {
        guard accounts.verify(account) else { return [] }
        return [.claim(nil, account)] + accountVerified(account)
    }

    mutating func unverify(_ account: AddressOfRecord) -> [Action] {
        accounts.unverify(account) ? [.unclaim(nil, [account])] : []
    }
}

extension AccountBook.Account {
    var identity: WorkerRequest.Identity {
        WorkerRequest.Identity(account: name, displayName: displayName, userAgent: userAgent, password: password)
    }
}
