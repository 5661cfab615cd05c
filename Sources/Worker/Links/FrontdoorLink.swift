import Bus
import NIOCore

/// One link of a front door's loop, and all that is kept for it.
struct FrontdoorLink {
    var machine: RouterLinkStateMachine
    /// What the front door lists; nil: it has done so.
    var listing: Listing? = Listing()
    /// Waits for an acknowledgement: in order of the sequence it waits for.
    var waiting: [(sequence: UInt64, action: () -> Void)] = []
    /// When the list could have begun.
    var greetedAt: NIODeadline
    /// What waits here of it.
    var backlog = LinkBacklog()
    /// Requests that could not be read.
    var unusable = 0
    /// Something that is not known here has come, and stands in the log.
    var hasPassedOver = false
    private var underWay = UnacknowledgedBytes()
    /// Bytes of messages that were taken since anything was sent.
    private var unsaidBytes = 0

    init(machine: RouterLinkStateMachine, at now: NIODeadline) {
        self.machine = machine
        greetedAt = now
    }

    /// A message has left.
    mutating func sent(_ bytes: Int) {
        unsaidBytes = 0
        underWay.sent(bytes, as: machine.lastSent, acknowledged: machine.acknowledgedByPeer)
    }

    /// A message was taken.
    mutating func took(_ bytes: Int) { unsaidBytes += bytes }

    /// Its front door may be waiting to hear what was taken.
    var owesAcknowledgement: Bool {
        machine.unsaid >= BusLimits.acknowledgedMessages || unsaidBytes >= BusLimits.acknowledgedBytes
    }

    /// Not much of what was said waits to be taken.
    var hasRoom: Bool { machine.lastSent - machine.acknowledgedByPeer < LinkBounds.crowded }

    /// `action` is performed when the message of that number has been taken.
    mutating func wait(for sequence: UInt64, _ action: @escaping () -> Void) {
        let index = waiting.lastIndex { $0.sequence <= sequence }.map { $0 + 1 } ?? 0
        waiting.insert((sequence, action), at: index)
    }

    /// Its front door takes what is sent, or does not say so.
    var isAcknowledging: Bool {
        machine.lastSent - machine.acknowledgedByPeer <= LinkBounds.unacknowledged
            && underWay.bytes <= LinkBounds.unacknowledgedBytes
    }
}

/// Bytes that were sent and are not acknowledged, from above: what was sent counts until all that was sent when it was
/// last looked at is acknowledged.
struct UnacknowledgedBytes {
    private var mark: UInt64 = 0
    private var beforeMark = 0
    private var sinceMark = 0

    var bytes: Int { beforeMark + sinceMark }

    mutating func sent(_ count: Int, as sequence: UInt64, acknowledged: UInt64) {
        sinceMark += count
        guard acknowledged >= mark else { return }
        mark = sequence
        beforeMark = sinceMark
        sinceMark = 0
    }
}
