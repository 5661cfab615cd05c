/// What a scrape is told by one loop, or by all: each loop says what it has counted, and equal names and labels are added.
public struct MetricsReport: Equatable, Sendable {
    public enum Kind: String, Sendable { case counter, gauge, histogram }

    public enum Value: Equatable, Sendable {
        case number(Double)
        case histogram(Histogram)
    }

    public struct Label: Equatable, Sendable {
        public let name: String
        public let text: String

        public init(_ name: String, _ text: String) {
            self.name = name
            self.text = text
        }
    }

    public struct Sample: Equatable, Sendable {
        public let labels: [Label]
        public fileprivate(set) var value: Value
    }

    public struct Family: Equatable, Sendable {
        public let name: String
        public let help: String
        public let kind: Kind
        public fileprivate(set) var samples: [Sample]
    }

    /// In the order in which they were reported first.
    public private(set) var families: [Family] = []

    public init() {}

    // MARK: Reporting

    /// - Parameter name: as it is exposed; a counter's ends with `_total`.
    public mutating func counter(_ name: String, _ help: String, _ count: Double) {
        add(Family(name: name, help: help, kind: .counter, samples: [Self.sample([], count)]))
    }

    public mutating func counter(_ name: String, _ help: String, _ counter: Counter) {
        self.counter(name, help, Double(counter.count))
    }

    public mutating func counter<Row: MetricLabel>(_ name: String, _ help: String, _ row: CounterRow<Row>) {
        let samples = Row.allCases.map { Self.sample([Label(Row.label, $0.text)], Double(row[$0])) }
        add(Family(name: name, help: help, kind: .counter, samples: samples))
    }

    public mutating func counter<Row: MetricLabel, Column: MetricLabel>(
        _ name: String, _ help: String, _ grid: CounterGrid<Row, Column>
    ) {
        let samples = Row.allCases.flatMap { row in
            Column.allCases.map { column in
                Self.sample([Label(Row.label, row.text), Label(Column.label, column.text)], Double(grid[row, column]))
            }
        }
        add(Family(name: name, help: help, kind: .counter, samples: samples))
    }

    public mutating func gauge(_ name: String, _ help: String, _ value: some BinaryInteger) {
        gauge(name, help, Double(value))
    }

    public mutating func gauge(_ name: String, _ help: String, _ value: Bool) { gauge(name, help, value ? 1.0 : 0) }

    public mutating func gauge(_ name: String, _ help: String, _ value: Double, labels: [Label] = []) {
        add(Family(name: name, help: help, kind: .gauge, samples: [Self.sample(labels, value)]))
    }

    /// - Parameter values: those that are missing are 0.
    public mutating func gauge<Row: MetricLabel & Hashable>(_ name: String, _ help: String, _ values: [Row: Int]) {
        let samples = Row.allCases.map { Self.sample([Label(Row.label, $0.text)], Double(values[$0] ?? 0)) }
        add(Family(name: name, help: help, kind: .gauge, samples: samples))
    }

    public mutating func histogram(_ name: String, _ help: String, _ histogram: Histogram) {
        let sample = Sample(labels: [], value: .histogram(histogram))
        add(Family(name: name, help: help, kind: .histogram, samples: [sample]))
    }

    public mutating func histogram<Row: MetricLabel>(_ name: String, _ help: String, _ row: HistogramRow<Row>) {
        let samples = Row.allCases.map { Sample(labels: [Label(Row.label, $0.text)], value: .histogram(row[$0])) }
        add(Family(name: name, help: help, kind: .histogram, samples: samples))
    }

    // MARK: Merging

    public mutating func add(_ other: MetricsReport) { for family in other.families { add(family) } }

    private mutating func add(_ family: Family) {
        guard let index = families.firstIndex(where: { $0.name == family.name }) else {
            return families.append(family)
        }
        for sample in family.samples {
            if let place = families[index].samples.firstIndex(where: { $0.labels == sample.labels }) {
                families[index].samples[place].add(sample.value)
            } else {
                families[index].samples.append(sample)
            }
        }
    }

    private static func sample(_ labels: [Label], _ value: Double) -> Sample {
        Sample(labels: labels, value: .number(value))
    }
}

extension MetricsReport.Sample {
    fileprivate mutating func add(_ other: MetricsReport.Value) {
        switch (value, other) {
        case (.number(let mine), .number(let theirs)): value = .number(mine + theirs)
        case (.histogram(var mine), .histogram(let theirs)):
            mine.add(theirs)
            value = .histogram(mine)
        case (.number, .histogram), (.histogram, .number):
            preconditionFailure("one name for two kinds of metrics")
        }
    }
}
