/// R01
public struct AccountAdd: Equatable, Sendable {
    public let account: SentAddress
    /// HA1, hexadecimal. 1 to 9999 bytes. Secret.
    public let password: String
    public let displayName: String?
    public let userAgent: String?
}

/// R02, R03, R04: the account is all they name.
public struct AccountName: Equatable, Sendable {
    public let account: SentAddress
}

/// R05
public struct AccountDeviceToken: Equatable, Sendable {
    public let account: SentAddress
    public let oldToken: String?
    public let newToken: String?
}
