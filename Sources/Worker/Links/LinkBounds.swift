import NIOCore

/// What the worker keeps for front doors at most. All of it is far above what a front door of ours needs: one that goes
/// beyond is confused, and loses its link, while those of others go on.
enum LinkBounds {
    /// Links at a time. A probe beyond it is not answered; its front door tries again after ``LinkTiming/hello``.
    static let links = 4096
    /// Links that have not listed anything yet: beyond it the oldest makes place. A real one lists at once, but after a restart
    /// all of them come at the same time.
    static let greeting = 2048
    /// How long a list may take.
    static let list = TimeAmount.seconds(10)
    /// Bytes of lists of one link that wait, because nobody can serve them yet or because they go on: rooms of hundreds name
    /// tens of thousands of publishers. Beyond it the link is lost.
    static let listed = 96 << 20
    /// Bytes of requests of one link that wait likewise. Beyond it those are answered at once, with an error; of connections
    /// that have less than `share` waiting only beyond twice as much.
    static let waiting = 32 << 20
    static let share = 64 << 10
    /// Of both, and of all links together. Beyond it requests are answered at once, and lists cost their links.
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
