import NIOCore

/// The upper bounds of a histogram's buckets, rising. The bucket without a bound is always there.
public struct Buckets: Equatable, Sendable {
    public let bounds: [TimeAmount]

    public init(_ bounds: [TimeAmount]) { self.bounds = bounds }

    /// For what a client waits for: 1 ms to 30 s.
    public static let requests = Buckets([
        .milliseconds(1), .microseconds(2500), .milliseconds(5), .milliseconds(10), .milliseconds(25),
        .milliseconds(50), .milliseconds(100), .milliseconds(250), .milliseconds(500), .seconds(1),
        .milliseconds(2500), .seconds(5), .seconds(10), .seconds(30),
    ])

    /// For what should take no time at all: 100 µs to 1 s.
    public static let latencies = Buckets([
        .microseconds(100), .microseconds(250), .microseconds(500), .milliseconds(1), .microseconds(2500),
        .milliseconds(5), .milliseconds(10), .milliseconds(25), .milliseconds(50), .milliseconds(100),
        .milliseconds(250), .seconds(1),
    ])
}

/// How long something took, counted by buckets. Confined to whoever owns it: no lock, no allocation.
public struct Histogram: Equatable, Sendable {
    public let buckets: Buckets
    /// One for each bound, and one for what is above them all. Not cumulative.
    public private(set) var counts: [UInt64]
    /// Nanoseconds.
    public private(set) var sum: Int64 = 0

    public init(_ buckets: Buckets) {
        self.buckets = buckets
        counts = Array(repeating: 0, count: buckets.bounds.count + 1)
    }

    public var count: UInt64 { counts.reduce(0, &+) }

    /// - Parameter duration: one that equals a bound counts to that bound's bucket; a negative one counts as none.
    public mutating func observe(_ duration: TimeAmount) {
        var index = 0
        while index < buckets.bounds.count, buckets.bounds[index] < duration { index += 1 }
        counts[index] &+= 1
        sum &+= max(0, duration.nanoseconds)
    }

    /// What was counted elsewhere with the same buckets.
    mutating func add(_ other: Histogram) {
        precondition(buckets == other.buckets, "histograms of different buckets cannot be added")
        for (index, count) in other.counts.enumerated() { counts[index] &+= count }
        sum &+= other.sum
    }
}

/// A histogram for each value of a label.
public struct HistogramRow<Label: MetricLabel>: Sendable {
    private var histograms: [Histogram]

    public init(_ buckets: Buckets) {
        histograms = Array(repeating: Histogram(buckets), count: Label.allCases.count)
    }

    public mutating func observe(_ label: Label, _ duration: TimeAmount) {
        histograms[label.rawValue].observe(duration)
    }

    public subscript(label: Label) -> Histogram { histograms[label.rawValue] }
}
