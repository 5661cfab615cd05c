import Glibc

/// A point in time up to which a name is held: milliseconds of CLOCK_BOOTTIME, which counts suspended time and which
/// nobody can set. It means something on one host during one boot only; 0 is always over.
public struct LeaseInstant: RawRepresentable, Hashable, Comparable, Sendable {
    public let rawValue: UInt64

    public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// The instant of a lease that was given back, or granted before this host last started.
    public static let over = LeaseInstant(rawValue: 0)

    public static func now() -> LeaseInstant {
        var time = timespec()
        let outcome = clock_gettime(CLOCK_BOOTTIME, &time)
        precondition(outcome == 0, "CLOCK_BOOTTIME is missing, though every Linux since 2.6.39 has it")
        return LeaseInstant(rawValue: UInt64(time.tv_sec) * 1000 + UInt64(time.tv_nsec) / 1_000_000)
    }

    /// - Parameter milliseconds: may be negative. The result stays at the ends of the range.
    public func advanced(byMilliseconds milliseconds: Int) -> LeaseInstant {
        let (sum, overflow) =
            milliseconds < 0
            ? rawValue.subtractingReportingOverflow(UInt64(milliseconds.magnitude))
            : rawValue.addingReportingOverflow(UInt64(milliseconds))
        guard overflow else { return LeaseInstant(rawValue: sum) }
        return LeaseInstant(rawValue: milliseconds < 0 ? .min : .max)
    }

    public static func < (left: LeaseInstant, right: LeaseInstant) -> Bool { left.rawValue < right.rawValue }
}
