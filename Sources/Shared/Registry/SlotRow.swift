import Identity

/// A worker's place and who holds it: what front doors need to place rooms and to reach them. Written by its owner.
public struct SlotRow: Equatable, Sendable {
    public var slot: SlotID
    public var incarnation: Incarnation
    /// Where the holder's bus socket is bound. Empty: the slot was given up for good, and whoever takes it begins anew.
    public var endpoint: String
    /// The address of the slot's Janus; a slot belongs to one for ever.
    public var janus: String
    /// Only says "alive", for placement and abandoning. After a release it is the moment of that;
    /// ``LeaseInstant/over`` when of an earlier boot.
    public var leaseUntil: LeaseInstant
    /// What the holder said at its last renewal; comparable between workers of one version only.
    public var load: Int
    /// Takes no new rooms and no new homes. The operator's word: it survives a change of the holder.
    public var draining: Bool
    /// When what is left of a draining slot is ended; nil: it ends by itself. ``LeaseInstant/over`` when of an earlier boot.
    public var drainUntil: LeaseInstant?
    /// The share of new rooms this slot wants, relative to the others'.
    public var weight: Int
    /// The holder's Janus is up.
    public var servesJanus: Bool

    public init(
        slot: SlotID, incarnation: Incarnation, endpoint: String, janus: String, leaseUntil: LeaseInstant, load: Int,
        draining: Bool, drainUntil: LeaseInstant? = nil, weight: Int, servesJanus: Bool
    ) {
        self.slot = slot
        self.incarnation = incarnation
        self.endpoint = endpoint
        self.janus = janus
        self.leaseUntil = leaseUntil
        self.load = load
        self.draining = draining
        self.drainUntil = drainUntil
        self.weight = weight
        self.servesJanus = servesJanus
    }

    /// What the holder signs its writes with.
    public var owner: RoomOwner { RoomOwner(slot: slot, incarnation: incarnation) }

    /// What the operator wants of the holder.
    public var orders: SlotOrders { SlotOrders(draining: draining, drainUntil: drainUntil) }

    /// It was given up for good.
    public var isAbandoned: Bool { endpoint.isEmpty }
}
