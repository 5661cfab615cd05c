import NIOCore

/// Every bound of the bus in one place.
public enum BusLimits {
    /// Bytes of a message's body. Far above the largest request (256 KiB); a list that is longer goes out in pieces.
    public static let maximumBody = 1 << 20

    /// Bytes of a whole message, header and body. ZeroMQ drops the connection of a peer that sends more, so that
    /// sockets refuse to send it in the first place (``SendOutcome/tooLong``).
    public static let maximumMessage = maximumBody + Envelope.encodedLength

    /// Messages that wait in one direction of one link before ``SendOutcome/full``. What the kernel holds comes on top;
    /// and because ZeroMQ gives room back in steps of half of it, half of it is what a sender can count on.
    public static let sendHighWaterMark: Int32 = 4096

    /// Messages that wait on the taking side of one link before its sender has to wait.
    public static let receiveHighWaterMark: Int32 = 4096

    /// What a side that speaks for long has under way at most, in messages and in bytes: what a link begins with leaves at the
    /// pace at which it is taken, so that neither end has to keep it all.
    public static let windowMessages: UInt64 = 256
    public static let windowBytes = 4 << 20

    /// Whoever only listens says after so many messages, or so many bytes of them, what was taken. Well within a window, so
    /// that nobody who keeps one ever waits for a heartbeat.
    public static let acknowledgedMessages: UInt64 = 64
    public static let acknowledgedBytes = 512 << 10

    /// Sockets of one process: one per worker and loop, and those that are being replaced.
    public static let sockets: Int32 = 4096

    /// Milliseconds between two tries to connect, and the most they grow to while nobody listens. Small, because a
    /// restarted worker's clients wait for it.
    public static let reconnectInterval: Int32 = 10
    public static let maximumReconnectInterval: Int32 = 40

    /// Bytes of a socket's path: what `sockaddr_un` holds beside its final zero.
    public static let maximumPath = 107

    /// Messages taken from one socket before the loop's other sockets have their turn, …
    static let batch = 512

    /// … bytes of them, …
    static let batchBytes = 1 << 20

    /// … and how long that turn is. NIO looks at its sockets only when no task is due, so running again at once would
    /// leave them no turn at all.
    static let batchPause = TimeAmount.microseconds(200)

    /// How long a shutdown waits for the loops to close their sockets.
    static let shutdown = TimeAmount.seconds(1)
}
