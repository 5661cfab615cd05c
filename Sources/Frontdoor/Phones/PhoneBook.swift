import Identity
import Sylkrtc

/// The registrations and the calls of one connection, by the request that created them; calls that came in by the number their
/// worker drew. Calls go by the client's own names, too, which are unique among calls: conference sessions are another matter.
struct PhoneBook {
    struct Registration {
        let name: SentAddress
        /// nil: its home is being looked for.
        var slot: SlotID?
        var told = ToldRegistration()
        /// What the client was told with `failed`.
        var reason: String?
        /// Its client knows of failed tries to put it back: what comes of this one is news, not its beginning.
        var isQuiet = false
        var isInSync = true
        /// Its account is removed, and its worker is yet to say that it has given it up.
        var isLeaving = false
        /// The latest calls that the client did not hear of otherwise.
        fileprivate var missed: [MissedCall] = []
    }

    fileprivate struct MissedCall: Equatable {
        let number: UInt64
        let caller: String
    }

    /// Of a registration: more than a worker tells of at once.
    private static let rememberedMissedCalls = 32

    struct Call {
        let client: ClientSessionID
        let name: SentAddress
        /// Over which it came in; nil: the client has called somebody.
        let registration: RequestSequence?
        /// Of a call that came in.
        var caller: Caller?
        var slot: SlotID?
        var told = ToldCall()
        /// The client has answered it, and its worker is yet to say so.
        var isBeingAnswered = false
        var isInSync = true

        var isIncoming: Bool { registration != nil }
    }

    private(set) var registrations: [RequestSequence: Registration] = [:]
    private(set) var calls: [RequestSequence: Call] = [:]
    private var names: [ClientSessionID: RequestSequence] = [:]

    var slots: Set<SlotID> {
        Set(registrations.values.compactMap(\.slot) + calls.values.compactMap(\.slot))
    }

    /// Something lives there.
    func lives(at slot: SlotID) -> Bool {
        registrations.values.contains { $0.slot == slot } || calls.values.contains { $0.slot == slot }
    }

    func contains(_ sequence: RequestSequence) -> Bool { registrations[sequence] != nil || calls[sequence] != nil }

    func slot(of sequence: RequestSequence) -> SlotID? { registrations[sequence]?.slot ?? calls[sequence]?.slot }

    func name(of sequence: RequestSequence) -> SentAddress? {
        registrations[sequence]?.name ?? calls[sequence]?.name
    }

    func isInSync(_ sequence: RequestSequence) -> Bool? {
        registrations[sequence]?.isInSync ?? calls[sequence]?.isInSync
    }

    func told(_ sequence: RequestSequence) -> Told? {
        if let registration = registrations[sequence] { return .registration(registration.told) }
        return calls[sequence].map { .call(registration: $0.registration, $0.told) }
    }

    /// Calls that came in stand behind everything that was asked for.
    func all(at slot: SlotID) -> [RequestSequence] {
        numbers(registrations: { $1.slot == slot }, calls: { $1.slot == slot })
    }

    private func numbers(
        registrations isRegistration: (RequestSequence, Registration) -> Bool,
        calls isCall: (RequestSequence, Call) -> Bool
    ) -> [RequestSequence] {
        let registrations = registrations.filter { isRegistration($0.key, $0.value) }.map(\.key)
        return (registrations + calls.filter { isCall($0.key, $0.value) }.map(\.key)).sorted()
    }

    // MARK: Accounts

    /// An account has one at most.
    func registration(of account: AddressOfRecord) -> RequestSequence? {
        registrations.first { $0.value.name.address == account && !$0.value.isLeaving }?.key
    }

    func call(_ name: String) -> RequestSequence? { ClientSessionID(name).flatMap { names[$0] } }

    func slots(of account: AddressOfRecord) -> Set<SlotID> {
        Set(
            registrations.values.filter { $0.name.address == account }.compactMap(\.slot)
                + calls.values.filter { $0.name.address == account }.compactMap(\.slot))
    }

    /// What was there before a request.
    func all(of account: AddressOfRecord, before request: RequestSequence) -> [RequestSequence] {
        numbers(
            registrations: { $1.name.address == account && $0 < request },
            calls: { $1.name.address == account && $1.registration ?? $0 < request })
    }

    /// What has begun after a request; calls that came in with what they came in over.
    func all(of account: AddressOfRecord, after request: RequestSequence) -> [RequestSequence] {
        numbers(
            registrations: { $1.name.address == account && $0 > request },
            calls: { $1.name.address == account && $1.registration ?? $0 > request })
    }

    /// What has no worker yet.
    func unplaced(of account: AddressOfRecord) -> [RequestSequence] {
        numbers(
            registrations: { $1.name.address == account && $1.slot == nil },
            calls: { $1.name.address == account && $1.slot == nil })
    }

    /// Calls that came in and are not answered.
    func ringing(over registration: RequestSequence) -> [RequestSequence] {
        numbers(
            registrations: { _, _ in false },
            calls: { $1.registration == registration && $1.told.stage == .nothing && !$1.told.isAnswered })
    }

    /// The account is removed.
    mutating func leave(_ account: AddressOfRecord) {
        for number in registrations.keys where registrations[number]?.name.address == account {
            registrations[number]?.isLeaving = true
        }
    }

    // MARK: Coming and going

    mutating func addRegistration(_ sequence: RequestSequence, of name: SentAddress) {
        registrations[sequence] = Registration(name: name)
    }

    mutating func addCall(_ sequence: RequestSequence, called client: ClientSessionID, of name: SentAddress) {
        calls[sequence] = Call(client: client, name: name, registration: nil)
        names[client] = sequence
    }

    /// A call that came in lives where its registration does.
    mutating func addIncoming(
        _ number: RequestSequence, called client: ClientSessionID, by caller: Caller,
        over registration: RequestSequence
    ) {
        guard let entry = registrations[registration] else { return }
        calls[number] = Call(
            client: client, name: entry.name, registration: registration, caller: caller, slot: entry.slot,
            told: ToldCall(isAcked: true))
        names[client] = number
    }

    /// - Returns: whether it was there.
    @discardableResult
    mutating func remove(_ sequence: RequestSequence) -> Bool {
        if registrations.removeValue(forKey: sequence) != nil { return true }
        guard let call = calls.removeValue(forKey: sequence) else { return false }
        names[call.client] = nil
        return true
    }

    /// Its worker is known, or (nil) not any more. There is nothing to sync yet.
    mutating func place(_ sequence: RequestSequence, at slot: SlotID?) {
        registrations[sequence]?.slot = slot
        registrations[sequence]?.isInSync = true
        calls[sequence]?.slot = slot
        calls[sequence]?.isInSync = true
    }

    mutating func syncLost(at slot: SlotID) {
        for number in registrations.keys where registrations[number]?.slot == slot {
            registrations[number]?.isInSync = false
        }
        for number in calls.keys where calls[number]?.slot == slot { calls[number]?.isInSync = false }
    }

    mutating func synced(_ sequence: RequestSequence) {
        registrations[sequence]?.isInSync = true
        calls[sequence]?.isInSync = true
    }

    // MARK: Telling

    mutating func changeRegistration(_ sequence: RequestSequence, _ change: (inout Registration) -> Void) {
        if var registration = registrations.removeValue(forKey: sequence) {
            change(&registration)
            registrations[sequence] = registration
        }
    }

    /// - Returns: false: that was told before, and the worker does not know so.
    mutating func missed(_ number: UInt64, from caller: Caller, over registration: RequestSequence) -> Bool {
        let call = MissedCall(number: number, caller: caller.uri)
        guard let told = registrations[registration]?.missed, !told.contains(call) else { return false }
        registrations[registration]?.missed = told.suffix(Self.rememberedMissedCalls - 1) + [call]
        return true
    }

    mutating func changeCall(_ sequence: RequestSequence, _ change: (inout Call) -> Void) {
        if var call = calls.removeValue(forKey: sequence) {
            change(&call)
            calls[sequence] = call
        }
    }
}

extension PhoneBook.Call {
    /// In the words of texts for the client (protocol page, R07).
    var stateName: String {
        switch told.stage {
        case .nothing: "connecting"
        case .progress: "progress"
        case .accepted: "accepted"
        case .established: "established"
        case .terminated: "terminated"
        }
    }
}
