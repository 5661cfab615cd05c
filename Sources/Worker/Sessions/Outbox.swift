import Identity
import Sylkrtc

/// Where sessions speak to their front door. What is said to a front door that has no live link goes nowhere: it is told at
/// the next resync.
protocol Outbox: AnyObject {
    func answer(_ answer: WorkerAnswer, to request: RequestSequence, of connection: ConnectionID)
    /// - Parameter session: the base session.
    func tell(_ event: WorkerEvent, of session: SessionID)
    /// The session is up to date: new requests may come.
    func resynced(_ session: SessionID)
    /// Whose client is told of it.
    func invite(_ connection: ConnectionID, _ invitation: Invitation)
    /// The front door's loop has a link, and has said what it holds.
    func isPresent(_ owner: FrontdoorLoopID) -> Bool
    /// Finds out whether the loop can be reached: the socket of a dead process takes nothing, long before its silence is
    /// noticed.
    func probe(_ owner: FrontdoorLoopID)
    /// Calls `action` when everything said to this front door so far has been acknowledged; not at all when the link is lost
    /// before that.
    func whenAcknowledged(by owner: FrontdoorLoopID, _ action: @escaping () -> Void)
    /// Not much of what was said to this front door waits to be taken: whoever has a lot to say may go on.
    func hasRoom(for owner: FrontdoorLoopID) -> Bool
    /// Calls `action` when it has taken half of that; not at all when the link is lost before.
    func whenRoom(for owner: FrontdoorLoopID, _ action: @escaping () -> Void)
}
