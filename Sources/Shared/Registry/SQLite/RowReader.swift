import GRDB
import Identity

/// Takes a row's columns one after another, in the order of the SELECT. What it finds is a peer's word: a value of the
/// wrong kind is an error, never a trap, and the error does not repeat it.
struct RowReader {
    private let row: Row
    private let table: String
    private var column = 0

    init(_ row: Row, table: String) {
        self.row = row
        self.table = table
    }

    var unreadable: RegistryError { .unavailable("a row of the table \(table) cannot be read") }

    private mutating func next() throws(RegistryError) -> DatabaseValue.Storage {
        guard column < row.count else { throw unreadable }
        defer { column += 1 }
        let value: DatabaseValue = row[column]
        return value.storage
    }

    mutating func optionalText() throws(RegistryError) -> String? {
        switch try next() {
        case .null: nil
        case .string(let text): text
        case .int64, .double, .blob: throw unreadable
        }
    }

    mutating func optionalInteger() throws(RegistryError) -> Int64? {
        switch try next() {
        case .null: nil
        case .int64(let number): number
        case .string, .double, .blob: throw unreadable
        }
    }

    mutating func text() throws(RegistryError) -> String { try required(optionalText()) }

    mutating func integer() throws(RegistryError) -> Int64 { try required(optionalInteger()) }

    mutating func unsigned() throws(RegistryError) -> UInt64 { UInt64(bitPattern: try integer()) }

    mutating func flag() throws(RegistryError) -> Bool { try integer() != 0 }

    /// A column whose text is an identity of some kind.
    mutating func parsed<Value>(_ parse: (String) -> Value?) throws(RegistryError) -> Value {
        try required(parse(try text()))
    }

    mutating func optionalParsed<Value>(_ parse: (String) -> Value?) throws(RegistryError) -> Value? {
        guard let text = try optionalText() else { return nil }
        return try required(parse(text))
    }

    /// A lease of another boot is over.
    mutating func lease(boot: BootID) throws(RegistryError) -> LeaseInstant {
        let isOfThisBoot = try text() == boot.description
        let instant = LeaseInstant(rawValue: try unsigned())
        return isOfThisBoot ? instant : .over
    }

    private func required<Value>(_ value: Value?) throws(RegistryError) -> Value {
        guard let value else { throw unreadable }
        return value
    }
}

extension UInt64 {
    /// How it stands in a column.
    var column: Int64 { Int64(bitPattern: self) }
}
