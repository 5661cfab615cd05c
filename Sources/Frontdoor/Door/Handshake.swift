import NIOHTTP1
import Sylkrtc

/// Whether a request to the WebSocket's path becomes a WebSocket (RFC 6455 §4.2; protocol page, section 1).
enum Handshake: Equatable {
    case accepted(Dialect)
    case refused(HTTPResponseStatus, headers: [String: String])

    static let path = "/webrtcgateway/ws"

    /// The checks in their order: HTTP and WebSocket headers, `Origin`, subprotocol, a worker that serves.
    static func of(_ head: HTTPRequestHead, origins: OriginRules, isServing: Bool) -> Handshake {
        let headers = head.headers
        let upgrades = headers[canonicalForm: "upgrade"].contains { $0.lowercased() == "websocket" }
        guard upgrades, head.method == .GET else {
            return .refused(.upgradeRequired, headers: ["Upgrade": "websocket", "Sec-WebSocket-Version": "13"])
        }
        let connection = headers[canonicalForm: "connection"].contains { $0.lowercased() == "upgrade" }
        let keys = headers["sec-websocket-key"]
        guard head.version == .http1_1, connection, keys.count == 1, isKey(keys[0]), headers["host"].count == 1 else {
            return .refused(.badRequest, headers: [:])
        }
        guard headers["sec-websocket-version"] == ["13"] else {
            return .refused(.upgradeRequired, headers: ["Upgrade": "websocket", "Sec-WebSocket-Version": "13"])
        }
        let origin = headers.first(name: "origin")
        guard origins.admits(origin) else {
            let shown = (origin ?? "").unicodeScalars.filter { (" "..."~").contains($0) }.prefix(100)
            let reason = "WebSocket connection denied: origin '\(String(String.UnicodeScalarView(shown)))' not allowed"
            return .refused(.custom(code: 400, reasonPhrase: reason), headers: [:])
        }
        guard let dialect = Dialect.negotiated(among: headers[canonicalForm: "sec-websocket-protocol"].map(String.init))
        else {
            return .refused(.custom(code: 406, reasonPhrase: "No compatible protocol specified"), headers: [:])
        }
        guard isServing else {
            return .refused(
                .custom(code: 503, reasonPhrase: "Backend is not connected"), headers: ["Retry-After": "1"])
        }
        return .accepted(dialect)
    }

    /// 16 bytes in base64 (RFC 6455 §4.1).
    private static func isKey(_ key: String) -> Bool {
        key.utf8.count == 24 && key.hasSuffix("==")
            && key.utf8.dropLast(2).allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "/"):
                    true
                default: false
                }
            }
    }
}
