import Bus
import Identity

/// How much of a link waits at the worker, in bytes: of its lists, and of requests by connection, so that few that wait with
/// much do not take the place of many that wait with little.
struct LinkBacklog {
    private(set) var listed = 0
    private(set) var requested = 0
    private var byConnection: [ConnectionID: Int] = [:]

    var bytes: Int { listed + requested }

    /// What a message takes, its header included.
    static func weight(_ body: Int) -> Int { body + Envelope.encodedLength }

    /// - Returns: false when there is no place for it.
    mutating func addList(_ weight: Int) -> Bool {
        guard listed + weight <= LinkBounds.listed else { return false }
        listed += weight
        return true
    }

    /// - Returns: false when there is no place for it.
    mutating func addRequest(_ weight: Int, of connection: ConnectionID) -> Bool {
        let own = byConnection[connection, default: 0] + weight
        guard requested + weight <= LinkBounds.waiting * (own <= LinkBounds.share ? 2 : 1) else { return false }
        byConnection[connection] = own
        requested += weight
        return true
    }
}
