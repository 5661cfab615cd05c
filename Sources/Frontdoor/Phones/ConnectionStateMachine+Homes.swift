import Identity
import Sylkrtc

/// A connection's registrations and calls live on one worker, its home, so that a call finds its account's registration there.
/// It is kept while anything lives there; a worker that is being emptied sends what is new elsewhere.
extension ConnectionStateMachine {
    /// Sends a registration or a call that is new where it is to live.
    mutating func findHome(_ sequence: RequestSequence) -> [Action] {
        if let home, phones.lives(at: home) { return located(sequence, at: home) }
        return [.findHome(sequence, preferring: home)]
    }

    /// Somebody else may have found another meanwhile.
    mutating func settle(at slot: SlotID) -> SlotID {
        if let home, phones.lives(at: home) { return home }
        home = slot
        return slot
    }

    /// The worker takes nothing that is new. What lives there stays.
    mutating func turnedAway(by slot: SlotID) {
        if home == slot { home = nil }
    }
}
