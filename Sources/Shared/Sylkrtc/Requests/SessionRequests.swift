import Identity

/// R06
public struct SessionCreate: Equatable, Sendable {
    public let account: SentAddress
    public let session: ClientSessionID
    /// The destination without its scheme; ports and parameters stay (D25).
    public let uri: String
    public let offer: SessionDescription
}

/// R07
public struct SessionAnswer: Equatable, Sendable {
    public let session: String
    public let answer: SessionDescription
}

/// R08
public struct SessionTrickle: Equatable, Sendable {
    public let session: String
    /// Empty: end of candidates.
    public let candidates: [Candidate]
}

/// R09
public struct SessionTerminate: Equatable, Sendable {
    public let session: String
}
