import Identity
import Sylkrtc

/// How a session speaks to its front door: only while both know what the client has been told. What is said at any other
/// time goes nowhere, because the next resync says it.
final class SessionVoice {
    private let connection: ConnectionID
    /// The session that events are about: a feed's are its base session's.
    private let base: SessionID
    private let outbox: any Outbox
    private let possession: SlotPossession
    private(set) var isHeard: Bool

    init(_ session: SessionID, base: SessionID, outbox: any Outbox, possession: SlotPossession, isHeard: Bool) {
        self.possession = possession
        connection = session.connection
        self.base = base
        self.outbox = outbox
        self.isHeard = isHeard
    }

    func open() { isHeard = true }
    func close() { isHeard = false }

    func answer(_ answer: WorkerAnswer, to request: RequestSequence) {
        if isHeard, possession.isHeld { outbox.answer(answer, to: request, of: connection) }
    }

    func tell(_ event: WorkerEvent) {
        if isHeard, possession.isHeld { outbox.tell(event, of: base) }
    }
}
