import Identity

/// R10
public struct VideoroomJoin: Equatable, Sendable {
    public let account: SentAddress
    public let session: ClientSessionID
    public let room: SentAddress
    public let offer: SessionDescription
}

/// R11
public struct ConfigureRoom: Equatable, Sendable {
    public let session: String
    /// At most two, in order, without duplicates.
    public let activeParticipants: [String]
}

/// R12
public struct FeedAttach: Equatable, Sendable {
    public let session: String
    public let feed: ClientSessionID
    public let publisher: String
}

/// R13
public struct FeedAnswer: Equatable, Sendable {
    public let session: String
    public let feed: String
    public let answer: SessionDescription
}

/// R14
public struct FeedDetach: Equatable, Sendable {
    public let session: String
    public let feed: String
}

/// R15
public struct InviteParticipants: Equatable, Sendable {
    public let session: String
    public let participants: [SentAddress]
}

/// R16
public struct VideoroomTrickle: Equatable, Sendable {
    public let session: String
    /// The feed concerned; nil: the outer session itself.
    public let feed: String?
    /// Empty: end of candidates.
    public let candidates: [Candidate]
}

/// R17
public struct VideoroomUpdate: Equatable, Sendable {
    public let session: String
    public let audio: Bool?
    public let video: Bool?
    /// Bits a second, 64,000 or more (D46).
    public let bitrate: Int?
}

/// R18
public struct VideoroomTerminate: Equatable, Sendable {
    public let session: String
}
