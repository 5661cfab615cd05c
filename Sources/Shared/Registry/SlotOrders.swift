/// What the operator wants of a slot's holder, who learns of it with every renewal.
public struct SlotOrders: Equatable, Sendable {
    /// To take no new rooms, and to give the slot up when it is empty.
    public var draining: Bool
    /// When what is left is ended; nil: never, it ends by itself.
    public var drainUntil: LeaseInstant?

    public init(draining: Bool, drainUntil: LeaseInstant? = nil) {
        self.draining = draining
        self.drainUntil = drainUntil
    }

    /// To serve as always.
    public static let serve = SlotOrders(draining: false)
}
