import Registry

/// A kind of registry the conformance suites run against. Another one is another case and another line below.
enum RegistryBackend: CaseIterable {
    case sqlite

    /// An empty registry of its own.
    func makeRegistry() -> SharedRegistry {
        switch self {
        case .sqlite:
            let directory = TemporaryDirectory()
            return SharedRegistry { try SQLiteRegistryStore(path: directory.registry) }
        }
    }
}

/// One registry, which several stores open as several processes would.
struct SharedRegistry {
    private let open: () throws -> any RegistryStore

    init(open: @escaping () throws -> any RegistryStore) { self.open = open }

    func store() throws -> any RegistryStore { try open() }
}
