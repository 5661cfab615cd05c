import Identity
import NIOCore

/// Which front doors' loops are away, and since when. A loop that stays away loses its sessions, so that nobody looks at
/// ghosts for long. The rule is about state: sessions that turn up later are released, too.
struct Absences {
    /// How long a front door's loop may be without a link.
    static let grace = TimeAmount.seconds(5)

    private var since: [FrontdoorLoopID: NIODeadline] = [:]

    /// - Parameters:
    ///   - owners: whose sessions are here.
    ///   - isPresent: the loop has a link and has said what it holds.
    /// - Returns: those whose time is over.
    mutating func look(
        at now: NIODeadline, owners: Set<FrontdoorLoopID>, isPresent: (FrontdoorLoopID) -> Bool
    ) -> [FrontdoorLoopID] {
        since = since.filter { owners.contains($0.key) && !isPresent($0.key) }
        for owner in owners where !isPresent(owner) && since[owner] == nil { since[owner] = now }
        return since.filter { now - $0.value >= Self.grace }.keys.sorted { $0.description < $1.description }
    }

    /// As long as a link takes to come back when both its ends are alive.
    static let blink = TimeAmount.milliseconds(250)

    /// It is away for longer than a blink: whoever returns elsewhere need not wait for the rest of the grace.
    func isAway(_ owner: FrontdoorLoopID, at now: NIODeadline) -> Bool {
        since[owner].map { now - $0 >= Self.blink } ?? false
    }

    /// A link was lost at this moment.
    mutating func lost(_ owner: FrontdoorLoopID, at now: NIODeadline) { since[owner] = since[owner] ?? now }
}
