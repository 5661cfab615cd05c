import NIOCore

/// One participant invites others, who are spread over all connections: how long until the last one knows.
extension Crowd {
    func invite() {
        let hosts = users.compactMap { $0 as? GatewayUser }
        guard let host = hosts.first, hosts.count > command.invited else { return fail("too few connections") }
        let step = (hosts.count - 1) / command.invited
        let guests = (0..<command.invited).map { hosts[1 + $0 * step] }
        host.join(0) { [self] result in
            guard case .success = result else { return fail("the host cannot join") }
            var (latencies, missing, began) = ([Int64](), 0, NIODeadline.now())
            let from = began + .nanoseconds(Int64(command.warmUp * 1e9))
            let until = from + .nanoseconds(Int64(command.seconds * 1e9))
            var usage: Usage?
            func round() {
                began = .now()
                if usage == nil, began >= from { usage = Usage(processes) }
                guard began < until else {
                    usage?.spent(on: latencies.count, into: &measured)
                    measured.latencies(latencies)
                    return finish()
                }
                missing = guests.count + 1
                host.invite(guests.map(\.account)) { [self] result in
                    if case .failure(let failure) = result { return fail("invite: \(failure)") }
                    arrived()
                }
            }
            func arrived() {
                missing -= 1
                guard missing == 0 else { return }
                if began >= from { latencies.append((NIODeadline.now() - began).nanoseconds) }
                loop.assumeIsolated().execute { round() }
            }
            for guest in guests {
                guest.event = { message in if message.member("event") == "conference_invite" { arrived() } }
            }
            round()
        }
    }
}
