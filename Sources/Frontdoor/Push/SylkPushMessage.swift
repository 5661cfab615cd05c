import Identity
import JSONText
import NIOHTTP1

/// What a sylk-push server is asked, and what it answers (protocol page, section 8.3).
enum SylkPushMessage {
    /// The body for one device. Tokens of sylkRTC-1 name no device, so the device's id is derived from its token: it is
    /// as stable, and tells nothing of it.
    static func body(_ push: Push, _ settings: PushSettings) -> [UInt8] {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("event", push.message.event.rawValue)
            writer.member("platform", settings.platform)
            writer.member("app-id", settings.appID ?? "")
            writer.member("token", push.token)
            writer.member("device-id", String(TextDigest(of: push.token).hexadecimal.prefix(32)))
            writer.member("silent", 0)
            writer.member("call-id", push.message.callID)
            writer.member("from", push.message.originator)
            writer.null("from-display-name")
            writer.member("to", push.message.destination.description)
            writer.member("media-type", "audio")
        }
        return writer.bytes
    }

    /// - Parameters:
    ///   - status: of HTTP. A `code` in the body says it again, and better when somebody stands between us and the server.
    ///   - token: the one that was sent; it is taken out of what the server says.
    static func outcome(_ status: Int, _ body: [UInt8], token: String) -> PushOutcome {
        let answer = (try? JSONDocument(body))?.root
        let data = answer?["data"]
        let code = answer?["code"]?.integer(Int.self) ?? status
        let words = data?["reason"]?.string ?? data?.string ?? answer?["description"]?.string
        let reason = (words ?? "").replacing(token, with: "[redacted]").excerpt
        switch code {
        case 200, 202: return .delivered
        case 400, 403, 404: return .rejected(code: code, reason: reason)
        case 410: return .deadToken(data?["token"]?.string ?? token)
        // Somebody stands before a server that is not there.
        case 502, 503: return .unreachable(reason: "status \(code)")
        default: return .failed(code: code, reason: reason)
        }
    }
}
