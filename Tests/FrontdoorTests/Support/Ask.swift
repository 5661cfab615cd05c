import Identity
import JSONText
import Sylkrtc

/// A request as a client writes it, without its transaction.
struct Ask: Sendable, CustomStringConvertible {
    let type: String
    let members: String

    init(_ type: String, _ members: String) {
        self.type = type
        self.members = members
    }

    var description: String { "\(type) {\(members)}" }

    func text(_ transaction: String) -> String {
        #"{"sylkrtc":"\#(type)","transaction":"\#(transaction)"\#(members.isEmpty ? "" : ",")\#(members)}"#
    }

    // MARK: Accounts and calls

    static func addAccount(_ account: String = alice, displayName: String? = nil) -> Ask {
        let name = displayName.map { #","display_name":"\#($0)""# } ?? ""
        return Ask("account-add", #""account":"\#(account)","password":"ha1"\#(name)"#)
    }

    static func about(_ type: String, account: String = alice) -> Ask { Ask(type, #""account":"\#(account)""#) }

    static func removeAccount(_ account: String = alice) -> Ask { about("account-remove", account: account) }

    static func changeTokens(old: String?, new: String?, of account: String = alice) -> Ask {
        let tokens = [("old_token", old), ("new_token", new)].compactMap { name, token in
            token.map { #","\#(name)":"\#($0)""# }
        }
        return Ask("account-devicetoken", #""account":"\#(account)"\#(tokens.joined())"#)
    }

    static func call(_ session: String = "call", from account: String = alice) -> Ask {
        Ask("session-create", #""account":"\#(account)","session":"\#(session)","uri":"\#(bob)","sdp":"offer""#)
    }

    static func register(_ account: String = alice) -> Ask { about("account-register", account: account) }

    static func unregister(_ account: String = alice) -> Ask { about("account-unregister", account: account) }

    static func accept(_ session: String) -> Ask { Ask("session-answer", #""session":"\#(session)","sdp":"answer""#) }

    /// The end of candidates.
    static func candidates(_ session: String = "call") -> Ask { Ask("session-trickle", #""session":"\#(session)""#) }

    static func hangUp(_ session: String = "call") -> Ask { Ask("session-terminate", #""session":"\#(session)""#) }

    // MARK: Conferences

    static func join(_ session: String, as account: String = alice, room: String = room) -> Ask {
        Ask("videoroom-join", #""account":"\#(account)","session":"\#(session)","uri":"\#(room)","sdp":"offer""#)
    }

    static func terminate(_ session: String) -> Ask { Ask("videoroom-terminate", #""session":"\#(session)""#) }

    static func control(_ session: String, _ option: String, _ parameters: String) -> Ask {
        let name = option.split(separator: "-").joined(separator: "_")
        return Ask("videoroom-ctl", #""session":"\#(session)","option":"\#(option)","\#(name)":{\#(parameters)}"#)
    }

    static func attach(_ feed: String, to publisher: String, under session: String = "pub-a") -> Ask {
        control(session, "feed-attach", #""session":"\#(feed)","publisher":"\#(publisher)""#)
    }

    static func answer(_ feed: String, under session: String = "pub-a") -> Ask {
        control(session, "feed-answer", #""session":"\#(feed)","sdp":"answer""#)
    }

    static func detach(_ feed: String, under session: String = "pub-a") -> Ask {
        control(session, "feed-detach", #""session":"\#(feed)""#)
    }

    /// The end of candidates.
    static func trickle(_ session: String = "pub-a", feed: String? = nil) -> Ask {
        control(session, "trickle", feed.map { #""session":"\#($0)""# } ?? "")
    }

    static func update(_ session: String = "pub-a", _ parameters: String = #""video":false"#) -> Ask {
        control(session, "update", parameters)
    }

    static func configure(_ session: String = "pub-a", _ participants: String...) -> Ask {
        let ids = participants.map { #""\#($0)""# }.joined(separator: ",")
        return control(session, "configure-room", #""active_participants":[\#(ids)]"#)
    }

    static func invite(_ session: String = "pub-a", _ participants: String...) -> Ask {
        let names = (participants.isEmpty ? [bob] : participants).map { #""\#($0)""# }.joined(separator: ",")
        return control(session, "invite-participants", #""participants":[\#(names)]"#)
    }
}

extension WorkerRequest {
    /// What becomes of ``Ask/join(_:as:room:)``.
    static func joining(
        _ session: String, as account: String = alice, displayName: String? = nil, isVerified: Bool = false,
        room: String = room
    ) -> WorkerRequest {
        .join(
            Join(
                session: client(session), account: sent(account), displayName: displayName, isVerified: isVerified,
                room: sent(room), offer: sdp("offer")))
    }

    /// What becomes of ``Ask/register(_:)``.
    static func registering(_ account: String = alice, again registration: UInt64? = nil) -> WorkerRequest {
        .register(Register(identity: .of(account), registration: registration.map(request)))
    }

    static func unregistering(_ registration: UInt64) -> WorkerRequest {
        .unregister(registration: request(registration))
    }

    /// What becomes of ``Ask/call(_:from:)``.
    static func calling(_ session: String = "call", from account: String = alice) -> WorkerRequest {
        .call(Call(session: client(session), identity: .of(account), uri: bob, offer: sdp("offer")))
    }

    static func accepting(_ call: UInt64) -> WorkerRequest { .accept(call: request(call), answer: sdp("answer")) }

    static func trickling(_ session: UInt64) -> WorkerRequest { .trickle(session: request(session), candidates: []) }

    static func pausing(_ session: UInt64) -> WorkerRequest {
        .update(session: request(session), audio: nil, video: false, bitrate: nil)
    }

    static func attaching(_ feed: String, to publisher: String, under base: UInt64) -> WorkerRequest {
        .feedAttach(base: request(base), feed: client(feed), publisher: publisher)
    }
}

extension WorkerRequest.Identity {
    /// What ``Ask/addAccount(_:displayName:)`` says of an account.
    static func of(_ account: String) -> WorkerRequest.Identity {
        WorkerRequest.Identity(account: sent(account), displayName: nil, userAgent: nil, password: "ha1")
    }
}
