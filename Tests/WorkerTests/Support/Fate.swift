import Foundation

/// When a fault strikes: before or after the n-th thing that a worker does to the world.
struct Moment: Hashable, CustomStringConvertible {
    enum Deed: String { case request, write }
    enum Side: String, CaseIterable { case before, after }

    let deed: Deed
    let index: Int
    let side: Side

    var description: String { "\(side) \(deed) \(index)" }
}

/// Counts what a worker does, requests to Janus and writes to the registry, and says when its time has come. Writes are
/// counted on the registry's thread.
final class Fate: @unchecked Sendable {
    private let lock = NSLock()
    private var counts: [Moment.Deed: Int] = [:]
    private var names: [Moment: String] = [:]
    private var moment: Moment?
    private var isCounting = false
    private var hasStruck = false
    private var isDoomed = false
    /// Whether what strikes is the death of the process, so that a write is its last.
    private(set) var isLethal = true

    /// Counts from here on, and strikes once at this moment.
    func begin(_ moment: Moment?, isLethal: Bool = true) {
        lock.withLock {
            counts = [:]
            names = [:]
            self.moment = moment
            self.isLethal = isLethal
            isCounting = true
            hasStruck = false
            isDoomed = false
        }
    }

    func stopCounting() { lock.withLock { isCounting = false } }

    /// All the moments there were.
    var moments: [Moment] {
        lock.withLock {
            counts.sorted { $0.key.rawValue < $1.key.rawValue }.flatMap { deed, count in
                (0..<count).flatMap { index in
                    Moment.Side.allCases.map { Moment(deed: deed, index: index, side: $0) }
                }
            }
        }
    }

    func name(of moment: Moment) -> String {
        lock.withLock { names[Moment(deed: moment.deed, index: moment.index, side: .before)] ?? "?" }
    }

    /// - Returns: whether it strikes before, after, or not at all.
    func due(_ deed: Moment.Deed, _ name: String) -> Moment.Side? {
        lock.withLock {
            guard isCounting else { return nil }
            let index = counts[deed, default: 0]
            counts[deed] = index + 1
            names[Moment(deed: deed, index: index, side: .before)] = name
            guard let moment, !hasStruck, moment.deed == deed, moment.index == index else { return nil }
            hasStruck = true
            return moment.side
        }
    }

    /// The registry's thread has met the moment: nothing is written any more until the process is dead.
    func doom() { lock.withLock { isDoomed = true } }

    /// - Returns: whether the process has to die now.
    func takeDoom() -> Bool {
        lock.withLock {
            defer { isDoomed = false }
            return isDoomed
        }
    }
}
