import Identity
import Sylkrtc

/// The invitations that a loop has taken. A worker's successor carries out again what was unanswered, and whoever was invited
/// then is not to be invited twice.
///
/// A request can come again only while it is unanswered, and so many of them a connection can have: of each source connection as
/// many requests are remembered.
struct TakenInvitations {
    /// Requests of one source connection.
    static let maximumRequests = Limits.legalUnansweredRequests.upperBound
    /// Source connections; those that were heard of first are forgotten beyond that.
    static let maximumSources = 4096

    private struct Target: Hashable {
        let connection: ConnectionID
        let account: AddressOfRecord
    }

    private struct Source {
        /// In the order in which they came.
        var requests: [RequestSequence] = []
        var targets: [RequestSequence: Set<Target>] = [:]
    }

    private var sources: [ConnectionID: Source] = [:]
    private var order: [ConnectionID] = []

    /// - Returns: false when this one was taken before.
    mutating func take(_ invitation: Invitation, for connection: ConnectionID) -> Bool {
        let (source, request) = (invitation.source.connection, invitation.source.request)
        if sources[source] == nil { remember(source) }
        if sources[source]?.targets[request] == nil {
            if let first = sources[source]?.requests.first, sources[source]?.requests.count == Self.maximumRequests {
                sources[source]?.requests.removeFirst()
                sources[source]?.targets[first] = nil
            }
            sources[source]?.requests.append(request)
        }
        let target = Target(connection: connection, account: invitation.account)
        return sources[source]?.targets[request, default: []].insert(target).inserted ?? true
    }

    private mutating func remember(_ source: ConnectionID) {
        if order.count == Self.maximumSources { sources[order.removeFirst()] = nil }
        order.append(source)
        sources[source] = Source()
    }
}
