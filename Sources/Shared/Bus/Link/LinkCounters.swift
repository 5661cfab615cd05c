/// The numbers of one link, both directions: what was sent, what was taken, what the other side says it took.
struct LinkCounters: Equatable, Sendable {
    private(set) var sent: UInt64 = 0
    private(set) var taken: UInt64 = 0
    private(set) var acknowledged: UInt64 = 0
    /// What the other side knows to be taken: `taken` as it was when the last message was stamped.
    private var said: UInt64 = 0

    /// Messages that were taken without a word to the other side since.
    var unsaid: UInt64 { taken - said }

    /// The number of the next message sent, which says what was taken.
    mutating func next() -> UInt64 {
        sent += 1
        said = taken
        return sent
    }

    /// The message with the last number was not sent after all.
    mutating func takeBack(_ sequence: UInt64) {
        precondition(sequence == sent && sequence > acknowledged, "only the last message can be taken back")
        sent -= 1
    }

    /// Accepts a message, or says why the link is lost.
    ///
    /// A number that was seen already is as bad as one too high: two different messages may bear it.
    mutating func take(_ envelope: Envelope) -> LossReason? {
        guard envelope.sequence == taken + 1 else {
            return .gap(expected: taken + 1, received: envelope.sequence)
        }
        guard (acknowledged...sent).contains(envelope.acknowledged) else { return .violation(envelope.kind) }
        taken = envelope.sequence
        acknowledged = envelope.acknowledged
        return nil
    }
}
