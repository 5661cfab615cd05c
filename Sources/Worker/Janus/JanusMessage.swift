import Identity
import JSONText

/// A message from Janus, sorted by what it is (protocol page, section 5). Janus gives some events the transaction of the
/// request that caused them, so the type decides and not the transaction.
enum JanusMessage: Sendable {
    case reply(transaction: String, Result<JanusReply, JanusError>)
    case event(JanusEvent)
    /// `timeout`: Janus dropped the session.
    case sessionTimedOut(JanusSessionID)
    /// An error nobody can be told of: Janus could not even read the request. Only its deadline ends that.
    case unattributed(JanusError)

    /// - Throws: ``JanusError/malformed(_:)``
    static func decode(_ text: [UInt8]) throws(JanusError) -> JanusMessage {
        let root: JSONValue
        do throws(JSONError) {
            root = try JSONDocument(text, maximumDepth: 64).root
        } catch {
            throw .malformed("\(error)")
        }
        guard let type = root["janus"]?.string else { throw .malformed("no janus member") }
        let transaction = root["transaction"]?.string
        switch type {
        case "ack":
            guard let transaction else { throw .malformed("ack without transaction") }
            return .reply(transaction: transaction, .success(.accepted))
        case "success", "server_info", "pong":
            guard let transaction else { throw .malformed("\(type.excerpt) without transaction") }
            if let error = pluginError(in: root) { return .reply(transaction: transaction, .failure(error)) }
            return .reply(transaction: transaction, .success(.done(root)))
        case "error":
            let error = JanusError.core(
                code: root["error"]?["code"]?.integer() ?? 0,
                reason: root["error"]?["reason"]?.string?.excerpt ?? "unknown error")
            guard let transaction else { return .unattributed(error) }
            return .reply(transaction: transaction, .failure(error))
        case "timeout":
            guard let session = root["session_id"]?.integer(UInt64.self) else {
                throw .malformed("timeout without session_id")
            }
            return .sessionTimedOut(JanusSessionID(rawValue: session))
        default:
            guard let sender = root["sender"]?.integer(UInt64.self) else {
                throw .malformed("\(type.excerpt) without sender")
            }
            return .event(
                JanusEvent(sender: JanusHandleID(rawValue: sender), transaction: transaction, type: type, root: root))
        }
    }

    /// A plugin's refusal inside a `success` (D15).
    private static func pluginError(in root: JSONValue) -> JanusError? {
        guard let data = root["plugindata"]?["data"], let code = data["error_code"]?.integer(Int.self) else {
            return nil
        }
        return .plugin(code: code, reason: data["error"]?.string?.excerpt ?? "unknown error")
    }
}

/// How a request went that was not refused.
enum JanusReply: Sendable {
    /// `ack`: Janus has taken it; the outcome of an asynchronous plugin request follows as an event.
    case accepted
    /// `success`: done, with the whole reply.
    case done(JSONValue)

    /// The plugin's own data of a synchronous request.
    var pluginData: JSONValue? {
        switch self {
        case .accepted: nil
        case .done(let root): root["plugindata"]?["data"]
        }
    }

    /// `data.id`: of a session or a handle.
    var identifier: UInt64? {
        switch self {
        case .accepted: nil
        case .done(let root): root["data"]?["id"]?.integer()
        }
    }
}

/// Something that happened on a handle.
struct JanusEvent: Sendable {
    enum Kind: Equatable, Sendable {
        case plugin
        case webrtcUp
        case hangup(reason: String)
        case detached
        /// `uplink` as Janus sees it: true, the client's download is poor.
        case slowLink(uplink: Bool)
        case media
        case other(String)
    }

    let sender: JanusHandleID
    /// Of the request that caused it, when Janus says so.
    let transaction: String?
    let kind: Kind
    private let root: JSONValue

    init(sender: JanusHandleID, transaction: String?, type: String, root: JSONValue) {
        self.sender = sender
        self.transaction = transaction
        self.root = root
        kind =
            switch type {
            case "event": .plugin
            case "webrtcup": .webrtcUp
            case "hangup": .hangup(reason: root["reason"]?.string?.excerpt ?? "reason unspecified")
            case "detached": .detached
            case "slowlink": root["uplink"]?.bool.map { .slowLink(uplink: $0) } ?? .other("slowlink without uplink")
            case "media": .media
            default: .other(type.excerpt)
            }
    }

    var plugin: String? { root["plugindata"]?["plugin"]?.string }
    var data: JSONValue? { root["plugindata"]?["data"] }

    /// The session description that came along, when it is of this type (`offer`, `answer`).
    func description(of type: String) -> RawJSON? {
        guard let jsep = root["jsep"], jsep["type"]?.string == type, let sdp = jsep["sdp"], sdp.isString else {
            return nil
        }
        return sdp.raw
    }
}
