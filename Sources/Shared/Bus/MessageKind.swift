/// What a message is for. The numbers are on the wire: they are never given a new meaning.
public enum MessageKind: UInt8, Sendable {
    /// Something that only a newer version knows, whatever its number. It is counted like any message, and passed over.
    case unrecognized = 0
    /// The worker's first message on a link: who it is, and in which life.
    case hello = 1
    /// The front door's first: its loop's connections on this worker, what they were told and what they wait for. A
    /// long list takes several messages.
    case list
    /// A client's request, to the worker.
    case request
    /// The answer to a request, to the front door.
    case answer
    /// What a client has to be told, to the front door.
    case event
    /// One session is up to date again after a list: new requests may flow.
    case resynced
    /// The worker is to let go of what the body names.
    case release
    /// A connection is closed, for good.
    case gone
    /// Nothing but a sign of life, every ``LinkTiming/heartbeat``, in both directions.
    case heartbeat
    /// The connection's client is invited to a conference, to the front door. It is about none of its sessions: the worker may
    /// have none of them.
    case invitation
}

extension MessageKind: CaseIterable {
    /// Those that are ever sent.
    public static let allCases: [MessageKind] = [
        .hello, .list, .request, .answer, .event, .resynced, .release, .gone, .heartbeat, .invitation,
    ]
}
