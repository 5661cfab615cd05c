import Identity
import Registry

/// How far the invitations of one request are: each front door loop has its share, and the request is answered when every loop has
/// taken its share or is given up.
struct InvitationStateMachine {
    enum Action: Equatable {
        /// Over the loop's link, in this order. Then either ``acknowledged(by:)`` or ``linkLost(_:)``.
        case send([ClaimedAccount], to: FrontdoorLoopID)
        /// Nobody is left to tell.
        case finish
    }

    /// What goes out before an acknowledgement is awaited: a link takes some thousand messages at a time, and has others to carry.
    static let batch = 256

    private struct Share {
        /// Not sent, or not known to have arrived. The first of them are under way.
        var left: [ClaimedAccount]
        /// How many are. 0: the loop has no link.
        var underWay = 0
    }

    private var shares: [FrontdoorLoopID: Share] = [:]
    private var isFinished = false

    init(_ targets: [ClaimedAccount]) {
        for target in targets { shares[target.connection.owner, default: Share(left: [])].left.append(target) }
    }

    mutating func began(isPresent: (FrontdoorLoopID) -> Bool) -> [Action] {
        let present = shares.keys.filter(isPresent).sorted { $0.description < $1.description }
        return present.flatMap { send(to: $0) } + finishIfDone()
    }

    /// Its share, or what is left of it, begins anew: the loop knows what it has taken.
    mutating func linkUp(_ owner: FrontdoorLoopID) -> [Action] {
        guard shares[owner]?.underWay == 0 else { return [] }
        return send(to: owner)
    }

    /// What was under way may have arrived, or not. The share waits for the next link.
    mutating func linkLost(_ owner: FrontdoorLoopID) { shares[owner]?.underWay = 0 }

    mutating func acknowledged(by owner: FrontdoorLoopID) -> [Action] {
        guard let share = shares[owner], share.underWay > 0 else { return [] }
        shares[owner]?.left.removeFirst(share.underWay)
        shares[owner]?.underWay = 0
        if shares[owner]?.left.isEmpty == true { shares[owner] = nil }
        return send(to: owner) + finishIfDone()
    }

    /// Who has no link by now is given up, and so is who does not acknowledge.
    mutating func deadlinePassed() -> [Action] {
        shares = [:]
        return finishIfDone()
    }

    private mutating func send(to owner: FrontdoorLoopID) -> [Action] {
        guard let share = shares[owner] else { return [] }
        let next = Array(share.left.prefix(Self.batch))
        shares[owner]?.underWay = next.count
        return [.send(next, to: owner)]
    }

    private mutating func finishIfDone() -> [Action] {
        guard shares.isEmpty, !isFinished else { return [] }
        isFinished = true
        return [.finish]
    }
}
