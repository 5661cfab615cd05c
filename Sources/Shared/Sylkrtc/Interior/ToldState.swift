import Identity

/// What a client has been told of a session: the front door is the authority on that. A new link to the worker starts from
/// here, so that what is missing is told and nothing is told twice.
public enum Told: Equatable, Sendable {
    case publisher(ToldState)
    case feed(base: RequestSequence, ToldFeed)
    case registration(ToldRegistration)
    /// - Parameter registration: of a call that came in.
    case call(registration: RequestSequence?, ToldCall)
}

/// What a client has been told of its participation in a room.
public struct ToldState: Equatable, Sendable {
    public enum Stage: Int, Comparable, Sendable, CaseIterable {
        case nothing, progress, accepted, established, terminated

        public static func < (left: Stage, right: Stage) -> Bool { left.rawValue < right.rawValue }
    }

    public enum Change: Equatable, Sendable {
        case acked
        case state(ConferenceState)
        case initialPublishers([Publisher])
        case joined([Publisher])
        case left([ClientSessionID])
        /// An `update` with a bitrate was acknowledged.
        case capped(Int)
        /// Who is prominent in the room: this change of it.
        case configured(Int64)
    }

    /// The join is acknowledged.
    public private(set) var isAcked: Bool
    public private(set) var stage: Stage
    /// An empty list counts.
    public private(set) var hasInitialPublishers: Bool
    /// Told as there, not yet told as gone. The number tells who it is when the name is taken again.
    public private(set) var announced: [ClientSessionID: PublisherID]
    /// The bitrate that the client last asked for, in bits a second.
    public private(set) var bitrateCap: Int?
    /// The change of the room's configuration that the client was last told, or began with; nil: none.
    public private(set) var configuration: Int64?

    public init(
        isAcked: Bool = false, stage: Stage = .nothing, hasInitialPublishers: Bool = false,
        announced: [ClientSessionID: PublisherID] = [:], bitrateCap: Int? = nil,
        configuration: Int64? = nil
    ) {
        self.isAcked = isAcked
        self.stage = stage
        self.hasInitialPublishers = hasInitialPublishers
        self.announced = announced
        self.bitrateCap = bitrateCap
        self.configuration = configuration
    }

    public mutating func apply(_ change: Change) {
        switch change {
        case .acked: isAcked = true
        case .state(.progress): stage = max(stage, .progress)
        case .state(.accepted): stage = max(stage, .accepted)
        case .state(.established): stage = max(stage, .established)
        case .state(.terminated): stage = .terminated
        case .initialPublishers(let publishers):
            hasInitialPublishers = true
            announced = [:]
            announce(publishers)
        case .joined(let publishers): announce(publishers)
        case .left(let publishers): for publisher in publishers { announced[publisher] = nil }
        case .capped(let bitrate): bitrateCap = bitrate
        case .configured(let version): configuration = version
        }
    }

    private mutating func announce(_ publishers: [Publisher]) {
        for publisher in publishers { announced[publisher.session] = publisher.id }
    }
}

/// What a client has been told of a subscription.
public struct ToldFeed: Equatable, Sendable {
    /// The attach is acknowledged.
    public var isAcked: Bool
    /// It has the offer.
    public var isOffered: Bool
    /// Its answer is acknowledged.
    public var isAnswered: Bool
    public var isEstablished: Bool

    public init(
        isAcked: Bool = false, isOffered: Bool = false, isAnswered: Bool = false, isEstablished: Bool = false
    ) {
        self.isAcked = isAcked
        self.isOffered = isOffered
        self.isAnswered = isAnswered
        self.isEstablished = isEstablished
    }
}
