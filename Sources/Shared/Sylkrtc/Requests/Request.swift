import Identity
import JSONText

/// What a client asks for, decoded and validated. One set for every dialect; the numbers are the protocol page's.
public enum Request: Equatable, Sendable {
    case accountAdd(AccountAdd)
    case accountRemove(AccountName)
    case accountRegister(AccountName)
    case accountUnregister(AccountName)
    case accountDeviceToken(AccountDeviceToken)
    case sessionCreate(SessionCreate)
    case sessionAnswer(SessionAnswer)
    case sessionTrickle(SessionTrickle)
    case sessionTerminate(SessionTerminate)
    case videoroomJoin(VideoroomJoin)
    case configureRoom(ConfigureRoom)
    case feedAttach(FeedAttach)
    case feedAnswer(FeedAnswer)
    case feedDetach(FeedDetach)
    case inviteParticipants(InviteParticipants)
    case videoroomTrickle(VideoroomTrickle)
    case videoroomUpdate(VideoroomUpdate)
    case videoroomTerminate(VideoroomTerminate)

    /// The name in texts and logs: the request type, or the option of a `videoroom-ctl`.
    public var name: String { kind.name }
}

/// An address as a client sent it, beside what it means. Messages to that client repeat `sent` (D25).
public struct SentAddress: Hashable, Sendable {
    /// Without the password that a SIP URI may have (RFC 3261 §19.1.1): it is repeated in errors, events and logs.
    public let sent: String
    public let address: AddressOfRecord

    public init?(_ sent: String) {
        guard let address = AddressOfRecord(sent) else { return nil }
        self.sent = sent.withoutPassword()
        self.address = address
    }
}

/// A session description: the JSON string as it was received, spliced and never unescaped. Secret in logs.
public struct SessionDescription: Hashable, Sendable {
    public let text: RawJSON

    public init(_ text: RawJSON) { self.text = text }
}

/// One ICE candidate with exactly the three members Janus wants.
public struct Candidate: Hashable, Sendable {
    public let candidate: RawJSON
    public let lineIndex: Int
    public let mid: RawJSON

    public init(candidate: RawJSON, lineIndex: Int, mid: RawJSON) {
        self.candidate = candidate
        self.lineIndex = lineIndex
        self.mid = mid
    }
}
