/// What kinds of requests there are, for whoever counts them. Raw values count from 0.
public enum RequestKind: Int, CaseIterable, Sendable {
    case accountAdd, accountRemove, accountRegister, accountUnregister, accountDeviceToken
    case sessionCreate, sessionAnswer, sessionTrickle, sessionTerminate
    case videoroomJoin
    /// One that could not be read far enough to say which.
    case videoroomControl
    case configureRoom, feedAttach, feedAnswer, feedDetach, inviteParticipants, trickle, update
    case videoroomTerminate
    /// No request of the protocol.
    case unknown

    /// The name in texts and logs, as ``Request/name``.
    public var name: String {
        switch self {
        case .accountAdd: "account-add"
        case .accountRemove: "account-remove"
        case .accountRegister: "account-register"
        case .accountUnregister: "account-unregister"
        case .accountDeviceToken: "account-devicetoken"
        case .sessionCreate: "session-create"
        case .sessionAnswer: "session-answer"
        case .sessionTrickle: "session-trickle"
        case .sessionTerminate: "session-terminate"
        case .videoroomJoin: "videoroom-join"
        case .videoroomControl: "videoroom-ctl"
        case .configureRoom: "configure-room"
        case .feedAttach: "feed-attach"
        case .feedAnswer: "feed-answer"
        case .feedDetach: "feed-detach"
        case .inviteParticipants: "invite-participants"
        case .trickle: "trickle"
        case .update: "update"
        case .videoroomTerminate: "videoroom-terminate"
        case .unknown: "unknown"
        }
    }

    /// - Parameter type: as a client wrote it; whatever is none is ``unknown``.
    public init(type: String?) { self = Self.allCases.first { $0.name == type } ?? .unknown }
}

extension Request {
    public var kind: RequestKind {
        switch self {
        case .accountAdd: .accountAdd
        case .accountRemove: .accountRemove
        case .accountRegister: .accountRegister
        case .accountUnregister: .accountUnregister
        case .accountDeviceToken: .accountDeviceToken
        case .sessionCreate: .sessionCreate
        case .sessionAnswer: .sessionAnswer
        case .sessionTrickle: .sessionTrickle
        case .sessionTerminate: .sessionTerminate
        case .videoroomJoin: .videoroomJoin
        case .configureRoom: .configureRoom
        case .feedAttach: .feedAttach
        case .feedAnswer: .feedAnswer
        case .feedDetach: .feedDetach
        case .inviteParticipants: .inviteParticipants
        case .videoroomTrickle: .trickle
        case .videoroomUpdate: .update
        case .videoroomTerminate: .videoroomTerminate
        }
    }
}
