import Identity

/// What the gateway tells a client. One set for every dialect.
public enum ServerMessage: Equatable, Sendable {
    /// E01
    case ready
    case ack(transaction: String)
    case error(transaction: String, text: String)
    /// E02. `account` as its client wrote it, likewise below.
    case registrationState(account: String, RegistrationState)
    /// E03
    case incomingSession(account: String, session: ClientSessionID, caller: Caller, offer: SessionDescription)
    /// E04
    case missedSession(account: String, caller: Caller)
    /// E06
    case session(session: ClientSessionID, CallState)
    /// E05. `account` as its client wrote it.
    case conferenceInvite(account: String, originator: Originator, room: RoomURI)
    /// E07 to E13. `session` is the receiver's base session, for feeds too.
    case videoroom(session: ClientSessionID, VideoroomEvent)
}

public enum VideoroomEvent: Equatable, Sendable {
    /// E07
    case state(ConferenceState)
    /// E08; told once, also when empty.
    case initialPublishers([Publisher])
    /// E09; never empty (D49).
    case publishersJoined([Publisher])
    /// E10; only ids that were announced, each once (D47).
    case publishersLeft([ClientSessionID])
    /// E11
    case feedAttached(subscription: ClientSessionID, offer: SessionDescription)
    /// E12
    case feedEstablished(subscription: ClientSessionID)
    /// E13; nil: the gateway says so, and is called ``ClientSessionID/reserved``.
    case configureRoom(originator: ClientSessionID?, activeParticipants: [ClientSessionID])
}

/// E07's states, in the order a session can go through them.
public enum ConferenceState: Equatable, Sendable {
    case progress
    case accepted(answer: SessionDescription)
    case established
    /// Without a reason: the client asked for it.
    case terminated(reason: String?)
}

/// Who invites, as the invited see it.
public struct Originator: Hashable, Sendable {
    public let account: AddressOfRecord
    public let displayName: String?

    public init(account: AddressOfRecord, displayName: String?) {
        self.account = account
        self.displayName = displayName
    }
}

/// A participant as others see it.
public struct Publisher: Hashable, Sendable {
    /// Whom the name stands for; never shown to clients.
    public let id: PublisherID
    public let session: ClientSessionID
    public let account: AddressOfRecord
    /// Empty when there is none.
    public let displayName: String

    public init(id: PublisherID, session: ClientSessionID, account: AddressOfRecord, displayName: String) {
        self.id = id
        self.session = session
        self.account = account
        self.displayName = displayName
    }
}
