import JSONText
import Sylkrtc

/// What Janus knows of a handle of the SIP plugin.
struct SIPHandleInfo: Equatable {
    enum Registration: String, Equatable {
        case unregistered, registering, registered
        /// It knows who it is and has not been registered: a handle of its own, or a helper.
        case disabled
    }

    enum Call: String, Equatable {
        case idle
        /// An outgoing call has had no final answer.
        case inviting
        /// One comes in.
        case invited
        /// Answered, or early media (nothing tells which).
        case incall
        case closing
    }

    /// nil: a state we do not know.
    let registration: Registration?
    let call: Call?
    /// The user part of who it is; none after a failed registration.
    let username: String?
    /// Who is at the other end, without a scheme. It stays after an end from there, and is gone after ours; a call
    /// without one is one that Janus has forgotten to end.
    let peer: String?
    /// The media is up.
    let isEstablished: Bool
    /// A call is being set up. With an idle one: the handle is busy with nothing.
    let isEstablishing: Bool
    let isHelper: Bool
    /// The other end's description, in terms of Janus: our client's.
    let remote: SessionDescription?

    /// - Returns: nil when the handle is another plugin's.
    init?(_ info: JSONValue) {
        guard let plugin = info["plugin_specific"], let status = plugin["registration_status"]?.string else {
            return nil
        }
        registration = Registration(rawValue: status)
        call = (plugin["call_status"]?.string).flatMap(Call.init)
        username = plugin["username"]?.string?.excerpt
        peer = SIPEvent.uri(plugin["callee"])
        isEstablished = Self.isTrue(plugin["established"])
        isEstablishing = Self.isTrue(plugin["establishing"])
        isHelper = Self.isTrue(plugin["helper"])
        remote = info["sdps"]?["remote"].flatMap { $0.isString ? SessionDescription($0.raw) : nil }
    }

    /// Flags are numbers in some places and truth values in others.
    private static func isTrue(_ value: JSONValue?) -> Bool { value?.bool ?? (value?.integer(Int.self) == 1) }
}
