/// Which web pages may open a WebSocket (protocol page, section 1): entries of `web_origins`, in which `*` stands for any
/// run of characters.
struct OriginRules: Equatable, Sendable, CustomStringConvertible {
    /// A host name has at most 253 bytes (RFC 1035 §2.3.4); nothing longer is an origin.
    static let maximumLength = 512

    private let entries: [String]

    init(_ entries: [String]) { self.entries = entries }

    var description: String { entries.joined(separator: ", ") }

    /// - Parameter origin: the `Origin` header as sent; nil when there is none, which is no browser and is admitted.
    func admits(_ origin: String?) -> Bool {
        guard let origin else { return true }
        guard origin.utf8.count <= Self.maximumLength else { return false }
        // Privacy-sensitive contexts and local files have no origin worth comparing (RFC 6454 §7.3).
        if origin == "null" || origin.hasPrefix("file:") { return entries == ["*"] }
        let candidates = [origin, Self.withPort(origin)]
        return entries.contains { entry in candidates.contains { Self.matches($0, entry) } }
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

    /// Greedy from left to right, which needs no second try: a later `*` can take over whatever an earlier one leaves.
    private static func matches(_ text: String, _ pattern: String) -> Bool {
        let parts = pattern.split(separator: "*", omittingEmptySubsequences: false)
        guard parts.count > 1, let first = parts.first, let last = parts.last else { return text == pattern }
        guard text.utf8.count >= first.utf8.count + last.utf8.count, text.hasPrefix(first), text.hasSuffix(last) else {
            return false
        }
        var rest = Array(text.utf8)[first.utf8.count..<(text.utf8.count - last.utf8.count)]
        for part in parts.dropFirst().dropLast() {
            guard let end = Self.end(of: Array(part.utf8), in: rest) else { return false }
            rest = rest[end...]
        }
        return true
    }

    private static func end(of part: [UInt8], in text: ArraySlice<UInt8>) -> Int? {
        guard !part.isEmpty else { return text.startIndex }
        var start = text.startIndex
        while start + part.count <= text.endIndex {
            if text[start..<start + part.count].elementsEqual(part) { return start + part.count }
            start += 1
        }
        return nil
    }
}
