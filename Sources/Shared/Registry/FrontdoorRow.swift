import Identity

/// A front door that is, or was lately, alive. What belongs to another incarnation than this row's counts for nothing.
public struct FrontdoorRow: Equatable, Sendable {
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
