import Identity
import Testing

@testable import Registry

@Suite("The registry's tables")
struct SQLiteSchemaTests {
    private let directory = TemporaryDirectory()

    /// Version 2 adds a column; version 3 is of no use to version 1.
    private let future = SQLiteSchema(
        migrations: SQLiteSchema.current.migrations + [
            .init(version: 2, minimum: 1, statements: "ALTER TABLE room ADD COLUMN colour TEXT NOT NULL DEFAULT 'red'"),
            .init(version: 3, minimum: 2, statements: "CREATE TABLE caller (id TEXT NOT NULL PRIMARY KEY)"),
        ])

    private func open(_ migrations: Int) throws(RegistryError) -> SQLiteRegistryStore {
        try open(SQLiteSchema(migrations: Array(future.migrations.prefix(migrations))))
    }

    private func open(_ schema: SQLiteSchema) throws(RegistryError) -> SQLiteRegistryStore {
        try SQLiteRegistryStore(
            path: directory.registry, busyTimeout: SQLiteRegistryStore.defaultBusyTimeout, boot: nil, schema: schema)
    }

    @Test func `Two versions work side by side after the newer one added to the tables`() throws {
        let old = try open(1)
        let owner = try old.take(try slot(1))
        #expect(try old.claimRoom(claim(try uri("before"), by: owner)) == .claimed)
        let new = try open(2)
        #expect(try new.rooms(of: owner.slot).count == 1)
        #expect(try old.claimRoom(claim(try uri("after"), by: owner)) == .claimed)
        #expect(try open(1).rooms(of: owner.slot).count == 2)
        #expect(try open(2).rooms(of: owner.slot).count == 2)
    }

    @Test func `A file that declares a larger minimum is refused, and left as it is`() throws {
        let owner = try open(3).take(try slot(1))
        let refusal = RegistryError.incompatible(
            "\(directory.registry): needs at least version 2 of the registry's tables, this program has 1")
        #expect(throws: refusal) { try open(1) }
        #expect(try open(2).slots().map(\.owner) == [owner])
        #expect(try open(3).slots().map(\.owner) == [owner])
    }

    @Test func `A migration that fails leaves nothing behind`() throws {
        let broken = SQLiteSchema.Migration(
            version: 2, minimum: 2, statements: "CREATE TABLE half (id); CREATE TABLE nonsense;")
        #expect(throws: RegistryError.self) {
            try open(SQLiteSchema(migrations: SQLiteSchema.current.migrations + [broken]))
        }
        #expect(try open(3).slots().isEmpty)
    }

    @Test func `Another program's database is refused`() throws {
        let foreign = SQLiteSchema.Migration(version: 1, minimum: 1, statements: "PRAGMA application_id = 7")
        try open(SQLiteSchema(migrations: [foreign])).close()
        let refusal = RegistryError.unavailable("\(directory.registry): is a database of some other program")
        #expect(throws: refusal) { try open(1) }
    }

    @Test(arguments: [
        "INSERT INTO slot VALUES ('nonsense', 1, '', '', '', 0, 0, 0, 0, 0)",
        "INSERT INTO slot VALUES ('host1/1', 'one', '', '', '', 0, 0, 0, 0, 0)",
        "INSERT INTO slot VALUES ('host1/1', 1, x'00', '', '', 0, 0, 0, 0, 0)",
    ])
    func `A row that makes no sense is an error and not a crash`(statement: String) throws {
        let store = try open(
            SQLiteSchema(
                migrations: SQLiteSchema.current.migrations + [
                    .init(version: 2, minimum: 1, statements: statement)
                ]))
        #expect(throws: RegistryError.unavailable("a row of the table slot cannot be read")) { try store.slots() }
    }

    @Test func `An incarnation at the end of its range is an error and not a crash`() throws {
        let store = try open(1)
        let owner = try store.take(try slot(1), wallClock: .max)
        #expect(owner.incarnation.rawValue == .max)
        #expect(throws: RegistryError.unavailable("an incarnation in the registry has no successor")) {
            try store.take(try slot(1))
        }
    }
}
