import Identity
import Sylkrtc

/// How a session ended that its front door has not acknowledged yet: the next resync may have to say it again.
struct EndedSession: Equatable {
    /// Of a feed: the session whose feed it was; of a call that came in: the registration it came in over.
    let base: SessionID?
    /// How the request that created it was answered; nil: never.
    let creation: WorkerAnswer?
    /// nil: as the client wanted.
    let reason: String?
    /// Of what is neither a participation in a room nor a feed.
    var event: WorkerEvent?

    /// Of a call that came in and that nobody took: its caller.
    var missed: Caller? {
        guard case .call(.terminated(_, let missed)) = event else { return nil }
        return missed
    }

    /// What a client that does not know yet is told.
    func farewell(of session: SessionID) -> WorkerEvent {
        if let event { return event }
        return base == nil ? .state(.terminated(reason: reason)) : .feedEnded(feed: session.request)
    }
}

/// The sessions that are over but for their rows, which wait for an acknowledgement. It outlives a connection to Janus.
final class EndedSessions {
    private var sessions: [SessionID: EndedSession] = [:]

    var isEmpty: Bool { sessions.isEmpty }

    subscript(session: SessionID) -> EndedSession? { sessions[session] }

    var owners: Set<FrontdoorLoopID> { Set(sessions.keys.map(\.connection.owner)) }

    func insert(_ session: SessionID, _ ending: EndedSession) { sessions[session] = ending }

    func remove(_ session: SessionID) { sessions[session] = nil }

    func all(where isWanted: (SessionID) -> Bool) -> [SessionID] { sessions.keys.filter(isWanted) }
}
