import Identity

/// A front door that is, or was lately, alive. What belongs to another incarnation than this row's counts for nothing.
public struct FrontdoorRow: Equatable, Sendable {
    /// How long a lease must be over, in milliseconds, before the front door is forgotten (``RegistryStore/sweepFrontdoors()``).
    /// Until then operators see it as lost.
    public static let patience = 600_000

    public var id: FrontdoorID
    public var incarnation: Incarnation
    /// ``LeaseInstant/over`` when of an earlier boot.
    public var leaseUntil: LeaseInstant

    public init(id: FrontdoorID, incarnation: Incarnation, leaseUntil: LeaseInstant) {
        self.id = id
        self.incarnation = incarnation
        self.leaseUntil = leaseUntil
    }
}
