import Identity
import NIOCore
import Sylkrtc

/// The invitations that a loop has taken. A worker's successor carries out again what was unanswered, and whoever was invited
/// then is not to be invited twice.
///
/// A request can come again only while it is unanswered, and so many of them a connection can have: of each source connection as
/// many requests are remembered, with everybody they have invited. Beyond a bound of all of these, a source that has asked more
/// than once forgets its own first; only then those are forgotten that were heard of first.
struct TakenInvitations {
    /// Requests of one source connection.
    static let maximumRequests = Limits.legalUnansweredRequests.upperBound
    /// Source connections; those that were heard of first are forgotten beyond that.
    static let maximumSources = 4096
    /// Invited accounts of connections, of all requests together.
    static let maximumTargets = 65_536

    private struct Target: Hashable {
        let connection: ConnectionID
        let account: AddressOfRecord
    }

    private struct Source {
        /// In the order in which they came.
        var requests: CircularBuffer<RequestSequence> = []
        var targets: [RequestSequence: Set<Target>] = [:]

        /// - Returns: how many targets its first request had.
        mutating func forgetFirst() -> Int {
            requests.popFirst().flatMap { targets.removeValue(forKey: $0) }?.count ?? 0
        }
    }

    private var sources: [ConnectionID: Source] = [:]
    private var order: CircularBuffer<ConnectionID> = []
    /// How many are remembered.
    private(set) var count = 0

    /// - Returns: false when this one was taken before.
    mutating func take(_ invitation: Invitation, for connection: ConnectionID) -> Bool {
        let (source, request) = (invitation.source.connection, invitation.source.request)
        let target = Target(connection: connection, account: invitation.account)
        guard sources[source]?.targets[request]?.contains(target) != true else { return false }
        makePlace(for: source)
        if sources[source] == nil { remember(source) }
        if sources[source]?.targets[request] == nil {
            if sources[source]?.requests.count == Self.maximumRequests { forgetFirst(of: source) }
            sources[source]?.requests.append(request)
        }
        sources[source]?.targets[request, default: []].insert(target)
        count += 1
        return true
    }

    private mutating func remember(_ source: ConnectionID) {
        if order.count == Self.maximumSources { forgetFirstSource() }
        order.append(source)
        sources[source] = Source()
    }

    private mutating func makePlace(for source: ConnectionID) {
        while count >= Self.maximumTargets {
            if sources[source]?.requests.count ?? 0 > 1 { forgetFirst(of: source) } else { forgetFirstSource() }
        }
    }

    private mutating func forgetFirst(of source: ConnectionID) { count -= sources[source]?.forgetFirst() ?? 0 }

    private mutating func forgetFirstSource() {
        guard let forgotten = order.popFirst().flatMap({ sources.removeValue(forKey: $0) }) else { return }
        count -= forgotten.targets.values.reduce(0) { $0 + $1.count }
    }
}
