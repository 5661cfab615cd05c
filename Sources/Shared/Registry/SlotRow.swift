import Identity

/// A worker's place and who holds it: what front doors need to place rooms and to reach them. Written by its owner.
public struct SlotRow: Equatable, Sendable {
    public var slot: SlotID
    public var incarnation: Incarnation
    /// Where the holder's bus socket is bound.
    public var endpoint: String
    /// The address of the slot's Janus; a slot belongs to one for ever.
    public var janus: String
    /// Only says "alive", for placement and abandoning. ``LeaseInstant/over`` when released or of an earlier boot.
    public var leaseUntil: LeaseInstant
    /// What the holder said at its last renewal; comparable between workers of one version only.
    public var load: Int
    /// Takes no new rooms and no new homes. Survives a change of the holder.
    public var draining: Bool
    /// The share of new rooms this slot wants, relative to the others'.
    public var weight: Int
    /// The holder's Janus is up.
    public var servesJanus: Bool

    public init(
        slot: SlotID, incarnation: Incarnation, endpoint: String, janus: String, leaseUntil: LeaseInstant, load: Int,
        draining: Bool, weight: Int, servesJanus: Bool
    ) {
        self.slot = slot
        self.incarnation = incarnation
        self.endpoint = endpoint
        self.janus = janus
        self.leaseUntil = leaseUntil
        self.load = load
        self.draining = draining
        self.weight = weight
        self.servesJanus = servesJanus
    }

    /// What the holder signs its writes with.
    public var owner: RoomOwner { RoomOwner(slot: slot, incarnation: incarnation) }
}
