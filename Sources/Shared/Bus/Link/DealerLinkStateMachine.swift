import Identity
import NIOCore

/// The front door's end of a link to one life of a worker.
///
/// A link is used once: when it is given up, its socket is closed and a new one is connected under the next number.
public struct DealerLinkStateMachine: Sendable {
    private enum State {
        /// The socket is connecting and probing; nothing may be sent. Ends with the hello, or after
        /// ``LinkTiming/hello``, or with `closed`.
        case connecting(since: NIODeadline)
        /// The hello was taken: the link is up. First the list is sent, until then only heartbeats; then everything.
        /// Ends, for good, with a loss or with `closed`. Runs on the heartbeat and on the silence of the other side.
        case resyncing(Resyncing)
        /// Given up or closed. Nothing leads out of here.
        case dead
    }

    private struct Resyncing {
        let worker: Incarnation
        var pulse: LinkPulse
        /// The sequence of the list's first message, once it is stamped.
        var list: UInt64?
    }

    public enum ReceiveAction: Equatable, Sendable {
        /// The hello: this life of the worker wants the list, before anything else.
        case sendList(worker: Incarnation)
        /// In order: for the kind's own handler.
        case deliver
        case discard(DiscardReason)
        /// The link is dead, and this message does not count.
        case giveUp(LossReason)
    }

    public typealias TimerAction = LinkTimerAction

    private let frontdoor: Incarnation
    private let link: UInt32
    private var counters = LinkCounters()
    private var state: State

    /// The life of the worker that said hello; nil before that.
    public private(set) var worker: Incarnation?

    public init(frontdoor: Incarnation, link: UInt32, openedAt: NIODeadline) {
        self.frontdoor = frontdoor
        self.link = link
        state = .connecting(since: openedAt)
    }

    /// The hello was taken and the link is not lost: messages may be stamped.
    public var isUp: Bool {
        switch state {
        case .resyncing: true
        case .connecting, .dead: false
        }
    }

    /// The last sequence that the worker has taken, all before it included; still known when the link is dead.
    public var acknowledgedByPeer: UInt64 { counters.acknowledged }

    /// The number of the last message sent; 0: none yet.
    public var lastSent: UInt64 { counters.sent }

    /// Messages that were taken since anything was sent: the other side may be waiting to hear that they were
    /// (``BusLimits/acknowledgedMessages``).
    public var unsaid: UInt64 { counters.unsaid }

    public mutating func received(_ envelope: Envelope, at now: NIODeadline) -> ReceiveAction {
        switch state {
        case .dead: return .discard(.linkDead)
        case .connecting, .resyncing: break
        }
        guard envelope.destination == frontdoor else { return .discard(.otherIncarnation) }
        guard envelope.link == link else { return .discard(.otherLink) }

        switch state {
        case .dead:
            return .discard(.linkDead)
        case .connecting:
            if let loss = counters.take(envelope) { return giveUp(loss) }
            guard envelope.kind == .hello, envelope.source.rawValue != 0 else {
                return giveUp(.violation(envelope.kind))
            }
            state = .resyncing(Resyncing(worker: envelope.source, pulse: LinkPulse(startingAt: now)))
            worker = envelope.source
            return .sendList(worker: envelope.source)
        case .resyncing(var resyncing):
            // Looked at before everything else: a hello bears the number 1 and, after a replacement, another source.
            if envelope.kind == .hello { return giveUp(.secondHello(envelope.source)) }
            guard envelope.source == resyncing.worker else { return .discard(.otherIncarnation) }
            if let loss = counters.take(envelope) { return giveUp(loss) }
            guard envelope.kind != .list else { return giveUp(.violation(.list)) }
            resyncing.pulse.heard(at: now)
            state = .resyncing(resyncing)
            return .deliver
        }
    }

    /// Gives the next message its header. The link must be up, and the first but heartbeats must be the list.
    ///
    /// A message that is stamped and then not sent would be a gap: see ``notSent(_:)``.
    public mutating func stamp(
        _ kind: MessageKind, connection: ConnectionID? = nil, request: RequestSequence? = nil, deadline: UInt32? = nil,
        isRepeat: Bool = false
    ) -> Envelope {
        guard case .resyncing(var resyncing) = state else { preconditionFailure("the link is not up") }
        precondition(kind != .hello, "only workers say hello")
        let sequence = counters.next()
        if resyncing.list == nil, kind != .heartbeat {
            precondition(kind == .list, "the list comes first")
            resyncing.list = sequence
            state = .resyncing(resyncing)
        }
        return Envelope(
            kind: kind, source: frontdoor, destination: resyncing.worker, link: link, sequence: sequence,
            acknowledged: counters.taken, connection: connection, request: request, deadline: deadline,
            isRepeat: isRepeat)
    }

    /// The message stamped last could not be sent (``SendOutcome``): its number is free again and the link is as before.
    public mutating func notSent(_ envelope: Envelope) {
        counters.takeBack(envelope.sequence)
        switch state {
        case .resyncing(var resyncing):
            if resyncing.list == envelope.sequence { resyncing.list = nil }
            state = .resyncing(resyncing)
        case .connecting, .dead: break
        }
    }

    public mutating func timerFired(at now: NIODeadline) -> TimerAction {
        switch state {
        case .connecting(let since):
            guard now - since >= LinkTiming.hello else { return .none }
            state = .dead
            return .giveUp(.noHello)
        case .resyncing(var resyncing):
            let action = resyncing.pulse.timerFired(at: now)
            switch action {
            case .none, .sendHeartbeat: state = .resyncing(resyncing)
            case .giveUp: state = .dead
            }
            return action
        case .dead:
            return .none
        }
    }

    /// The socket is closed, for whatever reason.
    public mutating func closed() { state = .dead }

    private mutating func giveUp(_ reason: LossReason) -> ReceiveAction {
        state = .dead
        return .giveUp(reason)
    }
}
