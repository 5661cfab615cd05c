/// E02's states. There is none before an account is registered, nor after it is unregistered (D26).
public enum RegistrationState: Equatable, Sendable {
    case registering
    case registered
    /// Why, as `{code} {reason}` (RFC 3261 §21).
    case failed(reason: String)
}

/// E06's states, in the order a call can go through them.
public enum CallState: Equatable, Sendable {
    /// The INVITE is out.
    case progress
    /// Of an outgoing call with the answer; of an incoming one without.
    case accepted(answer: SessionDescription?)
    case established
    /// - Parameter missed: nobody answered the incoming call, and nobody else has taken it: its caller (E04).
    case terminated(reason: String, missed: Caller? = nil)
}

/// Who calls, as the called see it (E03, E04).
public struct Caller: Hashable, Sendable {
    /// Without its scheme.
    public let uri: String
    /// Without quotes; empty when there is none.
    public let displayName: String

    public init(uri: String, displayName: String) {
        self.uri = uri
        self.displayName = displayName
    }
}
