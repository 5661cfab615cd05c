/// Something that is counted for as long as the process lives. Confined to whoever owns it: no lock, no allocation.
public struct Counter: Sendable {
    public private(set) var count: UInt64 = 0

    public init() {}

    public mutating func add(_ amount: Int = 1) { count &+= UInt64(clamping: amount) }
}

/// A counter for each value of a label.
public struct CounterRow<Label: MetricLabel>: Sendable {
    private var counts: [UInt64]

    public init() { counts = Array(repeating: 0, count: Label.allCases.count) }

    public mutating func add(_ label: Label, _ amount: Int = 1) { counts[label.rawValue] &+= UInt64(clamping: amount) }

    public subscript(label: Label) -> UInt64 { counts[label.rawValue] }
}

/// A counter for each pair of values of two labels.
public struct CounterGrid<Row: MetricLabel, Column: MetricLabel>: Sendable {
    private var counts: [UInt64]
    private let width: Int

    public init() {
        width = Column.allCases.count
        counts = Array(repeating: 0, count: Row.allCases.count * width)
    }

    public mutating func add(_ row: Row, _ column: Column) { counts[row.rawValue * width + column.rawValue] &+= 1 }

    public subscript(row: Row, column: Column) -> UInt64 { counts[row.rawValue * width + column.rawValue] }
}
