import Bus
import NIOCore

/// What a new link begins with, in the order in which it leaves, and what has come behind it meanwhile. Thousands of sessions are
/// more than a link takes at once: each message leaves when the worker has taken what left before (``SendWindow``).
struct LinkOpening {
    /// Messages that may wait behind the list: as many as a link would take.
    static let maximumBehind = Int(BusLimits.sendHighWaterMark)

    private var departures: CircularBuffer<Departure> = []
    /// Of those, the ones that are no part of the beginning.
    private var behind = 0
    /// The beginning is complete: what comes now is behind it.
    var isComplete = false
    var window = SendWindow()

    var next: Departure? { window.hasRoom ? departures.first : nil }
    var isEmpty: Bool { departures.isEmpty }

    /// - Returns: false when there is no place for it.
    mutating func add(_ departure: Departure) -> Bool {
        if isComplete {
            guard behind < Self.maximumBehind else { return false }
            behind += 1
        }
        departures.append(departure)
        return true
    }

    mutating func left(_ bytes: Int, as sequence: UInt64) {
        departures.removeFirst()
        window.sent(bytes, as: sequence)
    }
}
