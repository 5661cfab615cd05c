import Foundation
import Identity
import Logging
import NIOCore
import Registry
import Telemetry

/// The front door's row in the registry, and its look at the workers' rows: renewed and read together, and told to every
/// loop.
struct Presence: Sendable {
    static let interval = Duration.milliseconds(500)
    /// Milliseconds a renewal holds.
    static let lease = 4000

    let id: FrontdoorID
    let incarnation: Incarnation
    private let registry: RegistryThread
    private let logger: Logger

    /// Starts a new life of the front door. Waits for the registry when it cannot be reached.
    ///
    /// - Returns: nil when cancelled.
    static func register(_ id: FrontdoorID, in registry: RegistryThread, logger: Logger) async throws -> Presence? {
        while !Task.isCancelled {
            do throws(RegistryError) {
                let wallClock = UInt64(Date().timeIntervalSince1970 * 1000)
                let incarnation = try await registry.perform { store throws(RegistryError) in
                    try store.registerFrontdoor(
                        id, wallClock: wallClock, lease: .now().advanced(byMilliseconds: lease))
                }
                logger.info("registered", metadata: .keyed([.frontdoor: "\(id)", .incarnation: "\(incarnation)"]))
                return Presence(id: id, incarnation: incarnation, registry: registry, logger: logger)
            } catch {
                logger.error("the registry is not available", metadata: .keyed([.error: "\(error)"]))
            }
            do {
                try await Task.sleep(for: interval)
            } catch {
                break
            }
        }
        return nil
    }

    /// Until cancelled, or until another process is this front door.
    ///
    /// - Returns: whether it was the latter: then this one must end.
    func keepAlive(doors: [NIOLoopBound<DoorLoop>]) async -> Bool {
        var isFailing = false
        while !Task.isCancelled {
            do throws(RegistryError) {
                let (rows, isNew) = try await renew()
                // What is back may be an older one.
                let wasLost = isNew || isFailing
                if isFailing { logger.notice("the registry is back") }
                isFailing = false
                for door in doors {
                    door.eventLoop.execute {
                        if wasLost { door.value.claims.restore() }
                        door.value.slotsChanged(rows)
                    }
                }
            } catch {
                if error == .superseded { return true }
                if !isFailing { logger.error("the registry is not available", metadata: .keyed([.error: "\(error)"])) }
                isFailing = true
            }
            do {
                try await Task.sleep(for: Self.interval)
            } catch {
                break
            }
        }
        return false
    }

    /// - Returns: the slots, and whether the front door's row had to be put back: then all that hangs on it is missing, too.
    private func renew() async throws(RegistryError) -> (slots: [SlotRow], wasLost: Bool) {
        try await registry.perform { store throws(RegistryError) in
            let lease = LeaseInstant.now().advanced(byMilliseconds: Self.lease)
            var wasLost = false
            do throws(RegistryError) {
                try store.renewFrontdoor(id, incarnation: incarnation, lease: lease)
            } catch .unavailable {
                // The registry may have been replaced: the owner of a row puts it back.
                try store.restoreFrontdoor(FrontdoorRow(id: id, incarnation: incarnation, leaseUntil: lease))
                wasLost = true
            }
            return (try store.slots(), wasLost)
        }
    }

    /// The end of this life, for good.
    func end() async {
        do throws(RegistryError) {
            try await registry.perform { store throws(RegistryError) in
                try store.releaseFrontdoor(id, incarnation: incarnation)
            }
        } catch {
            logger.warning("the registry still lists this front door", metadata: .keyed([.error: "\(error)"]))
        }
    }
}
