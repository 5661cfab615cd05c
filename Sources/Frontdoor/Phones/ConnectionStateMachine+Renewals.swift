import Identity
import NIOCore
import Sylkrtc

/// Registrations that were lost without their client having asked: they are put back, and asked for again and again until they
/// are. Who sends `account-register` or `account-unregister` meanwhile decides himself.
extension ConnectionStateMachine {
    struct Renewal: Equatable {
        /// Which renewal of the connection's it is: timers of others are not heard.
        let number: UInt64
        /// How often it has failed.
        var failures = 0
        /// nil: it waits.
        var request: RequestSequence?
    }

    /// Seconds before the next try: 1, 2, 4 … 30. Nobody waits before the first.
    static func renewalDelay(after failures: Int) -> TimeAmount {
        failures == 0 ? .nanoseconds(0) : .seconds(min(30, 1 << Int64(min(failures - 1, 5))))
    }

    /// The registration is gone for good. One that had failed stays so: its client knows.
    mutating func lost(_ registration: PhoneBook.Registration) -> [Action] {
        let account = registration.name.address
        guard !registration.isLeaving, registration.told.stage != .failed, accounts.account(account) != nil,
            phones.registration(of: account) == nil, !isTurnTaken(account)
        else { return [] }
        lastRenewal += 1
        renewals[account] = Renewal(number: lastRenewal)
        return [.note(.registrationLost(registration.name.sent)), .renew(account, number: lastRenewal, failures: 0)]
    }

    /// It is time.
    mutating func renew(_ address: AddressOfRecord, number: UInt64, deadline: NIODeadline) -> [Action] {
        guard !isClosed, let renewal = renewals[address], renewal.number == number, renewal.request == nil,
            let account = accounts.account(address)
        else { return [] }
        let sequence = nextSequence()
        renewals[address]?.request = sequence
        let request = UnansweredRequest(
            transaction: nil, kind: .accountRegister,
            request: .register(.init(identity: account.identity, registration: nil)), deadline: deadline, turn: address)
        return [.startDeadline(sequence)] + register(account, sequence, again: nil, request)
    }

    mutating func renewalFailed(_ account: AddressOfRecord, _ sequence: RequestSequence) -> [Action] {
        guard let renewal = renewals[account], renewal.request == sequence else { return [] }
        renewals[account]?.request = nil
        renewals[account]?.failures += 1
        return [.renew(account, number: renewal.number, failures: renewal.failures + 1)]
    }

    /// What is on its way to a worker is answered all the same, and nothing follows if that fails.
    mutating func dropRenewal(of account: AddressOfRecord) {
        guard let renewal = renewals.removeValue(forKey: account), let request = renewal.request, isLocating(request)
        else { return }
        unanswered[request] = nil
        phones.remove(request)
    }
}
