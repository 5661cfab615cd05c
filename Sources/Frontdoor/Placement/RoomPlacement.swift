import Identity

/// Where a new room goes: of two serving workers drawn at random the one with less to do. It spreads as well as looking at
/// all of them, and two front doors do not all run to the same one.
enum RoomPlacement {
    struct Candidate: Equatable {
        let slot: SlotID
        let load: Int
    }

    /// - Returns: nil when nobody serves.
    static func choose(
        among candidates: [Candidate], using generator: inout some RandomNumberGenerator
    ) -> SlotID? {
        guard !candidates.isEmpty, let first = candidates.randomElement(using: &generator) else { return nil }
        let others = candidates.filter { $0.slot != first.slot }
        guard let second = others.randomElement(using: &generator) else { return first.slot }
        return second.load < first.load ? second.slot : first.slot
    }
}
