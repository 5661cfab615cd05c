import Identity
import Sylkrtc

/// A request that a front door lists on a new link: nobody has answered it yet, as far as it knows.
struct ListedRequest: Equatable {
    let connection: ConnectionID
    let sequence: RequestSequence
    let request: WorkerRequest
}

/// What a front door's loop says on a new link: what it holds here, what its clients have been told, what they wait for.
struct Listing: Equatable {
    var sessions: [SessionID: Told] = [:]
    var requests: [ListedRequest] = []
    /// Sessions it has given up while they might still come about.
    var releases: Set<SessionID> = []

    mutating func add(_ part: ConnectionList) {
        for entry in part.sessions { sessions[entry.session] = entry.told }
        releases.formUnion(part.releases)
    }
}
