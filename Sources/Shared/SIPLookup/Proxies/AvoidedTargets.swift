import NIOCore

/// Servers that have refused lately and come last for a while (RFC 3263 §4.3).
struct AvoidedTargets {
    static let duration = TimeAmount.seconds(30)
    static let maximumCount = 1024

    private var ends: [ProxyTarget: NIODeadline] = [:]

    mutating func failed(_ target: ProxyTarget, at now: NIODeadline) {
        if ends[target] == nil, ends.count >= Self.maximumCount {
            ends = ends.filter { now < $0.value }
            // The first to be over.
            if ends.count >= Self.maximumCount, let first = ends.min(by: { $0.value < $1.value }) {
                ends[first.key] = nil
            }
        }
        ends[target] = now + Self.duration
    }

    func count(at now: NIODeadline) -> Int { ends.values.count { now < $0 } }

    /// Those that are avoided stand last, in the order in which they stood: if all are, all are tried.
    mutating func ordered(_ targets: [ProxyTarget], at now: NIODeadline) -> [ProxyTarget] {
        for target in targets { if let end = ends[target], end <= now { ends[target] = nil } }
        return targets.filter { ends[$0] == nil } + targets.filter { ends[$0] != nil }
    }
}
