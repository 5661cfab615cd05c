import Identity

/// An account as one client connection holds it, and is believed to: where invitations to the account go.
public struct ClaimedAccount: Hashable, Sendable {
    /// The most connections of one account that an invitation finds. Nobody has as many devices; and one account that a
    /// whole crowd claims must not make an invitation endless.
    public static let maximumConnections = 1000

    public var account: AddressOfRecord
    public var connection: ConnectionID

    public init(account: AddressOfRecord, connection: ConnectionID) {
        self.account = account
        self.connection = connection
    }
}
