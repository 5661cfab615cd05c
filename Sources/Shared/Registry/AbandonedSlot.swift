/// A slot that was given up because its lease was over for too long, and what there is to clear away.
public struct AbandonedSlot: Equatable, Sendable {
    /// How long a lease must be over, in milliseconds: longer than Janus keeps the session of a worker that went away
    /// (`reclaim_session_timeout`, 30 s), so that nobody can come back to it.
    public static let patience = 45_000

    /// What the clearing away is signed with. The last holder's signature is void.
    public let owner: RoomOwner
    /// The address of the slot's Janus.
    public let janus: String
    /// Ordered by address.
    public let rooms: [RoomRow]

    public init(owner: RoomOwner, janus: String, rooms: [RoomRow]) {
        self.owner = owner
        self.janus = janus
        self.rooms = rooms
    }
}
