import NIOCore

/// What the worker keeps for front doors at most. All of it is far above what a front door of ours needs: one that goes
/// beyond is confused, and loses its link, while those of others go on.
enum LinkBounds {
    /// Links at a time. A probe beyond it is not answered; its front door tries again after ``LinkTiming/hello``.
    static let links = 4096
    /// Links that have not listed anything yet: beyond it the oldest makes place. A real one lists at once.
    static let greeting = 256
    /// How long a list may take.
    static let list = TimeAmount.seconds(10)
    /// Bytes of messages of one link that wait: because nobody can serve them yet, or because its list goes on.
    static let waiting = 32 << 20
    /// The same of all links together.
    static let allWaiting = 256 << 20
    /// Requests of one link that cannot be read. They are answered, and logged, as long as they are few.
    static let unusable = 64
    /// Messages under way on a link beyond which whoever has much to say waits until half of them are taken.
    static let crowded: UInt64 = 1024
    /// Messages, and their bytes, that were sent on a link and not acknowledged. Front doors do so twice a second.
    static let unacknowledged = 65_536
    static let unacknowledgedBytes = 64 << 20
    /// How long the last life of a front door is remembered when it has no link.
    static let memory = TimeAmount.seconds(60)
}
