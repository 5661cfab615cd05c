import NIOCore
import Testing

@testable import Telemetry

struct HistogramTests {
    private let buckets = Buckets([.milliseconds(1), .milliseconds(10)])

    @Test func `A bound belongs to its own bucket, and what is above them all is counted, too`() {
        var histogram = Histogram(buckets)
        for duration in [
            TimeAmount.nanoseconds(0), .milliseconds(1), .nanoseconds(1_000_001), .milliseconds(10), .seconds(5),
        ] { histogram.observe(duration) }
        #expect(histogram.counts == [2, 2, 1])
        #expect(histogram.count == 5)
        #expect(histogram.sum == 5_012_000_001)
    }

    @Test func `What would have taken less than no time took none`() {
        var histogram = Histogram(buckets)
        histogram.observe(.seconds(-1))
        #expect(histogram.counts == [1, 0, 0])
        #expect(histogram.sum == 0)
    }

    @Test(arguments: [Buckets.requests, Buckets.latencies])
    func `The bounds that are used rise`(buckets: Buckets) {
        #expect(zip(buckets.bounds, buckets.bounds.dropFirst()).allSatisfy { $0 < $1 })
    }

    @Test func `Each label has a histogram of its own`() {
        var row = HistogramRow<Fruit>(buckets)
        row.observe(.redApple, .milliseconds(5))
        #expect(row[.redApple].counts == [0, 1, 0])
        #expect(row[.pear].count == 0)
    }

    @Test func `Counters count by label and by pairs of labels`() {
        var row = CounterRow<Fruit>()
        row.add(.pear)
        row.add(.pear, 4)
        #expect(row[.pear] == 5)
        #expect(row[.redApple] == 0)
        var grid = CounterGrid<Fruit, Size>()
        grid.add(.pear, .small)
        grid.add(.redApple, .large)
        grid.add(.redApple, .large)
        #expect(grid[.pear, .small] == 1)
        #expect(grid[.redApple, .large] == 2)
        #expect(grid[.pear, .large] == 0)
    }

    @Test func `A label's values are written with underscores`() {
        #expect(Fruit.allCases.map(\.text) == ["red_apple", "pear"])
    }
}

enum Fruit: Int, MetricLabel, Hashable {
    case redApple, pear

    static let label = "fruit"
}

enum Size: Int, MetricLabel {
    case small, large

    static let label = "size"
}
