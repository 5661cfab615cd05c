import Identity

/// One life of a worker slot: the signature under everything a worker writes.
public struct RoomOwner: Hashable, Sendable {
    public let slot: SlotID
    public let incarnation: Incarnation

    public init(slot: SlotID, incarnation: Incarnation) {
        self.slot = slot
        self.incarnation = incarnation
    }
}

/// Where a room is, and what its next owner needs to carry it on. Written by the slot that owns it.
public struct RoomRow: Equatable, Sendable {
    public enum State: String, Equatable, Sendable {
        /// Somebody's, but Janus may not know it yet.
        case claimed
        /// Janus has it.
        case created
        /// Its owner is taking it down; nobody may join.
        case destroying
    }

    public var uri: RoomURI
    /// The slot, and always its current incarnation: a room goes with its slot to the next holder.
    public var owner: RoomOwner
    /// Drawn once per life of the room; tells one life from the next.
    public var janusRoom: JanusRoomID
    /// The room's settings as they were at the claim, JSON. The registry does not look inside.
    public var configuration: String
    /// Sessions, in the order in which they were chosen. The registry does not look inside.
    public var activeParticipants: [String]
    /// Who chose them last: a client session id, or nil.
    public var originator: String?
    /// Counts the changes of the two above.
    public var version: Int64
    /// The requests behind the latest changes, the oldest first: a repeat of one of them has been done.
    public var configuredBy: [SessionID]
    public var state: State

    public init(
        uri: RoomURI, owner: RoomOwner, janusRoom: JanusRoomID, configuration: String,
        activeParticipants: [String] = [], originator: String? = nil, version: Int64 = 0,
        configuredBy: [SessionID] = [],
        state: State = .claimed
    ) {
        self.uri = uri
        self.owner = owner
        self.janusRoom = janusRoom
        self.configuration = configuration
        self.activeParticipants = activeParticipants
        self.originator = originator
        self.version = version
        self.configuredBy = configuredBy
        self.state = state
    }
}

/// How a claim ended.
public enum RoomClaimOutcome: Equatable, Sendable {
    /// The room is the claimant's, now or already before.
    case claimed
    /// Somebody has it, perhaps the claimant itself under another Janus room. The row says who, and nothing was written.
    case ownedBy(RoomRow)
}
