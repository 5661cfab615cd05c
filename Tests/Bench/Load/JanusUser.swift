import NIOCore

/// A user of Janus itself: what the gateway asks of it for one participant, without the gateway.
final class JanusUser: User {
    private var session = ""
    private var handle = ""

    private var secret: String { options.secret.map { ",\"apisecret\":\"\($0)\"" } ?? "" }

    private func toHandle(_ kind: String) -> String {
        "\"janus\":\"\(kind)\",\"session_id\":\(session),\"handle_id\":\(handle)\(secret)"
    }

    override func greeted(then: @escaping (Bool) -> Void) {
        request("\"janus\":\"create\"\(secret)") { [self] result in
            guard case .success(let message) = result, let id = message.member("id") else { return then(false) }
            session = id
            then(true)
        }
    }

    override func join(_ room: Int, _ outcome: @escaping Outcome) {
        let attaching = """
            "janus":"attach","plugin":"janus.plugin.videoroom","session_id":\(session)\(secret)
            """
        request(attaching) { [self] result in
            guard case .success(let message) = result, let id = message.member("id") else { return outcome(result) }
            handle = id
            create(options.runNumber << 16 + room + 1, outcome)
        }
    }

    /// Only the first of a room succeeds.
    private func create(_ room: Int, _ outcome: @escaping Outcome) {
        let body = """
            {"request":"create","room":\(room),"publishers":\(options.publishers),"videocodec":"vp8,vp9,h264",\
            "bitrate":2016000,"record":false}
            """
        request("\(toHandle("message")),\"body\":\(body)") { [self] result in
            switch result {
            case .failure(.refused("plugin error 427")), .success: enter(room, outcome)
            case .failure: outcome(result)
            }
        }
    }

    private func enter(_ room: Int, _ outcome: @escaping Outcome) {
        let body = """
            {"request":"joinandconfigure","ptype":"publisher","room":\(room),"display":"Load Test",\
            "audio":true,"video":true}
            """
        let members = """
            \(toHandle("message")),"body":\(body),"jsep":{"type":"offer","sdp":\(options.offer)}
            """
        request(members) { [self] result in
            guard case .success(let message) = result, message.member("janus") == "ack",
                let transaction = message.transaction
            else { return outcome(result) }
            keepWaiting(transaction, outcome)
        }
    }

    override func trickle(_ outcome: @escaping Outcome) {
        request("\(toHandle("trickle")),\"candidate\":\(options.candidate)", outcome)
    }

    override func leave(_ outcome: @escaping Outcome) { request(toHandle("detach"), outcome) }
}
