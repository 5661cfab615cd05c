import NIOCore

/// The users of one run: opened, prepared, and driven through the scenario. Confined to the loop.
final class Crowd {
    let command: LoadCommand
    let addresses: [Address]
    let options: LoadOptions
    let processes: [String: Int]
    let loop: any EventLoop
    private let done: (String?) -> Void
    private(set) var users: [User] = []
    var measured = Measured()

    /// - Parameter done: called with what went wrong, or nil.
    init(
        _ command: LoadCommand, _ addresses: [Address], _ options: LoadOptions, _ processes: [String: Int],
        on loop: any EventLoop, done: @escaping (String?) -> Void
    ) {
        self.command = command
        self.addresses = addresses
        self.options = options
        self.processes = processes
        self.loop = loop
        self.done = done
    }

    func start() {
        let kind: User.Type =
            switch command.server {
            case .gateway: GatewayUser.self
            case .floor: FloorUser.self
            case .janus: JanusUser.self
            }
        users = (0..<command.connections).map { kind.init($0, options, on: loop) }
        let usage = Usage(processes)
        let began = NIODeadline.now()
        each(atOnce: command.opening) { [self] user, done in
            user.open(addresses[0], then: done)
        } then: { [self] in
            let took = seconds(since: began)
            measured["opened_per_s"] = Double(users.count) / took
            if command.scenario == .idle { return after(2) { self.idle(usage) } }
            prepare()
        }
    }

    private func idle(_ usage: Usage) {
        usage.spent(on: users.count, into: &measured)
        finish()
    }

    private func prepare() {
        switch command.scenario {
        case .idle: break
        case .comeBack: comeBack()
        case .account:
            repeatedly { user, outcome in user.cycleAccount(outcome) }
        case .trickle:
            each(atOnce: 16) { user, done in
                user.addAccount(done)
            } then: { [self] in
                each(atOnce: 4) { [self] user, done in
                    user.join(user.index % command.rooms) { done((try? $0.get()) != nil) }
                } then: { [self] in
                    repeatedly { user, outcome in user.trickle(outcome) }
                }
            }
        case .join:
            each(atOnce: 16) { user, done in
                user.addAccount(done)
            } then: { [self] in
                joinRound(0, JoinRounds())
            }
        case .invite:
            each(atOnce: 16) { user, done in
                user.addAccount(done)
            } then: { [self] in
                invite()
            }
        }
    }

    // MARK: Helpers

    func seconds(since began: NIODeadline) -> Double { Double((NIODeadline.now() - began).nanoseconds) / 1e9 }

    func after(_ seconds: Double, _ action: @escaping () -> Void) {
        loop.assumeIsolated().scheduleTask(in: .nanoseconds(Int64(seconds * 1e9)), action)
    }

    /// Does something with every user, so many at once. A failure ends the run.
    func each(
        atOnce limit: Int, _ body: @escaping (User, @escaping (Bool) -> Void) -> Void, then: @escaping () -> Void
    ) {
        var next = 0
        var finished = 0
        func begin() {
            guard next < users.count else { return }
            let user = users[next]
            next += 1
            body(user) { [self] isFine in
                guard isFine else { return done("user \(user.index) got no further in \(command.scenario)") }
                finished += 1
                if finished == users.count { return then() }
                // Not from inside: hundreds may be done at once.
                loop.assumeIsolated().execute { begin() }
            }
        }
        for _ in 0..<max(1, limit) { begin() }
    }

    func fail(_ problem: String) { done(problem) }

    func finish() {
        measured.print()
        done(nil)
    }
}
