import NIOCore

/// The times of a link, the same at both ends.
public enum LinkTiming {
    /// Between two heartbeats. They are sent whatever else is: they carry load, too.
    public static let heartbeat = TimeAmount.milliseconds(500)

    /// A link is dead after this long without anything taken from the other side.
    public static let silence = TimeAmount.seconds(3)

    /// How long a front door waits for the hello before it tries a fresh socket. A worker that is not there yet is no
    /// loss, but a connection may also be stuck half made.
    public static let hello = TimeAmount.seconds(5)

    /// How often a loop should call `timerFired` of its links: one timer for all of them, because wake-ups cost.
    public static let tick = TimeAmount.milliseconds(250)
}
