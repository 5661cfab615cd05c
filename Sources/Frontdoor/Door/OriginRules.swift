/// Which web pages may open a WebSocket (protocol page, section 1): entries of `web_origins`, in which `*` stands for any
/// run of characters.
struct OriginRules: Equatable, Sendable {
    private let entries: [String]

    init(_ entries: [String]) { self.entries = entries }

    /// - Parameter origin: the `Origin` header as sent; nil when there is none, which is no browser and is admitted.
    func admits(_ origin: String?) -> Bool {
        guard let origin else { return true }
        // Privacy-sensitive contexts and local files have no origin worth comparing (RFC 6454 §7.3).
        if origin == "null" || origin.hasPrefix("file:") { return entries == ["*"] }
        let candidates = [origin, Self.withPort(origin)]
        return entries.contains { entry in candidates.contains { Self.matches($0[...], entry[...]) } }
    }

    /// `scheme://host` with the scheme's own port filled in.
    private static func withPort(_ origin: String) -> String {
        for (scheme, port) in [("https://", 443), ("http://", 80)] where origin.hasPrefix(scheme) {
            // A colon inside the brackets of an IPv6 address is no port.
            let hasPort = origin.dropFirst(scheme.count).split(separator: "]").last?.contains(":") ?? false
            return hasPort && !origin.hasSuffix("]") ? origin : "\(origin):\(port)"
        }
        return origin
    }

    private static func matches(_ text: Substring, _ pattern: Substring) -> Bool {
        guard let star = pattern.firstIndex(of: "*") else { return text == pattern }
        let head = pattern[..<star]
        guard text.hasPrefix(head) else { return false }
        var rest = text.dropFirst(head.count)
        let tail = pattern[pattern.index(after: star)...]
        guard !tail.isEmpty else { return true }
        while true {
            if matches(rest, tail) { return true }
            guard !rest.isEmpty else { return false }
            rest = rest.dropFirst()
        }
    }
}
