import Identity
import Sylkrtc

/// Where sessions speak to their front door. What is said to a front door that has no live link goes nowhere: its
/// sessions are about to be released.
protocol Outbox: AnyObject {
    func answer(_ answer: WorkerAnswer, to request: RequestSequence, of connection: ConnectionID)
    /// - Parameter session: the base session.
    func tell(_ event: WorkerEvent, of session: SessionID)
    /// Calls `action` when everything said to this front door so far has been acknowledged, or the link is gone.
    func whenAcknowledged(by owner: FrontdoorLoopID, _ action: @escaping () -> Void)
}
