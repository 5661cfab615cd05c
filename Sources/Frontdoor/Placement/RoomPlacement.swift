import Identity

/// Where a new room goes: of two serving workers drawn at random the one with less to do for its weight. It spreads as well
/// as looking at all of them, and two front doors do not all run to the same one.
enum RoomPlacement {
    struct Candidate: Equatable {
        let slot: SlotID
        let load: Int
        /// The share of new rooms it wants, relative to the others'. 0: none.
        var weight = 1

        fileprivate var burden: Double { Double(load) / Double(weight) }
    }

    /// - Returns: nil when nobody serves.
    static func choose(
        among candidates: [Candidate], using generator: inout some RandomNumberGenerator
    ) -> SlotID? {
        let willing = candidates.filter { $0.weight > 0 }
        guard let first = willing.randomElement(using: &generator) else { return nil }
        let others = willing.filter { $0.slot != first.slot }
        guard let second = others.randomElement(using: &generator) else { return first.slot }
        return second.burden < first.burden ? second.slot : first.slot
    }
}
