import NIOCore

/// How long to leave what Janus answers in the socket, so that answers are read, and passed on, many at a time.
///
/// While Janus has work left, its answers come one by one, and each would wake this loop, two threads of ZeroMQ and a front
/// door on its own: waking costs several times what an answer does. So while others are under way, a read is put off
/// until about half of them should be there: Janus is not left without work. A few requests are never delayed.
///
/// How long that takes is learnt from what the last pause brought.
struct ReplyBatching {
    /// Fewer requests than this under way: nothing is put off.
    static let minimumUnderWay = 4
    static let longest = TimeAmount.milliseconds(1)
    static let shortest = TimeAmount.microseconds(50)

    private var pause = TimeAmount.microseconds(200)
    /// The last read came after a pause.
    private var hasPaused = false

    /// Everything that was there has been read, and acted on.
    ///
    /// - Parameters:
    ///   - answered: requests whose answers were among it.
    ///   - underWay: requests that have no answer yet, those that were sent meanwhile included.
    /// - Returns: for how long to read nothing; nil: go on.
    mutating func readCompleted(answered: Int, underWay: Int) -> TimeAmount? {
        if hasPaused {
            // Too long, when Janus might have run out of work; too short, when most are still to come.
            if underWay < answered {
                pause = max(Self.shortest, .nanoseconds(pause.nanoseconds * 3 / 4))
            } else if underWay > 2 * answered {
                pause = min(Self.longest, .nanoseconds(pause.nanoseconds * 5 / 4))
            }
        }
        hasPaused = underWay >= Self.minimumUnderWay
        return hasPaused ? pause : nil
    }
}
