import Identity

/// Why a message is ignored. It changes nothing: not even the silence is broken.
public enum DiscardReason: Equatable, Sendable {
    /// It was written by or for another life of one of the two processes.
    case otherIncarnation
    /// It was written for another link of the same two.
    case otherLink
    /// The link is dead: nothing that comes later counts.
    case linkDead
}

/// Why a link is given up. Its state is then unknown until the next resync.
public enum LossReason: Equatable, Sendable {
    /// A message is missing, or came twice.
    case gap(expected: UInt64, received: UInt64)
    /// Another hello on a link that is up: the worker was replaced under the socket, or gave the link up itself.
    case secondHello(Incarnation)
    /// Another probe on a link that is up: the connection broke and was made anew.
    case reconnected
    /// Nothing was taken for ``LinkTiming/silence``.
    case silent
    /// No hello came for ``LinkTiming/hello``.
    case noHello
    /// The other side breaks the rules of links: a kind it may not send (now), or an acknowledgement of what was never
    /// sent.
    case violation(MessageKind)
}

/// What a link needs when time has passed.
public enum LinkTimerAction: Equatable, Sendable {
    case none
    /// Stamp and send a heartbeat.
    case sendHeartbeat
    /// The link is dead.
    case giveUp(LossReason)
}
