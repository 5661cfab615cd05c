import NIOCore

/// How long a busy loop leaves what arrives where it is, so that it takes many messages at a time.
///
/// Under load answers come one by one, each from a peer that has work left, and each would wake this loop, two threads of
/// ZeroMQ and the next process on its own: waking costs several times what a message does. So while many requests are under
/// way, nothing is taken until about half of their answers should be there: the peer is not left without work. How long that
/// takes is learnt from what the last pause brought. A few requests are never delayed, whatever hangs beside them.
public struct Batching: Sendable {
    /// Fewer requests than this under way: nothing is put off.
    public static let minimumUnderWay = 4
    public static let shortest = TimeAmount.microseconds(50)
    /// A request counts as under way for as long as this, and at most twice as long: what hangs is nothing to wait for.
    static let memory = TimeAmount.milliseconds(20)

    public let longest: TimeAmount
    private var pause = TimeAmount.microseconds(200)
    private var hasPaused = false
    private var answered = 0
    /// Requests that began since then, and in the time of ``memory`` before.
    private var window: (began: NIODeadline, count: Int, before: Int) = (.distantPast, 0, 0)

    public init(longest: TimeAmount) { self.longest = longest }

    /// A request has been sent.
    public mutating func requestBegan(at now: NIODeadline) {
        turnWindow(at: now)
        window.count += 1
    }

    /// One was answered.
    public mutating func requestAnswered() { answered += 1 }

    /// All that was there has been taken, and acted on.
    ///
    /// - Parameter underWay: requests that have no answer yet.
    /// - Returns: for how long to take nothing; nil: go on.
    public mutating func taken(underWay: Int, at now: NIODeadline) -> TimeAmount? {
        turnWindow(at: now)
        let underWay = min(underWay, window.count + window.before)
        if hasPaused {
            // Too long, when the peer might have run out of work; too short, when most answers are still to come.
            if underWay < answered {
                pause = max(Self.shortest, .nanoseconds(pause.nanoseconds * 3 / 4))
            } else if underWay > 2 * answered {
                pause = min(longest, .nanoseconds(pause.nanoseconds * 5 / 4))
            }
        }
        answered = 0
        hasPaused = underWay >= Self.minimumUnderWay
        return hasPaused ? pause : nil
    }

    private mutating func turnWindow(at now: NIODeadline) {
        guard now - window.began >= Self.memory else { return }
        window = (now, 0, now - window.began < .nanoseconds(2 * Self.memory.nanoseconds) ? window.count : 0)
    }
}
