/// Keys of the original that belong to what is not served yet. They are checked like all others, so that a file that is good
/// today stays good, and whoever sets one is told that it does nothing.
struct UnservedSettings {
    static let interfaces = "IP or IP:port, [IPv6] or [IPv6]:port"

    static func check(_ reader: inout SettingsReader) {
        _ = reader.value("General", "http_management_interface", default: true, legal: interfaces) {
            isInterface($0) ? true : nil
        }
        _ = reader.secret("General", "http_management_auth_secret", default: nil)
        _ = reader.secret("General", "firebase_server_key", default: nil)
    }

    private static func isInterface(_ text: String) -> Bool {
        var host = text[...].trimmed()
        if host.first == "[" {
            guard let end = host.firstIndex(of: "]") else { return false }
            let rest = host[host.index(after: end)...]
            return isIPv6(host[host.index(after: host.startIndex)..<end])
                && (rest.isEmpty || (rest.first == ":" && isPort(rest.dropFirst())))
        }
        if let colon = host.lastIndex(of: ":") {
            guard isPort(host[host.index(after: colon)...]) else { return false }
            host = host[..<colon]
        }
        return isIPv4(host)
    }

    private static func isPort(_ text: Substring) -> Bool {
        text.count <= 5 && text.allSatisfy(\.isWholeDigit) && (1...65_535).contains(Int(text) ?? 0)
    }

    private static func isIPv4(_ text: Substring) -> Bool {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4
            && parts.allSatisfy { $0.count <= 3 && $0.allSatisfy(\.isWholeDigit) && UInt8($0) != nil }
    }

    private static func isIPv6(_ text: Substring) -> Bool {
        text.contains(":") && text.allSatisfy { $0.isASCII && ($0.isHexDigit || $0 == ":" || $0 == ".") }
    }
}

extension Character {
    fileprivate var isWholeDigit: Bool { isASCII && isNumber }
}
