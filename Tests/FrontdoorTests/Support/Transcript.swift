import Identity
import NIOCore
import Sylkrtc

@testable import Frontdoor

typealias Action = ConnectionStateMachine.Action

/// A connection's machine and what a client says to it, in sylkRTC-1. Requests are numbered from 1 as they come.
struct Transcript {
    private(set) var machine: ConnectionStateMachine
    /// The number of the last request.
    private(set) var last: UInt64 = 0
    private var transactions = 0

    /// - Parameter accounts: added beforehand, each by one request.
    init(
        accounts: [String] = [alice], domains: [String] = ["*"], trustsClaims: Bool = false,
        limits: Limits = Limits()
    ) {
        machine = ConnectionStateMachine(
            .test,
            accounts: AccountBook(
                domains: DomainRules(domains), trustsClaims: trustsClaims, maximum: limits.accounts),
            limits: limits)
        for account in accounts { add(account) }
    }

    /// - Parameter transaction: given to texts that have to be told apart.
    mutating func ask(_ ask: Ask, as transaction: String = "t") -> [Action] { say(ask.text(transaction)) }

    mutating func say(_ text: String) -> [Action] {
        let message = Dialect.sylkRTC1.decode(Array(text.utf8))
        if case .request = message { last += 1 }
        return machine.received(message, bytes: text.utf8.count, deadline: .uptimeNanoseconds(last))
    }

    /// - Parameter number: nil: the last request.
    mutating func located(_ number: UInt64? = nil, at place: Int = 1) -> [Action] {
        machine.located(request(number ?? last), at: slot(place))
    }

    mutating func answered(_ number: UInt64? = nil, _ answer: WorkerAnswer = .ack, by place: Int = 1) -> [Action] {
        machine.answered(request(number ?? last), answer, by: slot(place))
    }

    mutating func told(_ session: UInt64, _ event: WorkerEvent, by place: Int = 1) -> [Action] {
        machine.told(request(session), event, by: slot(place))
    }

    mutating func notLocated(_ number: UInt64, _ text: String) -> [Action] {
        machine.notLocated(request(number), text)
    }

    mutating func deadlinePassed(_ number: UInt64? = nil) -> [Action] {
        machine.deadlinePassed(request(number ?? last))
    }

    mutating func slotAbandoned(_ place: Int = 1) -> [Action] { machine.slotAbandoned(slot(place)) }

    mutating func linkLost(_ place: Int = 1) { machine.linkLost(slot(place)) }

    mutating func notSent(_ number: UInt64, at place: Int = 1) { machine.notSent(request(number), at: slot(place)) }

    /// The worker says hello on a new link, and gets what it is to have.
    mutating func resync(_ place: Int = 1) -> Resync {
        let slot = slot(place)
        machine.resyncBegan(at: slot)
        let resync = Resync(entries: machine.entries(at: slot), requests: machine.unanswered(at: slot))
        for request in resync.requests { machine.sent(request.sequence, to: slot) }
        return resync
    }

    mutating func resynced(_ session: UInt64, by place: Int = 1) -> [Action] {
        machine.resynced(request(session), by: slot(place))
    }

    mutating func undeliverable(_ number: UInt64, at place: Int = 1) -> [Action] {
        machine.undeliverable(request(number), at: slot(place))
    }

    /// Up to the ack, which trusted claims wait for the registry with.
    mutating func add(_ account: String) {
        _ = ask(.addAccount(account))
        _ = claimed()
    }

    mutating func claimed(_ number: UInt64? = nil, _ isRecorded: Bool = true) -> [Action] {
        machine.claimed(request(number ?? last), isRecorded: isRecorded)
    }

    mutating func unclaimed(_ number: UInt64? = nil) -> [Action] { machine.unclaimed(request(number ?? last)) }

    mutating func tokensStored(_ number: UInt64? = nil, _ isStored: Bool = true) -> [Action] {
        machine.tokensStored(request(number ?? last), isStored: isStored)
    }

    func invited(_ address: String = alice, name: String? = "Bob") -> [Action] {
        machine.invited(.test(of: address, name: name))
    }

    mutating func verified(_ address: String = alice) -> [Action] { machine.accountVerified(account(address)) }

    mutating func closed() -> [Action] { machine.closed() }

    /// How requests ended that were answered since this was last asked.
    mutating func outcomes() -> [RequestOutcome] { machine.takeAnswered().map(\.outcome) }

    /// The time of a renewal has come.
    mutating func renew(_ number: UInt64 = 1, of address: String = alice) -> [Action] {
        let actions = machine.renew(account(address), number: number, deadline: .uptimeNanoseconds(last))
        if !actions.isEmpty { last += 1 }
        return actions
    }

    /// Registers, and is told so.
    ///
    /// - Returns: the number of the request.
    mutating func register(_ account: String = alice, at place: Int = 1) -> UInt64 {
        let actions = ask(.register(account)) + located(at: place) + answered(by: place)
        precondition(actions.contains(.ack("t")), "\(actions)")
        let registration = last
        for state in [RegistrationState.registering, .registered] {
            _ = told(registration, .registration(state), by: place)
        }
        return registration
    }

    /// Somebody calls a registered account.
    mutating func ring(
        _ number: UInt64 = firstCall, as session: String = "in", over registration: UInt64, by place: Int = 1
    ) -> [Action] {
        told(registration, .ringing(number, session), by: place)
    }

    /// Calls, and is acknowledged.
    ///
    /// - Returns: the number of the request.
    mutating func call(_ session: String = "call", from account: String = alice, at place: Int = 1) -> UInt64 {
        let actions = ask(.call(session, from: account)) + located(at: place) + answered(by: place)
        precondition(actions.contains(.ack("t")), "\(actions)")
        return last
    }

    /// Joins, and is told everything up to `accepted`.
    ///
    /// - Returns: the number of the join.
    mutating func join(_ session: String = "pub-a", as account: String = alice, at place: Int = 1) -> UInt64 {
        let actions = ask(.join(session, as: account)) + located(at: place) + answered(by: place)
        precondition(actions.contains(.ack("t")), "\(actions)")
        let join = last
        for state in [ConferenceState.progress, .accepted(answer: sdp("answer"))] {
            _ = told(join, .state(state), by: place)
        }
        return join
    }

    /// - Returns: the number of the attaching.
    mutating func attach(_ feed: String, to publisher: String = "pub-b", under session: String = "pub-a") -> UInt64 {
        let actions = ask(.attach(feed, to: publisher, under: session)) + answered()
        precondition(actions.contains(.ack("t")), "\(actions)")
        return last
    }
}

/// A connection's part of what a new link begins with.
struct Resync: Equatable {
    var entries: [ConnectionList.Entry]
    var requests: [ConnectionStateMachine.Repeat]

    /// `4`, or `4 again`: which requests, and which of them may have arrived before.
    var repeats: [String] { requests.map { "\($0.sequence)\($0.isRepeat ? " again" : "")" } }
    var sessions: [UInt64] { entries.map(\.session.request.rawValue) }

    func told(_ session: UInt64) -> Told? { entries.first { $0.session == .test(session) }?.told }
}

extension Departure {
    /// A request of the test's connection.
    static func asking(
        _ number: UInt64, until deadline: NIODeadline = .uptimeNanoseconds(0), isRepeat: Bool = false
    ) -> Departure {
        .request(
            .trickling(2), FrontdoorTests.request(number), of: .test, deadline: deadline, isRepeat: isRepeat)
    }
}

extension Invitation {
    /// Bob's, by his first connection's request.
    static func test(
        of address: String = alice, by number: UInt64 = 1, from connection: UInt64 = 77, name: String? = "Bob"
    )
        -> Invitation
    {
        Invitation(
            source: Source(connection: ConnectionID(owner: .test, number: connection), request: request(number)),
            account: FrontdoorTests.account(address),
            originator: Originator(account: FrontdoorTests.account(bob), displayName: name),
            room: roomURI())
    }
}

extension ConnectionStateMachine {
    func sessions(at slot: SlotID) -> [SessionID] { entries(at: slot).map(\.session) }
}

extension ConnectionStateMachine.Action {
    static func ack(_ transaction: String) -> Action { .send(.ack(transaction: transaction)) }

    static func error(_ transaction: String, _ text: String) -> Action {
        .send(.error(transaction: transaction, text: text))
    }

    static func event(_ session: String, _ event: VideoroomEvent) -> Action {
        .send(.videoroom(session: client(session), event))
    }

    static func terminated(_ session: String, _ reason: String?) -> Action {
        .event(session, .state(.terminated(reason: reason)))
    }

    /// E02
    static func registration(_ state: RegistrationState, of account: String = alice) -> Action {
        .send(.registrationState(account: account, state))
    }

    /// E06
    static func call(_ session: String, _ state: CallState) -> Action {
        .send(.session(session: client(session), state))
    }

    static func missed(_ caller: Caller = .bob, _ account: String = alice) -> Action {
        .send(.missedSession(account: account, caller: caller))
    }

    static func findHome(_ number: UInt64, preferring place: Int? = nil) -> Action {
        .findHome(request(number), preferring: place.map(slot))
    }

    /// A line about what accounts and calls do, which is nobody's business but the log's.
    fileprivate var isNews: Bool {
        switch self {
        case .note(.registered), .note(.registrationFailed), .note(.registrationLost), .note(.unregistered),
            .note(.calling), .note(.called), .note(.callEnded), .note(.missed):
            true
        default: false
        }
    }
}

extension [ConnectionStateMachine.Action] {
    var withoutNews: [Action] { filter { !$0.isNews } }
}

/// The numbers of calls that come in begin here.
let firstCall: UInt64 = 1 << 62

extension Caller {
    static let bob = Caller(uri: FrontdoorTests.bob, displayName: "Bob")
}

extension WorkerEvent {
    static func ringing(_ number: UInt64 = firstCall, _ session: String = "in") -> WorkerEvent {
        .incomingCall(call: request(number), client: client(session), caller: .bob, offer: sdp("offer"))
    }
}

/// What becomes of a request that waits for a worker.
func forwarded(_ number: UInt64, _ request: WorkerRequest, to place: Int = 1) -> [Action] {
    let number = RequestSequence(rawValue: number)
    return [.startDeadline(number), .forward(number, request, to: slot(place))]
}

/// What becomes of a request that is answered with an error.
func refused(_ name: String, _ text: String, as transaction: String = "t") -> [Action] {
    [.note(.refused(transaction: transaction, request: name, text: text)), .error(transaction, text)]
}
