import Foundation
import NIOCore

/// Connections that break come back elsewhere, spread over some time, as clients with a sense of decency do.
extension Crowd {
    func comeBack() {
        guard addresses.count > 1 else { return fail("come-back needs another --url to go to") }
        var began: NIODeadline?
        var missing = users.count
        func open(_ user: User) {
            user.open(addresses[1]) { [self] isReady in
                guard isReady else { return after(0.1) { open(user) } }
                missing -= 1
                guard missing == 0, let began else { return }
                measured["back_s"] = seconds(since: began)
                finish()
            }
        }
        for user in users {
            user.lost = { [self] in
                if began == nil { began = .now() }
                user.lost = {}
                after(Double.random(in: 0...command.jitter)) { open(user) }
            }
        }
        // Whoever reads this ends the front door.
        FileHandle.standardOutput.write(Data("ready\n".utf8))
    }
}
