import Identity

/// An account as one client connection holds it, and is believed to: where invitations to the account go.
public struct ClaimedAccount: Hashable, Sendable {
    /// The most connections of one account that an invitation finds. Nobody has as many devices; and one account that a
    /// whole crowd claims must not make an invitation endless.
    public static let maximumConnections = 1000
    /// The most that one look-up finds, of all its accounts together: as many as a front door's loop remembers that it has
    /// invited. The accounts that are named first have theirs.
    public static let maximumFound = 65_536

    public var account: AddressOfRecord
    public var connection: ConnectionID

    public init(account: AddressOfRecord, connection: ConnectionID) {
        self.account = account
        self.connection = connection
    }
}
