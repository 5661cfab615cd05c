import Dispatch
import Logging

/// What the registry's thread does: make the store, serve what was submitted in group commits, and try again to make the
/// store while that fails.
struct RegistryLoop {
    /// How many operations share one commit at most: bounds how long the writer's lock is held.
    static let batchLimit = 256
    /// Between two tries to make the store, in milliseconds: doubled from the first to the last.
    static let backoff = (first: 50, last: 1000)

    let queue: RegistryQueue
    let logger: Logger
    let makeStore: @Sendable () throws(RegistryError) -> any RegistryStore

    /// Returns when the queue is stopped and everything submitted before has been answered.
    func run() {
        var requests: [RegistryRequest] = []
        var pause = Self.backoff.first
        var reported: RegistryError?
        while true {
            let failure: RegistryError
            do throws(RegistryError) {
                let store = try makeStore()
                if reported != nil { logger.notice("Registry available") }
                serve(with: store, &requests)
                store.close()
                return
            } catch {
                failure = error
            }

            if reported != failure {
                logger.warning("Registry unavailable", metadata: ["error": "\(failure)"])
                reported = failure
            }
            guard refuse(&requests, until: .now() + .milliseconds(pause), failure) else { return }
            pause = min(pause * 2, Self.backoff.last)
        }
    }

    private func serve(with store: any RegistryStore, _ requests: inout [RegistryRequest]) {
        var reported: RegistryError?
        while case .requests = queue.take(&requests, deadline: nil) {
            var rest = requests[...]
            while !rest.isEmpty {
                let lost = commit(rest.prefix(Self.batchLimit), in: store)
                if let lost, lost != reported {
                    logger.warning("Registry unavailable", metadata: ["error": "\(lost)"])
                } else if lost == nil, reported != nil {
                    logger.notice("Registry available")
                }
                reported = lost
                rest = rest.dropFirst(Self.batchLimit)
            }
            rest = []
            requests.removeAll(keepingCapacity: requests.count <= Self.batchLimit)
        }
    }

    /// Answers what comes until the deadline.
    ///
    /// - Returns: whether to go on afterwards.
    private func refuse(
        _ requests: inout [RegistryRequest], until deadline: DispatchTime, _ failure: RegistryError
    ) -> Bool {
        while true {
            switch queue.take(&requests, deadline: deadline) {
            case .requests:
                queue.answered(requests.count)
                for request in requests { request.fail(failure) }
                requests.removeAll()
                if DispatchTime.now() >= deadline { return true }
            case .timeout: return true
            case .stopped: return false
            }
        }
    }

    /// Runs a batch in one transaction, commits it, and tells the submitters in order. Nobody is told anything before
    /// the commit; if that fails, all hear why.
    ///
    /// - Returns: why the batch was lost.
    private func commit(_ batch: ArraySlice<RegistryRequest>, in store: any RegistryStore) -> RegistryError? {
        let access: RegistryAccess = batch.contains { $0.access == .write } ? .write : .read
        var answers: [(RegistryError?) -> Void] = []
        answers.reserveCapacity(batch.count)
        var lost: RegistryError?
        do throws(RegistryError) {
            try store.transaction(access) { () throws(RegistryError) in
                for request in batch { answers.append(request.run(store)) }
            }
        } catch {
            lost = error
        }
        queue.answered(batch.count)
        for answer in answers { answer(lost) }
        if let lost {
            for request in batch.dropFirst(answers.count) { request.fail(lost) }
        }
        return lost
    }
}
