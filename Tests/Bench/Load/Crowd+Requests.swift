import NIOCore

/// Requests for some time, each connection's next one as soon as one is answered.
extension Crowd {
    private final class Counter {
        var isMeasuring = false
        var isOver = false
        var latencies: [Int64] = []
        var refused = 0
        var refusal: String?
    }

    func repeatedly(_ step: @escaping (User, @escaping User.Outcome) -> Void) {
        let counter = Counter()
        counter.latencies.reserveCapacity(1 << 20)
        func run(_ user: User) {
            guard !counter.isOver else { return }
            let began = NIODeadline.now()
            step(user) { [self] result in
                switch result {
                case .success(let message):
                    if counter.isMeasuring { counter.latencies.append((message.at - began).nanoseconds) }
                    run(user)
                case .failure(let failure):
                    counter.refused += 1
                    counter.refusal = counter.refusal ?? "\(failure)"
                    // Lest a server that refuses everything keeps the loop for ever.
                    after(0.001) { run(user) }
                }
            }
        }
        for user in users { for _ in 0..<command.inFlight { run(user) } }
        after(command.warmUp) { [self] in
            counter.isMeasuring = true
            let usage = Usage(processes)
            let began = NIODeadline.now()
            after(command.seconds) { [self] in
                counter.isMeasuring = false
                let took = seconds(since: began)
                measured["requests_per_s"] = Double(counter.latencies.count) / took
                measured["refused"] = counter.refused
                measured["refusal"] = counter.refusal
                usage.spent(on: counter.latencies.count, into: &measured)
                measured.latencies(counter.latencies)
                counter.isOver = true
                after(0.2) { [self] in
                    each(atOnce: 16) { [self] user, done in
                        guard command.scenario == .trickle else { return done(true) }
                        user.leave { _ in done(true) }
                    } then: { [self] in
                        finish()
                    }
                }
            }
        }
    }
}
