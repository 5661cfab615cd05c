import NIOCore

/// What a bus is made of: a ROUTER per worker, a DEALER per link.
///
/// Everything is called on, and calls back on, the loop it was made for. Callbacks come asynchronously: never from
/// inside `bind`, `connect`, `send`, `flush` or `close`, and never after `close`. A socket stays open until it is closed,
/// whether somebody keeps it or not.
public protocol BusNetwork: Sendable {
    /// Takes messages at `endpoint`, instead of whoever did before.
    ///
    /// - Parameter receive: gets every message with its sender. An empty one is a probe: that link's connection has
    ///   just come about, for the first time or anew. Messages of senders that have no ``RoutingID`` are dropped.
    func bind(
        _ endpoint: String, on loop: any EventLoop, receive: @escaping (RoutingID, ByteBuffer) -> Void
    ) throws(BusError) -> any RouterSocket

    /// Connects to whoever listens at `endpoint`, now or later, and again whenever the connection breaks. Each time the
    /// other side is probed.
    ///
    /// A second socket under an id that the other side knows as connected reaches nobody.
    func connect(
        _ endpoint: String, as id: RoutingID, on loop: any EventLoop, receive: @escaping (ByteBuffer) -> Void
    ) throws(BusError) -> any DealerSocket
}

/// The worker's end of all its links.
public protocol RouterSocket: AnyObject {
    /// - Parameter message: not empty.
    func send(_ message: ByteBuffer, to: RoutingID) -> SendOutcome

    /// Does now what is otherwise done at the end of the tick. Never needed for messages to leave: it is for the end of
    /// a process, and for callers that are about to keep their loop busy.
    func flush()

    /// Drops what still waits in either direction. Closing twice does nothing.
    func close()
}

/// The front door's end of one link.
public protocol DealerSocket: AnyObject {
    /// - Parameter message: not empty, because empty messages are probes.
    func send(_ message: ByteBuffer) -> SendOutcome

    /// As ``RouterSocket/flush()``.
    func flush()

    /// Drops what still waits in either direction. Closing twice does nothing.
    func close()
}

/// What became of a message that was to be sent. Whatever is not ``sent`` had no effect at all.
public enum SendOutcome: Equatable, Sendable {
    /// On its way. Whether it arrives only an acknowledgement tells.
    case sent
    /// The link is at its high-water mark; or, at a DEALER, there is no connection now. Nothing is kept for later.
    case full
    /// Nobody is connected under that id, or the socket is closed.
    case unreachable
    /// Longer than ``BusLimits/maximumMessage``.
    case tooLong
}
