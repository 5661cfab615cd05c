import Identity
import Testing

@testable import Registry

@Suite("The registry's tables")
struct SQLiteSchemaTests {
    private let directory = TemporaryDirectory()

    private static let version = SQLiteSchema.current.version

    /// The first adds a column; the second is of no use to today's version.
    private let future = [
        SQLiteSchema.Migration(
            version: version + 1, minimum: 1,
            statements: "ALTER TABLE room ADD COLUMN colour TEXT NOT NULL DEFAULT 'red'"),
        SQLiteSchema.Migration(
            version: version + 2, minimum: version + 1,
            statements: "CREATE TABLE caller (id TEXT NOT NULL PRIMARY KEY)"),
    ]

    /// - Parameter versionsAhead: how many versions after today's.
    private func open(_ versionsAhead: Int) throws(RegistryError) -> SQLiteRegistryStore {
        try open(SQLiteSchema(migrations: SQLiteSchema.current.migrations + future.prefix(versionsAhead)))
    }

    private func open(_ schema: SQLiteSchema) throws(RegistryError) -> SQLiteRegistryStore {
        try SQLiteRegistryStore(
            path: directory.registry, busyTimeout: SQLiteRegistryStore.defaultBusyTimeout, boot: nil, schema: schema)
    }

    @Test func `Two versions work side by side after the newer one added to the tables`() throws {
        let old = try open(0)
        let owner = try old.take(try slot(1))
        #expect(try old.claimRoom(claim(try uri("before"), by: owner)) == .claimed)
        let new = try open(1)
        #expect(try new.rooms(of: owner.slot).count == 1)
        #expect(try old.claimRoom(claim(try uri("after"), by: owner)) == .claimed)
        #expect(try open(0).rooms(of: owner.slot).count == 2)
        #expect(try open(1).rooms(of: owner.slot).count == 2)
    }

    @Test func `A slot that an earlier version recorded has no deadline to drain by, and may be given one`() throws {
        var migrations = SQLiteSchema.current.migrations
        // With the tables of version 1, and before anything later is added to them.
        migrations[0] = SQLiteSchema.Migration(
            version: 1, minimum: 1,
            statements: migrations[0].statements + """
                INSERT INTO slot (slot, incarnation, endpoint, janus, boot, lease, load, draining, weight, serves_janus)
                VALUES ('host1/1', 7, 'e', 'j', 'b', 0, 0, 1, 1, 0);
                """)
        let store = try open(SQLiteSchema(migrations: migrations))
        #expect(try store.slots().map(\.orders) == [SlotOrders(draining: true)])
        let deadline = LeaseInstant(rawValue: 5)
        #expect(try store.drainSlot(try slot(1), until: deadline))
        #expect(try store.slots().map(\.drainUntil) == [deadline])
    }

    @Test func `A room that an earlier version recorded has never been configured`() throws {
        var migrations = SQLiteSchema.current.migrations
        migrations[0] = SQLiteSchema.Migration(
            version: 1, minimum: 1,
            statements: migrations[0].statements + """
                INSERT INTO room (uri, slot, incarnation, janus_room, configuration, active_participants, originator,
                version, state) VALUES ('a@b.example', 'host1/1', 7, 1, '{}', '[]', NULL, 0, 'created');
                """)
        let store = try open(SQLiteSchema(migrations: migrations))
        #expect(try store.rooms(of: try slot(1)).map(\.configuredBy) == [[]])
    }

    @Test(arguments: ["", "x", "{}", "[1]", #"["nobody"]"#])
    func `A room's row whose requests make no sense is an error and not a crash`(requests: String) throws {
        let statement = """
            INSERT INTO room VALUES ('a@b.example', 'host1/1', 7, 1, '{}', '[]', NULL, 0, 'created', '\(requests)')
            """
        let store = try open(
            SQLiteSchema(
                migrations: SQLiteSchema.current.migrations + [
                    .init(version: Self.version + 1, minimum: 1, statements: statement)
                ]))
        #expect(throws: RegistryError.unavailable("a row of the table room cannot be read")) {
            try store.rooms(of: try slot(1))
        }
    }

    @Test func `A file that declares a larger minimum is refused, and left as it is`() throws {
        let owner = try open(2).take(try slot(1))
        let (needed, known) = (Self.version + 1, Self.version)
        let refusal = RegistryError.incompatible(
            "\(directory.registry): needs at least version \(needed) of the registry's tables, this program has \(known)"
        )
        #expect(throws: refusal) { try open(0) }
        #expect(try open(1).slots().map(\.owner) == [owner])
        #expect(try open(2).slots().map(\.owner) == [owner])
    }

    @Test func `A migration that fails leaves nothing behind`() throws {
        let broken = SQLiteSchema.Migration(
            version: Self.version + 1, minimum: 1, statements: "CREATE TABLE half (id); CREATE TABLE nonsense;")
        #expect(throws: RegistryError.self) {
            try open(SQLiteSchema(migrations: SQLiteSchema.current.migrations + [broken]))
        }
        #expect(try open(2).slots().isEmpty)
    }

    @Test func `Another program's database is refused`() throws {
        let foreign = SQLiteSchema.Migration(version: 1, minimum: 1, statements: "PRAGMA application_id = 7")
        try open(SQLiteSchema(migrations: [foreign])).close()
        let refusal = RegistryError.unavailable("\(directory.registry): is a database of some other program")
        #expect(throws: refusal) { try open(0) }
    }

    @Test(arguments: [
        "INSERT INTO slot VALUES ('nonsense', 1, '', '', '', 0, 0, 0, 0, 0, NULL, NULL)",
        "INSERT INTO slot VALUES ('host1/1', 'one', '', '', '', 0, 0, 0, 0, 0, NULL, NULL)",
        "INSERT INTO slot VALUES ('host1/1', 1, x'00', '', '', 0, 0, 0, 0, 0, NULL, NULL)",
        "INSERT INTO slot VALUES ('host1/1', 1, '', '', '', 0, 0, 1, 0, 0, 'boot', 'soon')",
    ])
    func `A row that makes no sense is an error and not a crash`(statement: String) throws {
        let store = try open(
            SQLiteSchema(
                migrations: SQLiteSchema.current.migrations + [
                    .init(version: Self.version + 1, minimum: 1, statements: statement)
                ]))
        #expect(throws: RegistryError.unavailable("a row of the table slot cannot be read")) { try store.slots() }
    }

    @Test func `An incarnation at the end of its range is an error and not a crash`() throws {
        let store = try open(0)
        let owner = try store.take(try slot(1), wallClock: .max)
        #expect(owner.incarnation.rawValue == .max)
        #expect(throws: RegistryError.unavailable("an incarnation in the registry has no successor")) {
            try store.take(try slot(1))
        }
    }
}
