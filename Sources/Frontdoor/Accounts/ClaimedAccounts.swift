import Identity
import Logging
import NIOCore
import Registry
import Telemetry

/// What the registry holds of this loop's believed accounts, so that workers find whom to invite: where claims are trusted written
/// before the client hears that its account is there, otherwise while it is registered; put back when the registry has lost it.
/// Confined to its loop.
final class ClaimedAccounts {
    /// Rows of one write: a registry that is put back together is not to be locked for long.
    static let batch = 500
    /// Between two tries of what failed.
    static let retryInterval = TimeAmount.seconds(1)
    /// Rows to remove that are remembered while the registry cannot be reached. What is forgotten beyond that leads invitations
    /// to a connection that does not take them.
    static let maximumOwed = 4096

    private let id: FrontdoorLoopID
    private let registry: LoopRegistry
    private let loop: any EventLoop
    private let logger: Logger
    private var held: Set<ClaimedAccount> = []
    private var owed: Set<ClaimedAccount> = []
    private var mustRestore = false
    /// What is still to be put back; those at the front are being written.
    private var toRestore: ArraySlice<ClaimedAccount> = []
    private var retriesAt: NIODeadline?

    init(_ id: FrontdoorLoopID, registry: LoopRegistry, loop: any EventLoop, logger: Logger) {
        self.id = id
        self.registry = registry
        self.loop = loop
        self.logger = logger
    }

    /// - Parameter then: whether it is recorded.
    func claim(_ account: AddressOfRecord, of connection: ConnectionID, then: @escaping (Bool) -> Void) {
        let claim = ClaimedAccount(account: account, connection: connection)
        held.insert(claim)
        owed.remove(claim)
        write([claim]) { [self] error in
            if let error {
                // Perhaps because it is another registry than before. Whoever gives the claim up releases it; a newer one of the
                // same account stays.
                mustRestore = true
                logger.error("an account cannot be recorded", metadata: .keyed([.error: "\(error)"]))
            }
            then(error == nil)
        }
    }

    /// - Parameter then: called when that is done, or has failed and is tried again later.
    func release(_ accounts: [AddressOfRecord], of connection: ConnectionID, then: @escaping () -> Void) {
        let claims = accounts.map { ClaimedAccount(account: $0, connection: connection) }
        held.subtract(claims)
        remove(claims, then: then)
    }

    /// The registry has lost the front door's row, or may have lost what was written last. What is there stays.
    ///
    /// One write follows the other, so that those of others have their turns between them.
    func restore() {
        mustRestore = false
        let isRestoring = !toRestore.isEmpty
        toRestore = Array(held)[...]
        guard !toRestore.isEmpty else { return }
        logger.notice("accounts are put back", metadata: .keyed([.value: "\(toRestore.count)"]))
        if !isRestoring { restoreNext() }
    }

    private func restoreNext() {
        // What was given up meanwhile is not to come back.
        let claims = toRestore.prefix(Self.batch).filter { held.contains($0) }
        write(claims) { [self] error in
            guard error == nil else {
                mustRestore = true
                return toRestore = []
            }
            toRestore = toRestore.dropFirst(Self.batch)
            if !toRestore.isEmpty { restoreNext() }
        }
    }

    func timerFired(at now: NIODeadline) {
        guard mustRestore || !owed.isEmpty else { return retriesAt = nil }
        guard let due = retriesAt else { return retriesAt = now + Self.retryInterval }
        guard due <= now else { return }
        retriesAt = now + Self.retryInterval
        if mustRestore { restore() }
        guard !owed.isEmpty else { return }
        let claims = Array(owed.prefix(Self.batch))
        owed.subtract(claims)
        remove(claims) {}
    }

    private func write(_ claims: [ClaimedAccount], then: @escaping (RegistryError?) -> Void) {
        registry.submit { [id] store throws(RegistryError) in
            try store.claimAccounts(claims, of: id.frontdoor, incarnation: id.incarnation)
        } then: { result in
            switch result {
            case .success: then(nil)
            case .failure(let error): then(error)
            }
        }
    }

    private func remove(_ claims: [ClaimedAccount], then: @escaping () -> Void) {
        registry.submit { store throws(RegistryError) in
            try store.releaseAccounts(claims)
        } then: { [self] result in
            // What was claimed again meanwhile stays.
            if case .failure = result, owed.count < Self.maximumOwed {
                owed.formUnion(claims.filter { !held.contains($0) })
            }
            then()
        }
    }
}
