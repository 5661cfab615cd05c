import Identity

/// A session as its worker must find it again after a crash. No phases: the front door holds what was asked and told,
/// Janus holds what is.
public struct SessionRow: Equatable, Sendable {
    public enum Role: String, Equatable, Sendable {
        case publisher
        case subscriber
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
    /// Detached for good; the row waits until the front door has acknowledged what was said about it.
    public var ended: Bool

    public init(
        id: SessionID, slot: SlotID, clientSession: ClientSessionID, account: AddressOfRecord,
        displayName: String? = nil, role: Role, parent: SessionID? = nil, room: RoomURI? = nil,
        feedTarget: PublisherID? = nil, handle: JanusHandleID? = nil, ended: Bool = false
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
        self.ended = ended
    }

    /// Whether both rows name the same session made by the same request: everything but what is written afterwards.
    public func isSameSession(as other: SessionRow) -> Bool {
        var other = other
        other.handle = handle
        other.ended = ended
        return self == other
    }
}
