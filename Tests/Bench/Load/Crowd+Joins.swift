import NIOCore

/// Everybody joins at the same time.
extension Crowd {
    struct JoinRounds {
        var latencies: [Int64] = []
        var seconds = 0.0
        var lastEvents: [Double] = []
        var eventBytes = 0
    }

    /// What follows an answered join belongs to it: others are told, rates are set.
    private static let aftermath = 1.0
    private static let pause = 1.5

    func joinRound(_ round: Int, _ sums: JoinRounds) {
        guard round <= command.rounds else {
            measured["joins_per_s"] = Double(sums.latencies.count) / sums.seconds
            measured.latencies(sums.latencies)
            measured["last_event_ms"] = sums.lastEvents.sorted()[sums.lastEvents.count / 2]
            measured["event_bytes"] = sums.eventBytes / command.rounds
            return finish()
        }
        var sums = sums
        let before = users.reduce(0) { $0 + $1.eventBytes }
        let usage = Usage(processes)
        let began = NIODeadline.now()
        var latencies: [Int64] = []
        each(atOnce: users.count) { [self] user, done in
            user.join(round * command.rooms + user.index % command.rooms) { result in
                latencies.append((NIODeadline.now() - began).nanoseconds)
                done((try? result.get()) != nil)
            }
        } then: { [self] in
            let took = seconds(since: began)
            after(Self.aftermath) { [self] in
                // The first round only warms up.
                if round > 0 {
                    sums.latencies += latencies
                    sums.seconds += took
                    let last = users.map(\.lastEvent).max() ?? began
                    sums.lastEvents.append(Double((last - began).nanoseconds) / 1e6)
                    sums.eventBytes += users.reduce(0) { $0 + $1.eventBytes } - before
                    usage.spent(on: latencies.count, into: &measured)
                }
                let sums = sums
                each(atOnce: users.count) { user, done in
                    user.leave { _ in done(true) }
                } then: { [self] in
                    after(Self.pause) { self.joinRound(round + 1, sums) }
                }
            }
        }
    }
}
