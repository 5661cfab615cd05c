import NIOCore

/// A user of the gateway, or of what stands in for it: sylkRTC-1.
class GatewayUser: User {
    private(set) var account = ""
    private var session = ""
    private var sessions = 0
    private var trickling = ""
    private var hasCycled = false
    private var cycled = ""
    private var cycles = 0

    override func greeted(then: @escaping (Bool) -> Void) {
        event = { [self] message in
            guard message.member("event") == "ready" else { return }
            event = { _ in }
            then(true)
        }
    }

    override func addAccount(_ then: @escaping (Bool) -> Void) {
        account = "u\(index)-\(options.run)@example.com"
        request(Self.adding(account)) { then((try? $0.get()) != nil) }
    }

    override func cycleAccount(_ outcome: @escaping Outcome) {
        hasCycled.toggle()
        if hasCycled {
            cycles += 1
            cycled = "c\(cycles)-\(index)@example.com"
            request(Self.adding(cycled), outcome)
        } else {
            request("\"sylkrtc\":\"account-remove\",\"account\":\"\(cycled)\"", outcome)
        }
    }

    private static func adding(_ account: String) -> String {
        """
        "sylkrtc":"account-add","account":"\(account)","password":"0123456789abcdef0123456789abcdef",\
        "display_name":"Load Test","user_agent":"Bench"
        """
    }

    override func join(_ room: Int, _ outcome: @escaping Outcome) {
        sessions += 1
        session = "s\(options.run)-\(index)-\(sessions)"
        trickling = """
            "sylkrtc":"videoroom-ctl","session":"\(session)","option":"trickle",\
            "trickle":{"candidates":[\(options.candidate)]}
            """
        event = { [self] message in
            guard message.member("session") == session, message.member("event") == "state",
                let state = message.member("state"), state == "accepted" || state == "terminated"
            else { return }
            event = { _ in }
            outcome(state == "accepted" ? .success(message) : .failure(.refused("terminated")))
        }
        let members = """
            "sylkrtc":"videoroom-join","session":"\(session)","account":"\(account)",\
            "uri":"room\(room)-\(options.run)@conference.example.com","sdp":\(options.offer)
            """
        request(members) { [self] result in
            guard case .failure = result else { return }
            event = { _ in }
            outcome(result)
        }
    }

    override func trickle(_ outcome: @escaping Outcome) { request(trickling, outcome) }

    override func leave(_ outcome: @escaping Outcome) {
        request("\"sylkrtc\":\"videoroom-terminate\",\"session\":\"\(session)\"", outcome)
    }

    func invite(_ accounts: [String], _ outcome: @escaping Outcome) {
        let list = accounts.map { "\"\($0)\"" }.joined(separator: ",")
        let members = """
            "sylkrtc":"videoroom-ctl","session":"\(session)","option":"invite-participants",\
            "invite_participants":{"participants":[\(list)]}
            """
        request(members, outcome)
    }
}

/// A user of a floor, which says nothing of itself and sends everything back.
final class FloorUser: GatewayUser {
    private var trickled: String {
        """
        "sylkrtc":"videoroom-ctl","session":"s\(options.run)-\(index)-1","option":"trickle",\
        "trickle":{"candidates":[\(options.candidate)]}
        """
    }

    override func greeted(then: @escaping (Bool) -> Void) { then(true) }
    override func addAccount(_ then: @escaping (Bool) -> Void) { then(true) }
    override func join(_ room: Int, _ outcome: @escaping Outcome) { request("\"sylkrtc\":\"join\"", outcome) }
    override func trickle(_ outcome: @escaping Outcome) { request(trickled, outcome) }
    override func leave(_ outcome: @escaping Outcome) { request("\"sylkrtc\":\"leave\"", outcome) }
}
