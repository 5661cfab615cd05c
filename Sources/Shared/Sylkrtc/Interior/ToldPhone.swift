import Identity

/// What a client has been told of an account's registration.
public struct ToldRegistration: Equatable, Sendable {
    public enum Stage: Int, Sendable, CaseIterable {
        case nothing, registering, registered, failed

        public init(_ state: RegistrationState) {
            switch state {
            case .registering: self = .registering
            case .registered: self = .registered
            case .failed: self = .failed
            }
        }
    }

    /// The request that began it is acknowledged.
    public var isAcked: Bool
    public var stage: Stage

    public init(isAcked: Bool = false, stage: Stage = .nothing) {
        self.isAcked = isAcked
        self.stage = stage
    }
}

/// What a client has been told of a call.
public struct ToldCall: Equatable, Sendable {
    public enum Stage: Int, Comparable, Sendable, CaseIterable {
        /// Of a call that came in: it rings.
        case nothing
        case progress, accepted, established, terminated

        public init(_ state: CallState) {
            switch state {
            case .progress: self = .progress
            case .accepted: self = .accepted
            case .established: self = .established
            case .terminated: self = .terminated
            }
        }

        public static func < (left: Stage, right: Stage) -> Bool { left.rawValue < right.rawValue }
    }

    /// The request that created it is acknowledged. A call that came in has none, and counts as acknowledged.
    public var isAcked: Bool
    /// The client's answer to a call that came in is acknowledged.
    public var isAnswered: Bool
    public var stage: Stage

    public init(isAcked: Bool = false, isAnswered: Bool = false, stage: Stage = .nothing) {
        self.isAcked = isAcked
        self.isAnswered = isAnswered
        self.stage = stage
    }
}
