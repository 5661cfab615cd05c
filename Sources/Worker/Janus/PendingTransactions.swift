import NIOCore

/// Requests on their way, each with a deadline. All deadlines of one link are equally long, so they pass in the order in
/// which the requests were made.
struct PendingTransactions<Context> {
    private var contexts: [String: Context] = [:]
    private var deadlines: [(transaction: String, deadline: NIODeadline)] = []
    private var firstDeadline = 0

    var count: Int { contexts.count }

    mutating func insert(_ transaction: String, _ context: Context, deadline: NIODeadline) {
        precondition(contexts.updateValue(context, forKey: transaction) == nil, "a transaction was used twice")
        deadlines.append((transaction, deadline))
    }

    /// The request that a reply belongs to. nil: unknown, answered already, or given up.
    mutating func resolve(_ transaction: String) -> Context? { contexts.removeValue(forKey: transaction) }

    /// What has waited too long, oldest first.
    mutating func expired(at now: NIODeadline) -> [Context] {
        var expired: [Context] = []
        while firstDeadline < deadlines.count, deadlines[firstDeadline].deadline <= now {
            if let context = contexts.removeValue(forKey: deadlines[firstDeadline].transaction) {
                expired.append(context)
            }
            firstDeadline += 1
        }
        if firstDeadline > 1024 || firstDeadline == deadlines.count {
            deadlines.removeFirst(firstDeadline)
            firstDeadline = 0
        }
        return expired
    }

    /// Those that nothing is to be awaited of any more.
    mutating func removeAll(where isMeant: (Context) -> Bool) -> [Context] {
        contexts.filter { isMeant($0.value) }.compactMap { contexts.removeValue(forKey: $0.key) }
    }

    /// Everything, oldest first: the link is lost.
    mutating func removeAll() -> [Context] {
        let lost = deadlines[firstDeadline...].compactMap { contexts.removeValue(forKey: $0.transaction) }
        deadlines = []
        firstDeadline = 0
        return lost
    }
}
