import Identity
import Sylkrtc

/// What a client has been told of a session: the front door is the authority on that. A new link to the worker starts from
/// here, so that what is missing is told and nothing is told twice.
struct ToldState: Equatable {
    enum Stage: Int, Comparable {
        case nothing, progress, accepted, established, terminated

        static func < (left: Stage, right: Stage) -> Bool { left.rawValue < right.rawValue }
    }

    enum Change: Equatable {
        case acked
        case state(ConferenceState)
        case initialPublishers([ClientSessionID])
        case joined([ClientSessionID])
        case left([ClientSessionID])
    }

    private(set) var isAcked = false
    private(set) var stage = Stage.nothing
    /// An empty list counts.
    private(set) var hasInitialPublishers = false
    /// Told as there, not yet told as gone.
    private(set) var announced: Set<ClientSessionID> = []

    mutating func apply(_ change: Change) {
        switch change {
        case .acked: isAcked = true
        case .state(.progress): stage = max(stage, .progress)
        case .state(.accepted): stage = max(stage, .accepted)
        case .state(.established): stage = max(stage, .established)
        case .state(.terminated): stage = .terminated
        case .initialPublishers(let publishers):
            hasInitialPublishers = true
            announced = Set(publishers)
        case .joined(let publishers): announced.formUnion(publishers)
        case .left(let publishers): announced.subtract(publishers)
        }
    }
}
