/// Which life of a worker slot or of a front door something belongs to.
///
/// Every process that takes over a name (a slot, a front door) gets a larger incarnation than all before it. What bears
/// another incarnation than the one expected is discarded, so that nothing a dead process left behind can act.
public struct Incarnation: RawRepresentable, Hashable, Comparable, Sendable {
    public let rawValue: UInt64

    public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// The incarnation after `previous`, unique even when the registry that remembered `previous` was lost.
    ///
    /// - Parameter wallClock: milliseconds since 1970. It only spreads the numbers; it never decides an order by itself.
    public static func following(_ previous: Incarnation?, wallClock: UInt64) -> Incarnation {
        Incarnation(rawValue: max((previous?.rawValue ?? 0) + 1, wallClock))
    }

    public static func < (left: Incarnation, right: Incarnation) -> Bool { left.rawValue < right.rawValue }
}

extension Incarnation: CustomStringConvertible {
    /// Base 36, as it stands in opaque ids and in the routing ids of links.
    public var description: String { String(rawValue, radix: 36) }

    public init?(_ text: some StringProtocol) {
        guard let value = UInt64(canonical: text, radix: 36) else { return nil }
        self.init(rawValue: value)
    }
}
