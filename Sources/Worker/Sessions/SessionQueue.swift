import Identity
import Sylkrtc

/// The requests of one session, in order: one at a time, except that consecutive trickles are pipelined. So answers are in
/// order, and a terminate never overtakes what was asked before it.
struct SessionQueue {
    struct Item: Equatable {
        let sequence: RequestSequence
        let request: WorkerRequest
        let isPipelined: Bool

        init(sequence: RequestSequence, request: WorkerRequest) {
            self.sequence = sequence
            self.request = request
            if case .trickle = request { isPipelined = true } else { isPipelined = false }
        }
    }

    /// Requests that wait, and trickles under way, of one session. A front door keeps 64 unanswered for a whole connection.
    static let maximum = 256

    private var waiting: [Item] = []
    private var underWay: Int
    private var isExclusive: Bool

    /// - Parameter isBusy: the request that creates the session is under way.
    init(isBusy: Bool) {
        underWay = isBusy ? 1 : 0
        isExclusive = isBusy
    }

    var isFull: Bool { waiting.count >= Self.maximum }
    /// There is something that has not begun.
    var isWaiting: Bool { !waiting.isEmpty }

    mutating func append(_ item: Item) { waiting.append(item) }

    func contains(_ sequence: RequestSequence) -> Bool { waiting.contains { $0.sequence == sequence } }

    /// The request that creates the session is under way, after all.
    mutating func beginAgain() {
        underWay += 1
        isExclusive = true
    }

    /// The next request that may begin now; it counts as under way until ``finished()``.
    mutating func next() -> Item? {
        guard let first = waiting.first, underWay == 0 || (first.isPipelined && !isExclusive && underWay < Self.maximum)
        else { return nil }
        underWay += 1
        isExclusive = !first.isPipelined
        return waiting.removeFirst()
    }

    mutating func finished() {
        underWay = max(0, underWay - 1)
        if underWay == 0 { isExclusive = false }
    }

    /// What has not begun, because the session is over.
    mutating func removeAll() -> [Item] {
        defer { waiting = [] }
        return waiting
    }
}
