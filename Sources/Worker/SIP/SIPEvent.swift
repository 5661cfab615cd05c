import Identity
import JSONText
import Sylkrtc

/// What the SIP plugin says on a handle (protocol page, section 5). The whole event is read before anything is done with it
/// (D31).
enum SIPEvent: Equatable {
    case registering
    /// - Parameters:
    ///   - isSent: a REGISTER was sent; without word of it, it was (D27). Otherwise the handle has only learnt who it is.
    ///   - master: by what other handles share this one's SIP stack.
    case registered(isSent: Bool, master: UInt64?, isHelper: Bool)
    /// Nothing tries again after that, not even after a refresh of Janus's own.
    case registrationFailed(code: Int, reason: String)
    case unregistered
    /// The INVITE is about to leave.
    case calling(callID: String)
    /// A provisional answer.
    case ringing
    case proceeding(code: Int)
    /// Early media: a provisional answer with a description, which comes along (D28).
    case progress(callID: String?)
    /// - Parameter namesPeer: a call without is one that Janus has forgotten to end.
    case accepted(callID: String?, namesPeer: Bool)
    case incomingCall(IncomingCall)
    /// A call comes in of which nobody can be told: who calls, or which call it is, cannot be read.
    case unreadableCall
    /// A call that Janus has turned away as busy.
    case missedCall(Caller)
    case hangup(SIPHangup)
    case declining
    case hangingUp
    /// Refused (D16).
    case failed(JanusError, callID: String?)
    /// A handle that was busy with nothing is free.
    case reset
    /// Known, and nothing to do.
    case confirmation
    case unknown(String)

    /// A call that comes in; the offer comes along, if there is one (D30).
    struct IncomingCall: Equatable {
        let caller: Caller
        let callID: String
        /// Whom the caller has asked for.
        let callee: String
    }

    init(_ data: JSONValue) {
        guard data["sip"]?.string == "event" else {
            self = .unknown("an event of an unknown kind")
            return
        }
        let callID = Self.callID(data["call_id"])
        if let code = data["error_code"]?.integer(Int.self) {
            self = .failed(
                .plugin(code: code, reason: data["error"]?.string?.excerpt ?? "unknown error"), callID: callID)
            return
        }
        guard let result = data["result"], let kind = result["event"]?.string else {
            self = .unknown("an event without result")
            return
        }
        self = Self.event(kind, result, callID: callID ?? Self.callID(result["call_id"]))
    }

    private static func event(_ kind: String, _ result: JSONValue, callID: String?) -> SIPEvent {
        switch kind {
        case "registering": return .registering
        case "registered":
            return .registered(
                isSent: isTrue(result["register_sent"]) ?? true, master: result["master_id"]?.integer(UInt64.self),
                isHelper: isTrue(result["helper"]) ?? false)
        case "registration_failed":
            let (code, reason) = cause(result)
            return .registrationFailed(code: code, reason: reason)
        case "unregistered": return .unregistered
        case "calling":
            guard let callID else { return .unknown("calling without call_id") }
            return .calling(callID: callID)
        case "ringing": return .ringing
        case "proceeding":
            guard let code = result["code"]?.integer(Int.self) else { return .unknown("proceeding without code") }
            return .proceeding(code: code)
        case "progress": return .progress(callID: callID)
        case "accepted": return .accepted(callID: callID, namesPeer: result["username"]?.string != nil)
        case "incomingcall":
            guard let caller = caller(result["username"], result), let callID else { return .unreadableCall }
            return .incomingCall(
                IncomingCall(caller: caller, callID: callID, callee: result["callee"]?.string?.withoutScheme ?? ""))
        case "missed_call":
            guard let caller = caller(result["caller"], result) else { return .unknown("missed_call without caller") }
            return .missedCall(caller)
        case "hangup":
            let (code, reason) = cause(result)
            return .hangup(
                SIPHangup(
                    code: code, reason: reason, callID: callID,
                    isAnsweredElsewhere: result["reason_header_protocol"]?.string?.lowercased() == "sip"
                        && number(result["reason_header_cause"]) == 200))
        case "declining": return .declining
        case "hangingup": return .hangingUp
        case "reset": return .reset
        case "ack", "unregistering", "accepting", "updatingcall", "updating", "updated", "holding", "resuming",
            "dtmfsent", "infosent", "messagesent", "messagedelivery", "info", "message", "transfer", "notify":
            return .confirmation
        default: return .unknown(kind.excerpt)
        }
    }

    /// An end is an end, whatever else it lacks.
    private static func cause(_ result: JSONValue) -> (Int, String) {
        let reason = result["reason"]?.string?.trimmed.excerpt ?? ""
        return (number(result["code"]) ?? 0, reason.isEmpty ? "Unknown" : reason)
    }

    /// Somebody's address without a scheme, cut to a length that any sane one has.
    static func uri(_ value: JSONValue?) -> String? {
        value?.string?.withoutScheme.prefix(bytes: AddressOfRecord.maximumLength).nonEmpty
    }

    private static func caller(_ uri: JSONValue?, _ result: JSONValue) -> Caller? {
        guard let uri = Self.uri(uri) else { return nil }
        return Caller(uri: uri, displayName: (result["displayname"]?.string ?? "").unquoted)
    }

    /// One that is longer than any sane one is none: it is kept, compared and recorded.
    private static func callID(_ value: JSONValue?) -> String? {
        guard let text = value?.string, !text.isEmpty, text.utf8.count <= 255 else { return nil }
        return text
    }

    private static func isTrue(_ value: JSONValue?) -> Bool? {
        value?.bool ?? value?.string.flatMap { $0 == "true" ? true : $0 == "false" ? false : nil }
    }

    private static func number(_ value: JSONValue?) -> Int? {
        value?.integer(Int.self) ?? value?.string.flatMap { Int($0) }
    }
}

/// How a call ended.
struct SIPHangup: Equatable {
    let code: Int
    let reason: String
    /// nil: it is not about a call that Janus has told of.
    let callID: String?
    /// Somebody else has taken the call (RFC 3326; D32).
    let isAnsweredElsewhere: Bool

    init(code: Int, reason: String, callID: String?, isAnsweredElsewhere: Bool = false) {
        self.code = code
        self.reason = reason
        self.callID = callID
        self.isAnsweredElsewhere = isAnsweredElsewhere
    }

    /// As a client is told.
    var text: String { "\(code) \(reason)" }
}

extension String {
    /// A SIP URI without `sip:` or `sips:`.
    var withoutScheme: String {
        for scheme in ["sips:", "sip:"] where prefix(scheme.count).lowercased() == scheme {
            return String(dropFirst(scheme.count))
        }
        return self
    }

    /// A display name as it is meant (RFC 3261 §25.1): without the quotes around it and the backslashes in it, at most 128
    /// bytes long.
    fileprivate var unquoted: String {
        var name = trimmed[...]
        guard name.count >= 2, name.first == "\"", name.last == "\"" else {
            return String(name.filter { $0 != "\"" }).prefix(bytes: MessageLimits.displayName)
        }
        name = name.dropFirst().dropLast()
        var result = ""
        var isEscaped = false
        for character in name {
            if !isEscaped, character == "\\" {
                isEscaped = true
                continue
            }
            isEscaped = false
            result.append(character)
        }
        return result.prefix(bytes: MessageLimits.displayName)
    }

    fileprivate var trimmed: String {
        var text = self[...]
        while text.first?.isWhitespace == true { text = text.dropFirst() }
        while text.last?.isWhitespace == true { text = text.dropLast() }
        return String(text)
    }

    fileprivate var nonEmpty: String? { isEmpty ? nil : self }

    /// As many whole characters as fit.
    fileprivate func prefix(bytes maximum: Int) -> String {
        guard utf8.count > maximum else { return self }
        var result = ""
        var length = 0
        for character in self {
            length += character.utf8.count
            guard length <= maximum else { break }
            result.append(character)
        }
        return result
    }
}
