import Identity
import Sylkrtc

/// What is left to be gone through of a list, session by session: thousands of sessions have more to say than a link takes at
/// once. What is given up meanwhile is passed over.
struct Resynchronization {
    struct Entry {
        let session: SessionID
        let told: Told
        let requests: [ListedRequest]
    }

    /// Those that somebody waits for come first, and a base session before its feeds.
    private var entries: ArraySlice<Entry>
    /// Of sessions that are not listed, and behind them of connections.
    private var others: ArraySlice<ListedRequest>
    private var released: Set<SessionID> = []
    private var gone: Set<ConnectionID> = []

    init(_ listing: Listing) {
        var requests: [SessionID: [ListedRequest]] = [:]
        var ofConnections: [ListedRequest] = []
        for listed in listing.requests {
            if let session = listed.session {
                requests[session, default: []].append(listed)
            } else {
                ofConnections.append(listed)
            }
        }
        let wanted = listing.sessions.filter { !listing.releases.contains($0.key) }
        entries =
            wanted.map { session, told in
                Entry(session: session, told: told, requests: requests.removeValue(forKey: session) ?? [])
            }.sorted { left, right in
                if left.requests.isEmpty != right.requests.isEmpty { return !left.requests.isEmpty }
                if left.told.isFeed != right.told.isFeed { return !left.told.isFeed }
                return left.session.request < right.session.request
            }[...]
        // What those of connections end may only just have begun again.
        others = requests.values.joined().sorted { $0.sequence < $1.sequence }[...] + ofConnections
    }

    mutating func release(_ session: SessionID) { released.insert(session) }

    mutating func release(_ connection: ConnectionID) { gone.insert(connection) }

    /// nil: there is none left.
    mutating func nextEntry() -> Entry? {
        while let entry = entries.popFirst() {
            if !released.contains(entry.session), !gone.contains(entry.session.connection) { return entry }
        }
        return nil
    }

    mutating func nextRequest() -> ListedRequest? {
        while let listed = others.popFirst() {
            let isReleased = listed.session.map(released.contains) ?? false
            if !isReleased, !gone.contains(listed.connection) { return listed }
        }
        return nil
    }
}
