import NIOCore

/// A WebSocket to Janus: to its API or to its admin API. Confined to the loop it was opened on.
protocol JanusSocket: AnyObject {
    func send(_ text: [UInt8])
    func close()
}

/// What a socket reports, in this order: at most one `opened`, any number of `received`, exactly one `closed`.
struct JanusSocketEvents {
    let opened: (any JanusSocket) -> Void
    let received: ([UInt8]) -> Void
    /// After all that was there; for how long is nothing read now?
    let readCompleted: () -> TimeAmount?
    let closed: (JanusLoss) -> Void
}

/// Why a socket is closed, or was never open.
struct JanusLoss: ExpressibleByStringInterpolation {
    let reason: String
    /// Nobody listens there: the process that did is dead, and with it all it knew.
    let isRefusal: Bool

    init(_ reason: String, isRefusal: Bool) {
        self.reason = reason
        self.isRefusal = isRefusal
    }

    init(stringLiteral reason: String) { self.init(reason, isRefusal: false) }
}

/// Opens sockets: the real one speaks RFC 6455, tests script one.
protocol JanusConnector {
    func connect(to address: JanusAddress, subprotocol: String, on loop: any EventLoop, events: JanusSocketEvents)
}

/// Where Janus listens: `ws://host:port/path`.
struct JanusAddress: Equatable, Sendable, CustomStringConvertible {
    let host: String
    let port: Int
    let path: String

    init?(_ text: String) {
        guard text.hasPrefix("ws://") else { return nil }
        let rest = text.dropFirst(5)
        let authority = rest.prefix { $0 != "/" }
        // Janus knows no users: whoever writes one has meant something else, and it is not to be repeated in logs.
        guard !authority.contains("@") else { return nil }
        let name: Substring
        path = rest.count > authority.count ? String(rest.dropFirst(authority.count)) : "/"
        if let colon = authority.lastIndex(of: ":"), !authority.hasSuffix("]") {
            guard let port = Int(authority[authority.index(after: colon)...]), (1...65535).contains(port) else {
                return nil
            }
            self.port = port
            name = authority[..<colon]
        } else {
            port = 80
            name = authority
        }
        // An IPv6 address has brackets in a URI (RFC 3986 §3.2.2) and none anywhere else.
        host = String(name.first == "[" && name.last == "]" ? name.dropFirst().dropLast() : name)
        guard !host.isEmpty else { return nil }
    }

    var description: String { "ws://\(host.contains(":") ? "[\(host)]" : host):\(port)\(path)" }
}
