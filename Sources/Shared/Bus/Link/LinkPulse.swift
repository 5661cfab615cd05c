import NIOCore

/// When a link was last heard, and when it last had to send a heartbeat.
struct LinkPulse: Equatable, Sendable {
    private var heardAt: NIODeadline
    private var heartbeatAt: NIODeadline

    init(startingAt now: NIODeadline) {
        heardAt = now
        heartbeatAt = now
    }

    mutating func heard(at now: NIODeadline) { heardAt = now }

    mutating func timerFired(at now: NIODeadline) -> LinkTimerAction {
        if now - heardAt >= LinkTiming.silence { return .giveUp(.silent) }
        if now - heartbeatAt >= LinkTiming.heartbeat {
            heartbeatAt = now
            return .sendHeartbeat
        }
        return .none
    }
}
