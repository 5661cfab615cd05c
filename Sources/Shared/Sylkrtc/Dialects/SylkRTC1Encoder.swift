import Identity
import JSONText

/// sylkRTC-1, gateway to client (protocol page, sections 2 and 4).
enum SylkRTC1Encoder {
    static func encode(_ message: ServerMessage) -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            switch message {
            case .ready:
                json.member("sylkrtc", "event")
                json.member("event", "ready")
            case .ack(let transaction):
                json.member("sylkrtc", "ack")
                json.member("transaction", transaction)
            case .error(let transaction, let text):
                json.member("sylkrtc", "error")
                json.member("transaction", transaction)
                json.member("error", text)
            case .conferenceInvite(let account, let originator, let room):
                json.member("sylkrtc", "account_event")
                json.member("account", account)
                json.member("event", "conference_invite")
                json.object("data") { json in
                    json.object("originator") { json in
                        json.member("uri", originator.account.description)
                        if let name = originator.displayName {
                            json.member("display_name", name)
                        } else {
                            json.null("display_name")
                        }
                    }
                    json.member("room", room.description)
                }
            case .registrationState(let account, let state):
                accountEvent("registration_state", account, &json) { json in registration(state, &json) }
            case .incomingSession(let account, let session, let caller, let offer):
                accountEvent("incoming_session", account, session: session, &json) { json in
                    originator(caller, &json)
                    json.member("sdp", offer.text)
                }
            case .missedSession(let account, let caller):
                accountEvent("missed_session", account, &json) { json in originator(caller, &json) }
            case .session(let session, let state):
                json.member("sylkrtc", "session_event")
                json.member("session", session.description)
                json.member("event", "state")
                json.object("data") { json in call(state, &json) }
            case .videoroom(let session, let event):
                json.member("sylkrtc", "videoroom_event")
                json.member("session", session.description)
                videoroom(event, &json)
            }
        }
        return json.bytes
    }

    private static func accountEvent(
        _ event: String, _ account: String, session: ClientSessionID? = nil, _ json: inout JSONWriter,
        data: (inout JSONWriter) -> Void
    ) {
        json.member("sylkrtc", "account_event")
        json.member("account", account)
        if let session { json.member("session", session.description) }
        json.member("event", event)
        json.object("data") { json in data(&json) }
    }

    private static func registration(_ state: RegistrationState, _ json: inout JSONWriter) {
        switch state {
        case .registering: json.member("state", "registering")
        case .registered: json.member("state", "registered")
        case .failed(let reason):
            json.member("state", "failed")
            json.member("reason", reason)
        }
    }

    private static func originator(_ caller: Caller, _ json: inout JSONWriter) {
        json.object("originator") { json in
            json.member("uri", caller.uri)
            json.member("display_name", caller.displayName)
        }
    }

    private static func call(_ state: CallState, _ json: inout JSONWriter) {
        switch state {
        case .progress: json.member("state", "progress")
        case .accepted(let answer):
            json.member("state", "accepted")
            if let answer { json.member("sdp", answer.text) }
        case .established: json.member("state", "established")
        case .terminated(let reason, _):
            json.member("state", "terminated")
            json.member("reason", reason)
        }
    }

    private static func videoroom(_ event: VideoroomEvent, _ json: inout JSONWriter) {
        switch event {
        case .state(let state):
            json.member("event", "state")
            json.object("data") { json in
                switch state {
                case .progress: json.member("state", "progress")
                case .accepted(let answer):
                    json.member("state", "accepted")
                    json.member("sdp", answer.text)
                case .established: json.member("state", "established")
                case .terminated(let reason):
                    json.member("state", "terminated")
                    if let reason { json.member("reason", reason) }
                }
            }
        case .initialPublishers(let publishers):
            json.member("event", "initial_publishers")
            list(publishers, &json)
        case .publishersJoined(let publishers):
            json.member("event", "publishers_joined")
            list(publishers, &json)
        case .publishersLeft(let sessions):
            json.member("event", "publishers_left")
            json.object("data") { json in
                json.array("publishers") { json in
                    for session in sessions { json.value(session.description) }
                }
            }
        case .feedAttached(let subscription, let offer):
            json.member("event", "feed_attached")
            json.object("data") { json in
                json.member("sdp", offer.text)
                json.member("subscription", subscription.description)
            }
        case .feedEstablished(let subscription):
            json.member("event", "feed_established")
            json.object("data") { json in
                json.member("state", "established")
                json.member("subscription", subscription.description)
            }
        case .configureRoom(let originator, let activeParticipants):
            // The only one without `data`, and with a dash.
            json.member("event", "configure-room")
            json.member("originator", originator?.description ?? ClientSessionID.reserved)
            json.array("active_participants") { json in
                for session in activeParticipants { json.value(session.description) }
            }
        }
    }

    private static func list(_ publishers: [Publisher], _ json: inout JSONWriter) {
        json.object("data") { json in
            json.array("publishers") { json in
                for publisher in publishers {
                    json.object { json in
                        json.member("id", publisher.session.description)
                        json.member("uri", publisher.account.description)
                        json.member("display_name", publisher.displayName)
                    }
                }
            }
        }
    }
}
