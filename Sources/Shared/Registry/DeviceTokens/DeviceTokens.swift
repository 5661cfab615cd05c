import Dispatch
import Foundation
import Identity
import Logging
import NIOConcurrencyHelpers

/// The device tokens as the process sees them: a queue of its own writes them, because a commit waits for the disk. What has come
/// while one commit ran shares the next.
public final class DeviceTokens: Sendable {
    /// Changes that may wait for the disk at a time.
    public static let maximumWaiting = 4096

    private struct Waiting: Sendable {
        let account: AddressOfRecord
        let changes: [DeviceTokenChange]
        let completion: @Sendable (Bool) -> Void
    }

    /// Only ever touched on the queue.
    private final class Confined: @unchecked Sendable {
        let store: DeviceTokenStore
        var isFailing = false

        init(_ store: DeviceTokenStore) { self.store = store }
    }

    private let queue = DispatchQueue(label: "device-tokens")
    private let confined: Confined
    private let logger: Logger
    private let waiting = NIOLockedValueBox<[Waiting]>([])

    /// - Parameters:
    ///   - directory: made (0700) where it is missing, with what leads to it.
    ///   - now: the time that is kept beside each token.
    public init(directory: String, logger: Logger, now: @escaping @Sendable () -> Date = { Date() }) {
        self.logger = logger
        confined = Confined(DeviceTokenStore(directory: directory, logger: logger, now: now))
    }

    /// Opens the file now, so that the operator hears of what is wrong with it at the start.
    public func start() {
        queue.async { [self] in report { () throws(RegistryError) in try confined.store.open() } }
    }

    /// Changes what is kept of an account. May be called on any thread, and never blocks it.
    ///
    /// - Parameter completion: called on the queue when it is on the disk, or could not be brought there (false).
    public func change(
        _ changes: [DeviceTokenChange], of account: AddressOfRecord, completion: @escaping @Sendable (Bool) -> Void
    ) {
        let count = waiting.withLockedValue { waiting in
            guard waiting.count < Self.maximumWaiting else { return 0 }
            waiting.append(Waiting(account: account, changes: changes, completion: completion))
            return waiting.count
        }
        switch count {
        case 0: queue.async { completion(false) }
        case 1: queue.async { [self] in commit() }
        default: break
        }
    }

    /// Looks up what is kept of an account, oldest first. May be called on any thread, and never blocks it.
    ///
    /// - Parameter completion: called on the queue.
    public func tokens(
        of account: AddressOfRecord, completion: @escaping @Sendable (Result<[String], RegistryError>) -> Void
    ) {
        queue.async { [self] in
            completion(Result { () throws(RegistryError) in try confined.store.tokens(of: account) })
        }
    }

    /// Oldest first.
    public func tokens(of account: AddressOfRecord) async throws(RegistryError) -> [String] {
        let outcome: Result<[String], RegistryError> = await withCheckedContinuation { continuation in
            tokens(of: account) { continuation.resume(returning: $0) }
        }
        return try outcome.get()
    }

    /// What was asked before is done. Blocks.
    public func stop() { queue.sync { confined.store.close() } }

    private func commit() {
        let batch = waiting.withLockedValue { waiting in
            defer { waiting = [] }
            return waiting
        }
        let isStored = report { () throws(RegistryError) in
            try confined.store.change(batch.map { ($0.account, $0.changes) })
        }
        for change in batch { change.completion(isStored) }
    }

    @discardableResult
    private func report(_ body: () throws(RegistryError) -> Void) -> Bool {
        do throws(RegistryError) {
            try body()
            if confined.isFailing { logger.notice("device tokens can be stored again") }
            confined.isFailing = false
            return true
        } catch {
            if !confined.isFailing {
                logger.error("device tokens cannot be stored", metadata: ["error": "\(error)"])
            }
            confined.isFailing = true
            return false
        }
    }
}
