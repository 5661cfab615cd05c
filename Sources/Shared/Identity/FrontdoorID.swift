/// The number of a front door, unique in the deployment: 1 to 65535.
public struct FrontdoorID: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let number: UInt16

    public init?(_ number: Int) {
        guard let number = UInt16(exactly: number), number > 0 else { return nil }
        self.number = number
    }

    public var description: String { String(number) }

    public static func < (left: FrontdoorID, right: FrontdoorID) -> Bool { left.number < right.number }
}

/// One life of one event loop of a front door: the owner of a set of connections, and the far end of one link.
///
/// A front door's loops share nothing, so each speaks to a worker for its own connections only.
public struct FrontdoorLoopID: Hashable, Sendable, CustomStringConvertible {
    public let frontdoor: FrontdoorID
    public let incarnation: Incarnation
    /// 0-based.
    public let loop: UInt16

    public init(frontdoor: FrontdoorID, incarnation: Incarnation, loop: UInt16) {
        self.frontdoor = frontdoor
        self.incarnation = incarnation
        self.loop = loop
    }

    /// `f<front door>.<incarnation>.<loop>`
    public var description: String { "f\(frontdoor).\(incarnation).\(loop)" }

    public init?(_ text: some StringProtocol) {
        guard let (life, last) = text.splitAtLastDot, let (first, middle) = life.splitAtLastDot,
            first.utf8.first == UInt8(ascii: "f"),
            let number = Int(canonical: first[first.utf8.index(after: first.startIndex)...]),
            let frontdoor = FrontdoorID(number), let incarnation = Incarnation(middle),
            let loop = UInt16(canonical: last)
        else { return nil }
        self.init(frontdoor: frontdoor, incarnation: incarnation, loop: loop)
    }
}
