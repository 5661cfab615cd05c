import Identity
import NIOCore

/// The worker's end of a link: one per routing id.
///
/// The worker cannot close one connection of its ROUTER. When it gives a link up it forgets it; when the reason was a
/// probe (``LossReason/reconnected``), it should give that probe to a new machine at once: the front door then hears a
/// second hello, and does not have to wait for the silence to end before it makes the next link.
public struct RouterLinkStateMachine: Sendable {
    private enum State {
        /// Nothing was heard yet. The probe leads to `greeting`.
        case unprobed
        /// Probed: the hello is due or sent; besides it only heartbeats. The list leads to `open`. Ends with a loss (the
        /// silence counts from the probe) or `closed`.
        case greeting(LinkPulse)
        /// The list has begun: everything may be sent. Ends with a loss or `closed`.
        case open(LinkPulse)
        /// Given up or closed. Nothing leads out of here.
        case dead
    }

    public enum ProbeAction: Equatable, Sendable {
        /// Stamp and send the hello.
        case sendHello
        case ignore
        /// The link is dead.
        case giveUp(LossReason)
    }

    public enum ReceiveAction: Equatable, Sendable {
        /// In order: for the kind's own handler. The first but heartbeats is the list.
        case deliver
        case discard(DiscardReason)
        /// The link is dead, and this message does not count.
        case giveUp(LossReason)
    }

    public typealias TimerAction = LinkTimerAction

    /// Whose link this is.
    public let peer: RoutingID
    private let worker: Incarnation
    private var counters = LinkCounters()
    private var state = State.unprobed

    public init(worker: Incarnation, peer: RoutingID) {
        self.worker = worker
        self.peer = peer
    }

    /// The list has begun and the link is not lost: everything may be stamped.
    public var isUp: Bool {
        switch state {
        case .open: true
        case .unprobed, .greeting, .dead: false
        }
    }

    /// The last sequence that the front door has taken, all before it included; still known when the link is dead.
    public var acknowledgedByPeer: UInt64 { counters.acknowledged }

    /// The number of the last message sent; 0: none yet.
    public var lastSent: UInt64 { counters.sent }

    /// Messages that were taken since anything was sent: the other side may be waiting to hear that they were
    /// (``BusLimits/acknowledgedMessages``).
    public var unsaid: UInt64 { counters.unsaid }

    /// An empty message came: the connection has come about.
    public mutating func probed(at now: NIODeadline) -> ProbeAction {
        switch state {
        case .unprobed:
            state = .greeting(LinkPulse(startingAt: now))
            return .sendHello
        case .greeting, .open:
            state = .dead
            return .giveUp(.reconnected)
        case .dead:
            return .ignore
        }
    }

    public mutating func received(_ envelope: Envelope, at now: NIODeadline) -> ReceiveAction {
        switch state {
        case .dead: return .discard(.linkDead)
        case .unprobed, .greeting, .open: break
        }
        guard envelope.source == peer.owner.incarnation, envelope.destination == worker else {
            return .discard(.otherIncarnation)
        }
        guard envelope.link == peer.link else { return .discard(.otherLink) }
        if let loss = counters.take(envelope) { return giveUp(loss) }
        guard envelope.kind != .hello else { return giveUp(.violation(.hello)) }

        switch state {
        case .unprobed:
            // Our incarnation is known from our hello, which was not sent yet.
            return giveUp(.violation(envelope.kind))
        case .greeting(var pulse):
            pulse.heard(at: now)
            switch envelope.kind {
            case .list: state = .open(pulse)
            case .heartbeat, .unrecognized: state = .greeting(pulse)
            case .hello, .request, .answer, .event, .resynced, .release, .gone, .invitation:
                return giveUp(.violation(envelope.kind))
            }
            return .deliver
        case .open(var pulse):
            pulse.heard(at: now)
            state = .open(pulse)
            return .deliver
        case .dead:
            return .discard(.linkDead)
        }
    }

    /// Gives the next message its header. The first must be the hello; until the list came only heartbeats may follow.
    ///
    /// A message that is stamped and then not sent would be a gap: see ``notSent(_:)``.
    public mutating func stamp(
        _ kind: MessageKind, connection: ConnectionID? = nil, request: RequestSequence? = nil, deadline: UInt32? = nil,
        isRepeat: Bool = false
    ) -> Envelope {
        precondition((kind == .hello) == (counters.sent == 0), "the hello comes first, and once")
        precondition(kind != .list, "only front doors send lists")
        switch state {
        case .greeting: precondition(kind == .hello || kind == .heartbeat, "the list has not come yet")
        case .open: break
        case .unprobed, .dead: preconditionFailure("the link is not up")
        }
        return Envelope(
            kind: kind, source: worker, destination: peer.owner.incarnation, link: peer.link,
            sequence: counters.next(), acknowledged: counters.taken, connection: connection, request: request,
            deadline: deadline, isRepeat: isRepeat)
    }

    /// The message stamped last could not be sent (``SendOutcome``): its number is free again. Two cases cannot be mended:
    /// after ``SendOutcome/unreachable`` the connection is gone, and without its hello the link is dead.
    public mutating func notSent(_ envelope: Envelope) {
        counters.takeBack(envelope.sequence)
        if envelope.kind == .hello { state = .dead }
    }

    public mutating func timerFired(at now: NIODeadline) -> TimerAction {
        switch state {
        case .unprobed, .dead:
            return .none
        case .greeting(var pulse):
            let action = pulse.timerFired(at: now)
            state = next(after: action, .greeting(pulse))
            return action
        case .open(var pulse):
            let action = pulse.timerFired(at: now)
            state = next(after: action, .open(pulse))
            return action
        }
    }

    /// The socket is closed, or the link no longer wanted.
    public mutating func closed() { state = .dead }

    private func next(after action: TimerAction, _ state: State) -> State {
        switch action {
        case .none, .sendHeartbeat: state
        case .giveUp: .dead
        }
    }

    private mutating func giveUp(_ reason: LossReason) -> ReceiveAction {
        state = .dead
        return .giveUp(reason)
    }
}
