import Identity

/// A session as its worker must find it again after a crash. No phases: the front door holds what was asked and told,
/// Janus holds what is.
public struct SessionRow: Equatable, Sendable {
    public enum Role: String, Equatable, Sendable {
        case publisher
        case subscriber
        /// An account's SIP registration.
        case registration
        /// Its parent is the registration it came in over; an outgoing one has none.
        case call
    }

    public var id: SessionID
    public var slot: SlotID
    /// The client's own name for it.
    public var clientSession: ClientSessionID
    public var account: AddressOfRecord
    public var displayName: String?
    public var role: Role
    /// The publisher session a feed belongs to.
    public var parent: SessionID?
    public var room: RoomURI?
    /// Whom a feed shows.
    public var feedTarget: PublisherID?
    /// Written later, in batches nobody waits for: nil does not mean that there is none.
    public var handle: JanusHandleID?
    /// A call's Call-ID (RFC 3261 §8.1.1.4).
    public var callID: String?
    /// Who calls, without a scheme.
    public var caller: String?
    public var callerName: String?
    /// An outgoing call's INVITE may be out: it must never be sent again.
    public var isCallSent: Bool
    /// By what other handles share a registration's SIP stack; written as `handle` is.
    public var master: UInt64?
    /// Of a call that came in and has ended: nobody took it, and its client is to be told so with its end.
    public var isMissed: Bool
    /// What of a registration's calls is dealt with; written as `handle` is. nil: an earlier version has recorded it, and nobody
    /// knows.
    public var seenCalls: SeenCalls?
    /// Detached for good; the row waits until the front door has acknowledged what was said about it.
    public var ended: Bool

    public init(
        id: SessionID, slot: SlotID, clientSession: ClientSessionID, account: AddressOfRecord,
        displayName: String? = nil, role: Role, parent: SessionID? = nil, room: RoomURI? = nil,
        feedTarget: PublisherID? = nil, handle: JanusHandleID? = nil, callID: String? = nil, caller: String? = nil,
        callerName: String? = nil, isCallSent: Bool = false, master: UInt64? = nil, isMissed: Bool = false,
        seenCalls: SeenCalls? = nil,
        ended: Bool = false
    ) {
        self.id = id
        self.slot = slot
        self.clientSession = clientSession
        self.account = account
        self.displayName = displayName
        self.role = role
        self.parent = parent
        self.room = room
        self.feedTarget = feedTarget
        self.handle = handle
        self.callID = callID
        self.caller = caller
        self.callerName = callerName
        self.isCallSent = isCallSent
        self.master = master
        self.isMissed = isMissed
        self.seenCalls = seenCalls
        self.ended = ended
    }

    /// Whether both rows name the same session made by the same request: everything but what is written afterwards.
    public func isSameSession(as other: SessionRow) -> Bool {
        var other = other
        other.handle = handle
        other.isCallSent = isCallSent
        other.master = master
        other.isMissed = isMissed
        other.seenCalls = seenCalls
        other.ended = ended
        return self == other
    }
}
